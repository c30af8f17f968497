//! `doctor`: beside a relay and without one, with everybody there and with nobody.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Machine, Receiver, RelayFolder, SECRET, Sentry};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

/// What a Slack bot, a Discord webhook and a service say to a visitor.
struct Town {
    slack: Receiver,
    discord: Receiver,
    audit: Receiver,
    sentry: Receiver,
}

impl Town {
    fn open() -> Self {
        let who = json!({ "ok": true, "team": "Acme", "user": "seer" }).to_string();
        let scopes = vec![("x-oauth-scopes", "chat:write".to_owned())];
        Self {
            slack: Receiver::start_with(Answer::Refuse(200, scopes, who)),
            discord: Receiver::start(),
            audit: Receiver::start(),
            sentry: Receiver::start_with(Answer::Refuse(200, Vec::new(), "[]".to_owned())),
        }
    }

    fn routes(&self) -> String {
        routes(&self.slack.url("/api"), &self.audit.url("/seer/token-of-audit"))
    }

    fn folder(&self) -> RelayFolder {
        let mut folder = RelayFolder::asking(&self.sentry.url(""), &self.routes());
        folder.set("API_TOKEN", "token-of-sentry");
        folder.set("SLACK_BOT_TOKEN", "xoxb-token-of-slack");
        folder.set("DISCORD_URL", &self.discord.url("/discord/1/token-of-discord"));
        folder
    }
}

fn routes(slack: &str, audit: &str) -> String {
    format!(
        "[slack.fixes]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\nchannel = \"C0123ABC\"\napi_url = \"{slack}\"\n\
         [discord.dev]\nwebhook_url = {{ env = \"DISCORD_URL\" }}\n\
         [webhook.audit]\nurl = \"{audit}\"\n\
         [[route]]\nname = \"all\"\nto = [\"fixes\", \"dev\", \"audit\"]\n"
    )
}

fn text(output: &Output) -> (Option<i32>, String) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), format!("{out}{err}"))
}

/// Asks the doctor beside a relay at this address; returns the exit code and what it printed.
async fn ask(folder: &RelayFolder, address: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = folder.command(&[&["doctor"], arguments].concat());
    command.env("SEER_RELAY__HTTP__LISTEN", address);
    text(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

/// A folder whose Sentry nobody is.
fn lonely(routes: &str) -> RelayFolder {
    let folder = RelayFolder::new(routes);
    folder.add_setting(&format!("api_url = \"{NOBODY}\""));
    folder
}

/// Returns state and message of each check of a group.
fn of_group(report: &Value, group: &str) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["group"] == group);
    let part = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks.map(|check| (part(check, "state"), part(check, "message"))).collect()
}

fn is(state: &str, message: impl Into<String>) -> (String, String) {
    (state.to_owned(), message.into())
}

async fn report(folder: &RelayFolder, address: &str, code: i32) -> Value {
    let (exit, printed) = ask(folder, address, &["--json"]).await;
    assert_eq!(exit, Some(code), "{printed}");
    serde_json::from_str(&printed).unwrap()
}

#[tokio::test]
async fn beside_a_relay_to_which_nobody_refuses_anything_there_is_nothing_to_mend() {
    let town = Town::open();
    let folder = town.folder();
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    folder.until_nothing_waits().await;
    let public = format!("http://{}", relay.address());
    let settings = std::fs::read_to_string(folder.config().join("relay.toml")).unwrap();
    std::fs::write(folder.config().join("relay.toml"), format!("http.public_url = \"{public}\"\n{settings}"))
        .unwrap();
    let sent = [&town.slack, &town.discord, &town.audit].map(Receiver::count);

    let report = report(&folder, relay.address(), 0).await;

    let address = relay.address();
    assert_eq!(of_group(&report, "settings"), [is("ok", "`config` has no faults")]);
    assert_eq!(of_group(&report, "relay"), [is("ok", format!("it runs at `{address}`, and can store"))]);
    let signatures = of_group(&report, "signatures");
    assert_eq!(signatures[1], is("ok", "none failed since the relay started"));
    assert!(signatures[0].1.starts_with("`acme`: a webhook with a good signature came "), "{signatures:?}");
    assert_eq!(
        of_group(&report, "public_url"),
        [
            is("warning", "`http://127.0.0.1` is not https: what Sentry sends could be read on its way"),
            is("ok", "`http://127.0.0.1` leads to a relay, where webhooks are taken"),
        ]
    );
    let store = of_group(&report, "store");
    assert_eq!(store[0], is("ok", format!("`{}` can be read", folder.store().display())));
    assert_eq!(store[1], is("ok", "0 deliveries and 0 events wait"));
    assert_eq!(of_group(&report, "sentry"), [is("ok", "`acme`: `127.0.0.1` lets the token read issues")]);
    assert_eq!(
        of_group(&report, "destinations"),
        [
            is("ok", "`fixes` (slack): `127.0.0.1` knows it: `seer` in workspace `Acme`"),
            is("ok", "`dev` (discord): `127.0.0.1` knows it: channel `2`"),
            is("ok", "`audit` (webhook): `127.0.0.1` answers (status 204)"),
        ]
    );
    assert_eq!(of_group(&report, "clock"), [is("ok", "it agrees with what 3 other clocks told")]);
    for (receiver, before) in [&town.slack, &town.discord, &town.audit].into_iter().zip(sent) {
        let visits = receiver.received_after(before);
        assert_eq!(visits.len(), 1);
        assert!(visits[0].body.is_empty(), "nothing is sent: {visits:?}");
    }
    let (code, page) = ask(&folder, address, &[]).await;
    assert!(code == Some(0) && page.ends_with("\nno faults, 1 warning\n"), "{page}");
    assert_eq!(
        page.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect::<Vec<_>>(),
        [
            "Settings",
            "Relay",
            "Signatures",
            "Public address",
            "Store",
            "Sentry's API",
            "Destinations",
            "Clock",
            "no faults, 1 warning",
        ]
    );
}

