//! Secrets: what keeps the relay from starting, what does not, and that no value is ever shown.

use secrecy::ExposeSecret;

use super::{RELAY, ROUTES, VARIABLES, environment, folder, load};
use crate::config::{Config, Environment};
use crate::notify::Service;
use crate::notify::slack::SlackAccess;
use crate::secret::Secret;

fn slack_secret(config: &Config) -> &Secret {
    match &config.destinations[0].service {
        Service::Slack(slack) => match &slack.access {
            SlackAccess::Webhook(url) => url,
            SlackAccess::Bot(bot) => &bot.token,
        },
        other @ (Service::Discord(_) | Service::Webhook(_)) => panic!("not slack: {other:?}"),
    }
}

#[test]
fn a_secret_comes_from_a_variable_or_a_file_less_one_line_break() {
    let routes = "[slack.a]\nwebhook_url = { file = \"secrets/slack\" }\n[[route]]\nto = [\"a\"]\n";
    for (content, value) in [
        ("https://hooks.slack.com/a\n", "https://hooks.slack.com/a"),
        ("https://hooks.slack.com/a\r\n", "https://hooks.slack.com/a"),
        ("https://hooks.slack.com/a", "https://hooks.slack.com/a"),
    ] {
        let dir = folder(RELAY, routes);
        std::fs::create_dir(dir.path().join("secrets")).expect("makes a folder");
        std::fs::write(dir.path().join("secrets/slack"), content).expect("writes");
        let config = Config::load(dir.path(), &environment(&[])).expect("sound");
        assert_eq!(slack_secret(&config).known().expect("known").expose_secret(), value);
        assert_eq!(config.warnings, []);
    }
}

#[test]
fn only_one_line_break_is_cut() {
    let relay = "[sentry.acme]\nclient_secrets = [{ file = \"s\" }]\n";
    let dir = folder(relay, ROUTES);
    std::fs::write(dir.path().join("s"), "secret\n\n").expect("writes");
    let config = Config::load(dir.path(), &environment(&[])).expect("sound");
    let secret = config.organizations[0].client_secrets[0].known().expect("known");
    assert_eq!(secret.expose_secret(), "secret\n");
}

#[test]
fn a_secret_without_a_usable_value_is_a_warning_that_says_why() {
    for (value, code, why) in [
        (None, "secret_missing", "environment variable `URL` is not set"),
        (Some(""), "secret_missing", "environment variable `URL` is empty"),
        (Some("hidden-value"), "secret_unusable", "environment variable `URL` is not a URL"),
    ] {
        let routes = "[slack.a]\nwebhook_url = { env = \"URL\" }\n[[route]]\nto = [\"a\"]\n";
        let variables = VARIABLES.into_iter().chain(value.map(|value| ("URL", value)));
        let config =
            Config::load(folder(RELAY, routes).path(), &Environment::from_pairs(variables)).expect("sound");
        assert_eq!(config.warnings.len(), 1);
        assert_eq!((config.warnings[0].code, config.warnings[0].line), (code, Some(2)));
        assert!(config.warnings[0].message.contains(why), "{:?}", config.warnings);
        assert!(!config.warnings[0].to_string().contains("hidden"), "{:?}", config.warnings);
        let Secret::Missing(reason) = slack_secret(&config) else { panic!("not missing") };
        assert!(reason.starts_with(why), "{reason}");
    }
}

#[test]
fn a_secret_without_a_usable_value_says_how_to_mend_it_and_what_follows() {
    let hint = |relay: &str, routes: &str, variables: &[(&str, &str)]| {
        let dir = folder(relay, routes);
        std::fs::create_dir(dir.path().join("secrets")).expect("makes a folder");
        let warnings = Config::load(dir.path(), &environment(variables)).expect("sound").warnings;
        let [warning] = warnings.as_slice() else { panic!("one warning: {warnings:?}") };
        warning.hint.clone().expect("a hint")
    };
    let slack = |secret: &str| format!("[slack.a]\nwebhook_url = {secret}\n[[route]]\nto = \"a\"\n");
    let starts = "; without it `serve` starts all the same, and `serve --strict` refuses to";
    let unset = hint(RELAY, &slack("{ env = \"URL\" }"), &[]);
    assert_eq!(unset, format!("set it in the environment of `serve`{starts}"));
    assert_eq!(hint(RELAY, &slack("{ env = \"URL\" }"), &[("URL", " \n")]), unset);
    let wrong = hint(RELAY, &slack("{ env = \"URL\" }"), &[("URL", "hooks.slack.com")]);
    assert_eq!(wrong, format!("write the address in full, for example `https://example.com/in`{starts}"));
    let folder = hint(RELAY, &slack("{ file = \"secrets\" }"), &[]);
    assert_eq!(folder, format!("name a file that holds the value, and nothing else{starts}"));
    let missing = hint(RELAY, &slack("{ file = \"secrets/x\" }"), &[]);
    assert_eq!(missing, format!("write the value, and nothing else, into that file{starts}"));
    let client = hint("[sentry.acme]\nclient_secrets = [{ env = \"S\" }]\n", ROUTES, &[]);
    assert!(client.ends_with("; `serve` starts while at least one client secret can be used, `serve --strict` only with all of them"));
}

