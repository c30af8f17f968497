//! Both files of a configuration: every fault has a place in them and shows no secret, and no file is too odd.

use std::path::Path;

use seer_relay::check::check;
use seer_relay::config::{Config, Environment, Fault, starter};
use tempfile::TempDir;

use super::mutation::Structure;
use super::{Target, in_time};

const DEFAULT: &str = include_str!("../../../config/default.toml");
const SETTINGS: &str = include_str!("../../../config/relay.toml");
const ROUTES: &str = include_str!("../../../config/routes.toml");
/// Every key that a destination or a route may have.
const FULL: &str = "\
    [slack.team]\nwebhook_url = { file = \"secrets/team\" }\nrate = \"1/s\"\nin_flight = 4\ntimeout = \"10s\"\n\
    expire_after = \"6h\"\ndiff = 20\nbuttons = true\nslack_compatible = false\ntemplate = \"oncall\"\n\
    [discord.dev]\nwebhook_url = \"https://discord.com/api/webhooks/1/written-in-the-file\"\nthread_id = \"1\"\n\
    [webhook.audit]\nurl = \"https://audit.test/\"\nthin = true\nsecret = { env = \"AUDIT_SECRET\" }\n\
    headers = { X-Key = { env = \"AUDIT_AUTHORIZATION\" } }\n\
    [[route]]\nname = \"one\"\nwhen = { action = [\"pr_*\"], repo = \"acme/*\", path = \"src/**\", group_id = 5, \
    provider = \"github\", classification = \"x\", organization = \"acme\", not = { action = \"*_failed\" } }\n\
    otherwise = false\nto = [\"team\", \"dev\"]\ntemplate = \"oncall\"\n[[route]]\nto = [\"audit\"]\n";

/// The end of the address that stands in [`FULL`].
const WRITTEN: &str = "written-in-the-file";