#[tokio::test]
async fn where_nobody_answers_it_ends_within_seconds_and_nothing_is_called_a_fault() {
    let mut folder = RelayFolder::asking(NOBODY, &routes(NOBODY, NOBODY));
    folder.set("API_TOKEN", "token-of-sentry");
    folder.set("SLACK_BOT_TOKEN", "xoxb-token-of-slack");
    folder.set("DISCORD_URL", &format!("{NOBODY}/discord/1/token-of-discord"));
    folder.set("SEER_RELAY__HTTP__PUBLIC_URL", NOBODY);
    let began = Instant::now();

    let report = report(&folder, "127.0.0.1:1", 0).await;

    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let refused = "connection refused";
    let relay = format!("no relay runs here: nobody answers at `127.0.0.1:1` ({refused})");
    assert_eq!(of_group(&report, "relay"), [is("warning", relay)]);
    let message = "no relay tells which signatures held; `doctor --body FILE --signature HEX` looks at one";
    assert_eq!(of_group(&report, "signatures"), [is("unknown", message)]);
    let public = format!("`http://127.0.0.1` does not answer this machine: {refused}");
    assert_eq!(of_group(&report, "public_url")[1], is("warning", public));
    let store = format!("there is none yet at `{}`: `serve` makes it", folder.store().display());
    assert_eq!(of_group(&report, "store")[0], is("unknown", store));
    let sentry = format!("`acme`: `127.0.0.1`: Sentry does not answer: {refused}");
    assert_eq!(of_group(&report, "sentry"), [is("warning", sentry)]);
    for (name, kind) in [("fixes", "slack"), ("dev", "discord"), ("audit", "webhook")] {
        let message = format!("`{name}` ({kind}): `127.0.0.1` does not answer this machine: {refused}");
        assert!(of_group(&report, "destinations").contains(&is("warning", message)), "{report:#}");
    }
    let message = "nobody was reached whose clock it could be held against";
    assert_eq!(of_group(&report, "clock"), [is("unknown", message)]);
    assert!(!folder.store().exists(), "it makes nothing");
}

#[tokio::test]
async fn who_never_answers_is_not_waited_for_longer_than_a_few_seconds() {
    let silent = Receiver::start_with(Answer::Hang);
    let mut folder =
        RelayFolder::asking(&silent.url(""), &routes(&silent.url("/api"), &silent.url("/audit")));
    folder.set("API_TOKEN", "token-of-sentry");
    folder.set("SLACK_BOT_TOKEN", "xoxb-token-of-slack");
    folder.set("DISCORD_URL", &silent.url("/discord/1/token-of-discord"));
    let began = Instant::now();
    let report = report(&folder, &silent.url("")["http://".len()..], 0).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let message = "`dev` (discord): `127.0.0.1` does not answer this machine: no answer in time";
    assert_eq!(of_group(&report, "destinations")[1], is("warning", message));
}