#[test]
fn a_secret_file_without_a_usable_value_is_a_warning_that_says_why() {
    let relay = "[sentry.acme]\nclient_secrets = [\"x\", { file = \"secrets\" }]\n";
    let warnings = |prepare: fn(&std::path::Path)| {
        let dir = folder(relay, ROUTES);
        prepare(&dir.path().join("secrets"));
        let config = Config::load(dir.path(), &environment(&[])).expect("sound");
        let found = config.warnings.into_iter().find(|warning| warning.code == "secret_missing");
        found.expect("a warning").message
    };
    assert!(warnings(|_| ()).ends_with("is not there"));
    assert!(warnings(|path| std::fs::create_dir(path).expect("makes")).ends_with("is not a file"));
    assert!(warnings(|path| std::fs::write(path, "").expect("writes")).ends_with("is empty"));
    assert!(warnings(|path| std::fs::write(path, "\n").expect("writes")).ends_with("is empty"));
    assert!(
        warnings(|path| std::fs::write(path, [0xff, 0xfe]).expect("writes")).ends_with("is not UTF-8 text")
    );
    assert!(
        warnings(|path| std::fs::write(path, "x".repeat(70_000)).expect("writes"))
            .ends_with("is larger than 64 KiB")
    );
}

#[test]
fn literal_text_is_accepted_with_a_warning() {
    let relay = "[sentry.acme]\nclient_secrets = [\"literally\"]\n[http]\ntoken = \"also\"\n";
    let routes = "[slack.a]\nwebhook_url = \"https://hooks.slack.com/x\"\n[webhook.b]\nurl = \"https://b.dev\"\n\
                  headers = { X-Team = \"backend\", X-Api-Key = \"k\" }\n[webhook.c]\nurl = \"https://u:p@c.dev\"\n\
                  [[route]]\nto = [\"a\", \"b\", \"c\"]\n";
    let config = load(relay, routes).expect("sound");
    let places: Vec<_> = config.warnings.iter().map(|warning| (warning.code, warning.line)).collect();
    let literal = |line| ("literal_secret", Some(line));
    assert_eq!(places, [literal(2), literal(4), literal(2), literal(5), literal(7)]);
    assert!(config.http.token.is_some());
}

#[test]
fn an_unset_token_counts_as_not_configured_and_is_said() {
    let config = load(&format!("{RELAY}[http]\ntoken = {{ env = \"NO_TOKEN\" }}\n"), ROUTES).expect("sound");
    assert!(config.http.token.is_none());
    assert_eq!(config.warnings[0].code, "secret_missing");
    assert!(config.warnings[0].message.contains("`http.token`"));
}

#[test]
fn one_of_several_client_secrets_may_be_missing() {
    let relay = "[sentry.acme]\nclient_secrets = [{ env = \"SENTRY_CLIENT_SECRET\" }, { env = \"OLD\" }]\n";
    let config = load(relay, ROUTES).expect("sound");
    let secrets = &config.organizations[0].client_secrets;
    assert!(secrets[0].known().is_some() && secrets[1].known().is_none());
    assert_eq!(config.organizations[0].base_url.as_str(), "https://acme.sentry.io/");
}

#[test]
fn two_organizations_share_a_secret_even_while_it_is_unset() {
    let relay =
        "[sentry.a]\nclient_secrets = [{ env = \"S\" }]\n[sentry.b]\nclient_secrets = [{ env = \"S\" }]\n";
    let found = load(relay, ROUTES).expect_err("faulty").faults;
    assert_eq!(found.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["secret_shared"]);
    let unset =
        "[sentry.a]\nclient_secrets = [{ env = \"S\" }]\n[sentry.b]\nclient_secrets = [{ env = \"T\" }]\n";
    assert!(load(unset, ROUTES).is_ok());
}

#[test]
fn no_fault_and_no_debug_output_shows_a_secret() {
    const VALUES: [&str; 5] =
        ["hush-hush", "https://hooks.slack.com/services/T/B/hush", "xoxb-hush", "whsec_hush", "hush=="];
    for value in VALUES {
        let relay = format!(
            "[http]\ntoken = \"{value}\"\npublic_url = \"https://a:{value}@b\"\n[store]\nurl = \"postgres://a:{value}@b\"\n\
             [sentry.a]\nclient_secrets = \"{value}\"\n[sentry.b]\nclient_secrets = [\"{value}\", {{ env = \"{value}\" }}, \
             {{ file = \"{value}\" }}, {{ envv = \"{value}\" }}]\n[sentry.c]\nclient_secrets = [\"{value}\"]\n"
        );
        let routes = format!(
            "[slack.a]\nwebhook_url = \"x {value}\"\nbot_token = \"{value}\"\n[webhook.b]\nurl = \"x {value}\"\n\
             secret = \"{value}\"\nheaders = {{ A = \"{value}\\n\" }}\n[[route]]\nto = [\"a\", \"b\"]\n"
        );
        let found = load(&relay, &routes).expect_err("faulty");
        let shown = format!("{found}{found:?}");
        let leaks: Vec<&str> = shown.lines().filter(|line| line.contains("hush")).collect();
        // A short word is a fine name for a variable or a file: only there it is shown.
        let is_name = value == "hush-hush" || value == "hush==";
        assert!(
            leaks.is_empty() || is_name && leaks.iter().all(|line| line.contains("secret file")),
            "{leaks:#?}"
        );
    }
    let config = load(RELAY, ROUTES).expect("sound");
    let shown = format!("{config:?}");
    assert!(!shown.contains("a-client-secret") && !shown.contains("services/T"), "{shown}");
}
