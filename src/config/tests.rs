//! Whole config folders, sound and faulty.

mod editors;
mod faulty;
mod hostile;
mod layers;
mod secrets;
mod sound;
mod warnings;

use std::path::Path;

use tempfile::TempDir;

use super::{Config, Environment, Fault, Faults};

/// A `relay.toml` without a fault.
const RELAY: &str = "[sentry.acme]\nclient_secrets = [{ env = \"SENTRY_CLIENT_SECRET\" }]\n";
/// A `routes.toml` without a fault.
const ROUTES: &str = "[slack.backend]\nwebhook_url = { env = \"SLACK_WEBHOOK_URL\" }\n[[route]]\nname = \"all\"\nto = [\"backend\"]\n";

/// A root certificate of nobody, in PEM form.
const ROOT: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBhDCCASmgAwIBAgIUe9YnkyraoVr7bBDrN6XTZ1OUJdswCgYIKoZIzj0EAwIw\n\
    FjEUMBIGA1UEAwwLYSB0ZXN0IHJvb3QwIBcNMjYxMTI0MjM1MzA3WhgPMjEyNjEw\n\
    MzEyMzUzMDdaMBYxFDASBgNVBAMMC2EgdGVzdCByb290MFkwEwYHKoZIzj0CAQYI\n\
    KoZIzj0DAQcDQgAEC8jWssn/vu+yzO8RM1lFJOAPF43h8Pworycx9zm/12QaB6pe\n\
    YWCu/Q7L704TexYzRlVHQkg+hkVPsgkBorxK+KNTMFEwHQYDVR0OBBYEFJMPdhN6\n\
    zid+Y1T5NLmablmTE44kMB8GA1UdIwQYMBaAFJMPdhN6zid+Y1T5NLmablmTE44k\n\
    MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAK4j64Rf7KaEPm5J\n\
    ZgoeAzp/nw7+trVCJL5QCTbgRAzjAiEA1RTSYyhajxWCToH8HAxpMtvt4SwidfSV\n\
    qrGeH0nZQdY=\n\
    -----END CERTIFICATE-----\n";

/// Every variable that the sound files name.
const VARIABLES: [(&str, &str); 5] = [
    ("SENTRY_CLIENT_SECRET", "a-client-secret"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
    ("DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/x"),
    ("AUDIT_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("AUDIT_AUTHORIZATION", "Bearer of-news"),
];

fn folder(relay: &str, routes: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("relay.toml"), relay).expect("writes relay.toml");
    std::fs::write(dir.path().join("routes.toml"), routes).expect("writes routes.toml");
    dir
}

fn environment(more: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(VARIABLES.iter().chain(more).copied())
}

fn load(relay: &str, routes: &str) -> Result<Config, Faults> {
    Config::load(folder(relay, routes).path(), &environment(&[]))
}

fn faults(dir: &Path, environment: &Environment) -> Vec<Fault> {
    Config::load(dir, environment).expect_err("the folder is faulty").faults
}

fn file_name(fault: &Fault) -> &str {
    fault.file.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("")
}