#[tokio::test]
async fn offline_nobody_is_called() {
    let town = Town::open();
    let folder = town.folder();
    let (code, printed) = ask(&folder, "127.0.0.1:1", &["--offline", "--json"]).await;
    assert_eq!(code, Some(0), "{printed}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(of_group(&report, "sentry"), [is("unknown", "it was not called (--offline)")]);
    assert_eq!(
        of_group(&report, "destinations")[0],
        is("unknown", "`fixes` (slack) was not called (--offline)")
    );
    for receiver in [&town.slack, &town.discord, &town.audit, &town.sentry] {
        assert_eq!(receiver.count(), 0);
    }
}

#[tokio::test]
async fn who_refuses_is_a_fault_with_its_words_and_what_to_do() {
    let town = Town::open();
    let folder = town.folder();
    let refuse = |body: Value| Answer::Refuse(200, Vec::new(), body.to_string());
    town.slack.always(refuse(json!({ "ok": false, "error": "token_revoked" })));
    town.discord.always(Answer::Refuse(
        404,
        Vec::new(),
        json!({ "code": 10015, "message": "Unknown Webhook token-of-discord" }).to_string(),
    ));
    town.sentry.always(Answer::Refuse(403, Vec::new(), "{}".to_owned()));

    let report = report(&folder, "127.0.0.1:1", 1).await;

    assert_eq!(of_group(&report, "sentry"), [is("fault", "`acme`: the token may not read issues")]);
    assert_eq!(
        of_group(&report, "destinations")[..2],
        [
            is("fault", "`fixes` (slack): `127.0.0.1` does not let us in: token_revoked"),
            is("fault", "`dev` (discord): `127.0.0.1` does not let us in: 10015 Unknown Webhook [redacted]"),
        ]
    );
    let checks = report["checks"].as_array().unwrap();
    assert!(
        checks
            .iter()
            .all(|check| check["state"] == "ok" || check["hint"].is_string() || check["state"] == "unknown")
    );
    let (code, page) = ask(&folder, "127.0.0.1:1", &[]).await;
    assert_eq!(code, Some(1));
    for secret in ["token-of-", "xoxb", SECRET, "/discord/1", "/seer"] {
        assert!(!page.contains(secret) && !report.to_string().contains(secret), "`{secret}` in {page}");
    }
}

#[tokio::test]
async fn a_real_webhook_that_was_refused_is_a_fault_and_a_strangers_is_none() {
    let folder = lonely("");
    let relay = folder.serve();
    let body = Sentry::body("pr_created", &json!({ "run_id": 1 }));
    relay.sentry().post_raw(body.clone(), &[]).await;
    let ours = |report: &Value| of_group(report, "signatures");
    let missing = "there is no signature: whoever sends this is no integration of Sentry";
    let strangers = report(&folder, relay.address(), 0).await;
    let (state, message) = &ours(&strangers)[0];
    assert_eq!(state, "warning");
    assert!(
        message.starts_with("`missing`: 1 webhook, the last one ") && message.ends_with(missing),
        "{message}"
    );
    assert_eq!(
        ours(&strangers)[1],
        is("warning", "`acme`: none came with a good signature since the relay started")
    );

    let touched = String::from_utf8(body.clone()).unwrap().replace(',', ", ").into_bytes();
    let signature = Sentry::sign(&body, SECRET);
    relay.sentry().post_raw(touched, &[("sentry-hook-signature", &signature)]).await;
    relay.logged("\"cause\":\"reserialised\"");
    let lost = report(&folder, relay.address(), 1).await;
    let (state, message) =
        ours(&lost).into_iter().find(|(_, message)| message.contains("touched on its way")).unwrap();
    assert!(state == "fault" && message.starts_with("`reserialised`: 1 webhook, the last one "), "{message}");
}

#[tokio::test]
async fn a_captured_webhook_is_judged_without_a_relay() {
    let folder = lonely("");
    let body = Sentry::body("pr_created", &json!({ "run_id": 1 }));
    let signature = Sentry::sign(&body, SECRET);
    let file = folder.path().join("body.json");
    let judged = |body: &[u8], arguments: &[&str]| {
        std::fs::write(&file, body).unwrap();
        text(&folder.run(&[&["doctor", "--body", file.to_str().unwrap()], arguments].concat()))
    };
    let signed = ["--signature", &signature];
    let (code, out) = judged(&body, &signed);
    assert_eq!((code, out.as_str()), (Some(0), "  ok        the signature holds: `acme` signed it\n"));
    let (code, out) = judged(&[&body[..], b"\n"].concat(), &signed);
    assert_eq!(code, Some(1));
    assert!(
        out.starts_with(
            "  fault     the signature does not hold: the body is not the one that was signed: it is touched on its way here: white space was put around it (organization `acme`)\n            let the proxy"
        ),
        "{out}"
    );
    let (code, out) = judged(&body, &["--signature", &signature, "--json"]);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &verdict["holds"], &verdict["organization"]), (Some(0), &json!(true), &json!("acme")));
    let (code, out) = judged(&body, &["--json"]);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &verdict["cause"]), (Some(1), &json!("missing")));
    std::fs::remove_file(&file).unwrap();
    let (code, out) = text(&folder.run(&["doctor", "--body", file.to_str().unwrap()]));
    assert!(code == Some(1) && out.contains("cannot read") && out.contains("exactly as it came"), "{out}");
    let (code, out) = text(&folder.run(&["doctor", "--signature", &signature]));
    assert!(code == Some(2) && out.contains("--body"), "{out}");
}