const VARIABLES: [(&str, &str); 5] = [
    ("SENTRY_CLIENT_SECRET", "known-client-secret"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/known-slack-token"),
    ("DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/known-discord-token"),
    ("AUDIT_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("AUDIT_AUTHORIZATION", "Bearer known-authorization"),
];

const WORDS: &[&str] = &[
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "é",
    "[sentry.acme]\n",
    "[sentry.\"a b\"]\n",
    "[[route]]\n",
    "[slack.backend]\n",
    "[route]\n",
    "[http]\n",
    "[webhook.backend]\n",
    " { env = \"AUDIT_SECRET\" }",
    " { file = \"secrets/team\" }",
    " { file = \"/dev/zero\" }",
    " { file = \"/dev/stdin\" }",
    " { file = \"..\" }",
    " { env = \"\" }",
    " \"\"",
    " []",
    " {}",
    " true",
    " [[1]]",
    " 1979-05-27",
    " \"1s\"",
    " \"-1s\"",
    " \"99999999999999999999h\"",
    " \"1/s\"",
    " \"0/s\"",
    " \"1/0s\"",
    " \"unlimited\"",
    " \"10 MiB\"",
    " \"9e99 EiB\"",
    " \"sqlite:x\"",
    " \"https://u:p@h/\"",
    " \"http://[::1]:99999\"",
    " \"*\"",
    " \"**\"",
    " \"***a*b*c*d\"",
    " [\"backend\", \"backend\"]",
    " \"\\u0000\"",
    " \"backend\"",
    " [\"no_such\"]",
    "not = {",
    "when.",
    "inf",
    "nan",
];

#[test]
fn every_fault_of_the_settings_stands_in_them() {
    let seeds = vec![SETTINGS.into(), format!("{SETTINGS}\n{DEFAULT}").into(), starter("relay.toml")];
    let folder = Folder::new();
    let target = Target { name: "settings", cases: 60, seeds, words: WORDS, structure: Structure::Lines };
    target.fuzz(|bytes| folder.holds(bytes, ROUTES.as_bytes(), "relay.toml"));
}

#[test]
fn every_fault_of_the_routes_stands_in_them() {
    let seeds = vec![ROUTES.into(), FULL.into(), starter("routes.toml")];
    let folder = Folder::new();
    let target = Target { name: "routes", cases: 60, seeds, words: WORDS, structure: Structure::Lines };
    target.fuzz(|bytes| folder.holds(SETTINGS.as_bytes(), bytes, "routes.toml"));
}

/// Returns a file of the folder that `init` writes.
fn starter(name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new");
    starter::write(&dir).unwrap();
    std::fs::read(dir.join(name)).unwrap()
}

/// A config folder whose files are written anew for each input.
struct Folder {
    dir: TempDir,
    environment: Environment,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("secrets")).unwrap();
        std::fs::write(
            dir.path().join("secrets/team"),
            "https://hooks.slack.com/services/T/B/known-file-token",
        )
        .unwrap();
        Self { dir, environment: Environment::from_pairs(VARIABLES) }
    }

    fn holds(&self, settings: &[u8], routes: &[u8], mutated: &str) {
        let dir = self.dir.path();
        std::fs::write(dir.join("relay.toml"), settings).unwrap();
        std::fs::write(dir.join("routes.toml"), routes).unwrap();
        let texts = [("relay.toml", settings), ("routes.toml", routes)];
        let loaded = in_time(|| Config::load(dir, &self.environment));
        let (_, input) = texts.iter().find(|(name, _)| *name == mutated).unwrap();
        let toml = std::str::from_utf8(input).ok();
        let toml = toml.filter(|text| toml::de::DeTable::parse(text.trim_start_matches('\u{feff}')).is_ok());
        match loaded {
            Ok(config) => {
                assert!(toml.is_some(), "no TOML, and no fault");
                config.warnings.iter().for_each(|warning| self.holds_of(warning, &texts));
                assert!(!config.organizations.is_empty());
                let known: Vec<_> = config.destinations.iter().map(|each| &each.name).collect();
                for route in config.routing.routes() {
                    assert!(route.to.iter().all(|name| known.contains(&name)), "{route:?}");
                }
                for destination in &config.destinations {
                    assert!((1..=1_000).contains(&destination.in_flight) && !destination.timeout.is_zero());
                }
                // Whatever the templates are found to be, it is told.
                if input.len() % 64 == 0 {
                    let report = check(dir, &self.environment);
                    report.faults.iter().for_each(assert_is_shown_well);
                }
            }
            Err(report) => {
                assert!(!report.faults.is_empty());
                for fault in report.faults.iter().chain(&report.warnings) {
                    self.holds_of(fault, &texts);
                }
                let places = report.faults.iter().map(|fault| (&fault.file, fault.line, fault.column));
                let places: Vec<_> = places.collect();
                assert!(places.is_sorted(), "{places:?}");
                // Templates are tried in vain, and take most of the time.
                if input.len() % 64 == 0 {
                    assert!(!in_time(|| check(dir, &self.environment)).faults.is_empty());
                }
            }
        }
    }

    /// Holds a fault against the files in which it is said to be.
    fn holds_of(&self, fault: &Fault, texts: &[(&str, &[u8])]) {
        assert_is_shown_well(fault);
        let Some(file) = &fault.file else {
            panic!("a fault of the environment, which is sound: {fault}");
        };
        let name = file.strip_prefix(self.dir.path()).unwrap_or(Path::new("")).to_string_lossy();
        let Some((_, bytes)) = texts.iter().find(|(text, _)| *text == name) else {
            panic!("`{}` is not a file of the configuration: {fault}", file.display());
        };
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.split('\n').collect();
        // What no key for secrets holds is no secret, but for an address pasted where its thread belongs.
        let is_secret = |line: &&str| {
            line.starts_with("webhook_url = \"https") || line.contains("thread_id") && line.contains("https")
        };
        let mut with_address = lines.iter().filter(|line| line.contains(WRITTEN));
        assert!(!with_address.all(is_secret) || !fault.to_string().contains(WRITTEN), "{fault}");
        match (fault.line, fault.column) {
            (None, None) => {}
            (Some(line), column) => {
                let shown =
                    lines.get(line - 1).unwrap_or_else(|| panic!("of {} lines: {fault}", lines.len()));
                let column = column.unwrap_or(1);
                assert!((1..=shown.chars().count() + 1).contains(&column), "{shown:?}: {fault}");
            }
            (None, Some(_)) => panic!("a column without a line: {fault}"),
        }
    }
}

/// Holds the words of a fault: short, in one line each, without a secret.
fn assert_is_shown_well(fault: &Fault) {
    for words in [Some(&fault.message), fault.hint.as_ref()].into_iter().flatten() {
        assert!(!words.is_empty() && words.len() <= 8_000, "{} bytes: {fault}", words.len());
        assert!(!words.contains(|each: char| each.is_control()), "{words:?}");
        for secret in ["known-", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(!words.contains(secret), "{secret}: {fault}");
        }
    }
    assert!(!fault.message.ends_with('.'), "{fault}");
}