#[tokio::test]
async fn faults_of_the_settings_are_told_and_those_of_templates_keep_nothing_from_being_looked_at() {
    let folder = lonely("[slack.team]\nwebhook_url = { env = \"UNSET\" }\n[[route]]\nto = [\"team\"]\n");
    let templates = folder.config().join("templates");
    std::fs::create_dir(&templates).unwrap();
    std::fs::write(templates.join("pr_created.md.tera"), "{{ nothing.of_that }}").unwrap();
    let broken = report(&folder, "127.0.0.1:1", 1).await;
    let settings = of_group(&broken, "settings");
    assert!(settings[0].0 == "fault" && settings[0].1.contains("pr_created.md.tera:1:"), "{settings:?}");
    assert!(
        settings.iter().any(|(state, message)| state == "warning" && message.contains("`UNSET` is not set"))
    );
    let destinations = of_group(&broken, "destinations");
    let message = "`team` (slack) cannot be called: environment variable `UNSET` is not set";
    assert_eq!(destinations, [is("warning", message)]);

    std::fs::write(folder.config().join("routes.toml"), "[[route]]\nto = [\"nobody\"]\n").unwrap();
    let unread = report(&folder, "127.0.0.1:1", 1).await;
    let (state, message) = &of_group(&unread, "settings")[0];
    assert!(state == "fault" && message.contains("routes.toml:2:7: route `route 1` sends to"), "{message}");
    assert_eq!(
        of_group(&unread, "relay"),
        [is("unknown", "everything else: it needs settings that can be read")]
    );
}

#[tokio::test]
async fn without_a_client_secret_serve_would_not_start_which_is_a_fault() {
    let mut folder = lonely("");
    folder.set("CLIENT_SECRET", "");
    let report = report(&folder, "127.0.0.1:1", 1).await;
    let message = "no client secret is set here: `serve` would not start, since it could verify no webhook";
    assert!(of_group(&report, "settings").contains(&is("fault", message)), "{report:#}");
}

#[tokio::test]
async fn a_relay_that_listens_elsewhere_and_something_else_that_listens_here_are_told_apart() {
    let folder = lonely("");
    let _relay = folder.serve();
    let elsewhere = of_group(&report(&folder, "127.0.0.1:1", 0).await, "relay");
    assert!(elsewhere[0].1.contains("has the store, but at `127.0.0.1:1` no relay answers"), "{elsewhere:?}");
    let other = Receiver::start();
    let address = other.url("")["http://".len()..].to_owned();
    let here = of_group(&report(&folder, &address, 1).await, "relay");
    let message = format!("something else than a relay answers at `{address}` (status 204)");
    assert_eq!(here, [is("fault", message)]);
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_or_that_others_may_read_is_told() {
    let folder = lonely("");
    std::fs::create_dir(folder.store().parent().unwrap()).unwrap();
    std::fs::write(folder.store(), "not a database").unwrap();
    std::fs::set_permissions(folder.store(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let store = of_group(&report(&folder, "127.0.0.1:1", 1).await, "store");
    assert_eq!(store[0], is("fault", format!("`{}` is not an SQLite database", folder.store().display())));
    let message = "the store is open to other users (mode 0640): it holds what Sentry sent";
    assert!(store.contains(&is("warning", message)), "{store:?}");
    assert_eq!(std::fs::read(folder.store()).unwrap(), b"not a database");
}

#[tokio::test]
async fn a_clock_that_is_off_is_a_fault() {
    let town = Town::open();
    let mut folder = town.folder();
    let machine = Machine::under(&mut folder);
    machine.clock_ahead(3_600 + 30);
    let clock = of_group(&report(&folder, "127.0.0.1:1", 1).await, "clock");
    assert_eq!(clock, [is("fault", "it is 1 h fast, by what 3 other clocks told")]);
}
