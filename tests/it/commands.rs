//! The commands that look, and what they show.

use serde_json::{Value, json};

use crate::support::{Receiver, RelayFolder, SECRET};

/// Routes to all three kinds at one receiver.
fn all_kinds(receiver: &Receiver) -> String {
    format!(
        "[slack.team]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
         [discord.dev]\nwebhook_url = {{ env = \"DISCORD_URL\" }}\nrate = \"unlimited\"\nstyle = \"messages\"\n\
         [webhook.audit]\nurl = \"{}\"\n\
         [[route]]\nname = \"all\"\nto = [\"team\", \"dev\", \"audit\"]\n",
        receiver.url("/slack/T000/B000/token-of-the-team"),
        receiver.url("/audit"),
    )
}

fn text(output: &std::process::Output) -> (Option<i32>, String, String) {
    let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), read(&output.stdout), read(&output.stderr))
}

#[test]
fn init_check_and_usage_set_their_exit_codes() {
    let folder = RelayFolder::new("");
    let (code, out, _) = text(&folder.run(&["init", "fresh"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("fresh/relay.toml") && out.contains("Issue & Event: Read"), "{out}");
    let (code, _, err) = text(&folder.run(&["init", "fresh"]));
    assert!(code == Some(1) && err.contains("overwrites nothing"), "{err}");
    let (code, out, _) = text(&folder.run(&["check", "--config-dir", "fresh"]));
    assert!(code == Some(0) && out.contains("warning") && out.contains("SENTRY_CLIENT_SECRET"), "{out}");
    let (code, ..) = text(&folder.run(&["serve", "--nonsense"]));
    assert_eq!(code, Some(2));
    let (code, _, err) = text(&folder.run(&["replay"]));
    assert!(code == Some(2) && err.contains("<ID|--dead>"), "{err}");
    let (code, _, err) = text(&folder.run(&["runs", "--config-dir", "nowhere"]));
    assert!(code == Some(1) && err.contains("init"), "{err}");
    let (code, _, err) = text(&folder.run(&["runs"]));
    assert!(code == Some(1) && err.contains(&folder.store().display().to_string()), "{err}");
}

#[test]
fn check_names_file_line_and_mend_of_all_faults_at_once() {
    let folder =
        RelayFolder::new("[slack.team]\nwebhook_url = \"https://x.test/\"\n[[route]]\nto = [\"taem\"]\n");
    std::fs::write(folder.config().join("relay.toml"), "[htpp]\n[sentry.acme]\nclient_secrets = []\n")
        .unwrap();
    let (code, out, _) = text(&folder.run(&["check"]));
    assert_eq!(code, Some(1));
    for part in ["relay.toml:1:2", "did you mean `http`", "routes.toml:4:7", "did you mean `team`"] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let (code, _, err) = text(&folder.run(&["serve"]));
    assert!(code == Some(1) && err.contains("routes.toml:4:7"), "{err}");
}

#[test]
fn an_empty_variable_names_no_config_folder() {
    let mut folder =
        RelayFolder::new("[slack.team]\nwebhook_url = \"https://x.test/\"\n[[route]]\nto = \"team\"\n");
    folder.set("SEER_RELAY_CONFIG_DIR", "");
    let (code, out, err) = text(&folder.run(&["check"]));
    assert_eq!(code, Some(0), "{out}{err}");
    folder.set("SEER_RELAY_CONFIG_DIR", "nowhere");
    let (code, out, _) = text(&folder.run(&["check"]));
    assert!(code == Some(1) && out.contains("`nowhere` is not there"), "{out}");
}

#[test]
fn a_missing_secret_is_named_by_the_command_that_needs_it() {
    let mut folder = RelayFolder::new(
        "[slack.team]\nwebhook_url = { env = \"TEAM_URL_UNSET\" }\n[[route]]\nto = [\"team\"]\n",
    );
    let (code, _, err) = text(&folder.run(&["test", "team"]));
    assert!(code == Some(1) && err.contains("environment variable `TEAM_URL_UNSET` is not set"), "{err}");
    folder.set("CLIENT_SECRET", "");
    let (code, _, err) = text(&folder.run(&["send", "pr_created"]));
    assert!(code == Some(1) && err.contains("environment variable `CLIENT_SECRET` is empty"), "{err}");
}

#[test]
fn a_result_that_cannot_be_written_is_a_fault() {
    let folder = RelayFolder::new("");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let (code, _, err) = text(&folder.command(&["check"]).stdout(full).output().unwrap());
    assert!(code == Some(1) && err.contains("cannot write the result"), "{err}");
}

#[tokio::test]
async fn render_shows_what_is_sent_and_route_why() {
    let receiver = Receiver::start();
    let mut folder = RelayFolder::new(&all_kinds(&receiver));
    let (code, out, _) = text(&folder.run(&["render", "pr_created", "--to", "dev"]));
    assert_eq!(code, Some(0), "no secret is needed");
    let body: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    let routes = folder.json(&["route", "coding_completed", "--shape", "documented"]);
    assert_eq!(routes["routes"][0]["matched"], true);
    assert_eq!(routes["deliveries"].as_array().unwrap().len(), 3);
    folder.set("DISCORD_URL", &receiver.url("/discord/1/token-of-dev"));
    let relay = folder.serve();
    let (code, out, err) = text(&folder.run(&[
        "send",
        "pr_created",
        "--url",
        &format!("http://{}/webhooks/sentry", relay.address()),
    ]));
    assert!(code == Some(0) && out.starts_with("202"), "{out}{err}");
    let arrived = receiver.took(3).await;
    let discord = arrived.iter().find(|each| each.target.starts_with("/discord")).unwrap();
    assert!(discord.target.contains("wait=true"), "{}", discord.target);
    assert_eq!(discord.json()["allowed_mentions"], json!({ "parse": [] }));
    let slack = arrived.iter().find(|each| each.target.starts_with("/slack")).unwrap().json();
    assert!(slack["text"].as_str().unwrap().contains(' ') && slack["blocks"].is_array(), "{slack}");
}

const CARDS: &str = "[slack.fixes]\nbot_token = { env = \"SLACK_BOT_TOKEN\" }\nchannel = \"C0123ABC\"\n\
     [discord.dev]\nwebhook_url = \"https://x.test/\"\nstyle = \"messages\"\n\
     [[route]]\nname = \"all\"\nto = [\"fixes\", \"dev\"]\n\
     [[route]]\nname = \"silence\"\nwhen = { action = \"relay.silent\" }\nto = [\"fixes\"]\n";

#[test]
fn route_tells_the_card_and_what_is_announced_beside_it() {
    let folder = RelayFolder::new(CARDS);
    let parts = |action| {
        let document = folder.json(&["route", action]);
        let row = |row: &Value| {
            format!("{} {} {}", row["destination"], row["part"], row["template"]).replace('"', "")
        };
        document["deliveries"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let card = "fixes card card.md.tera";
    let announcement = "fixes announcement pr_created.md.tera";
    assert_eq!(parts("pr_created"), [card, announcement, "dev message pr_created.md.tera"]);
    assert_eq!(parts("coding_started")[..1], [card]);
    assert_eq!(parts("relay.silent")[0], "fixes message relay.silent.md.tera", "it is about no run");
    let (_, out, _) = text(&folder.run(&["route", "pr_created"]));
    for line in
        ["→ fixes (slack) card by card.md", "→ fixes (slack) announcement by pr_c", "→ dev (discord) by pr_c"]
    {
        assert!(out.contains(line), "{out}");
    }
}

#[test]
fn render_shows_the_card_or_what_is_announced_beside_it() {
    let folder = RelayFolder::new(CARDS);
    let body = |arguments: &[&str]| -> Value {
        let (code, out, err) = text(&folder.run(&[&["render"], arguments].concat()));
        assert_eq!(code, Some(0), "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let card = body(&["pr_created", "--to", "fixes"]);
    assert!(card.get("thread_ts").is_none() && card.to_string().contains("Run 12345 ·"), "{card}");
    let announced = body(&["pr_created", "--to", "fixes", "--announcement"]);
    assert_eq!((&announced["reply_broadcast"], &announced["channel"]), (&json!(true), &json!("C0123ABC")));
    assert!(!announced.to_string().contains("Run 12345 ·"), "{announced}");
    for (arguments, words) in [
        (["coding_completed", "--to", "fixes"], "`coding_completed` is not announced at `fixes`"),
        (["pr_created", "--to", "dev"], "only a destination with `style = \"card\"` announces"),
    ] {
        let (code, _, err) = text(&folder.run(&[&["render", "--announcement"], &arguments[..]].concat()));
        assert!(code == Some(1) && err.contains(words), "{err}");
    }
}

#[test]
fn a_name_that_is_nearly_right_is_shown_right() {
    let folder =
        RelayFolder::new("[slack.team]\nwebhook_url = \"https://x.test/\"\n[[route]]\nto = \"team\"\n");
    for (arguments, nearest) in [
        (&["test", "taem"][..], "`team`"),
        (&["render", "pr_created", "--to", "teams"], "`team`"),
        (&["send", "pr_created", "--org", "acne"], "`acme`"),
        (&["route", "pr_craeted"], "`pr_created`"),
    ] {
        let (code, _, err) = text(&folder.run(arguments));
        assert!(code == Some(1) && err.contains(&format!("did you mean {nearest}?")), "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn the_history_says_where_an_issue_is_of_which_only_its_id_is_known() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1, "group_id": 5 })).await;
    let issue = folder.json(&["show", "acme/1"])["issue"].clone();
    let expected = (json!("5"), json!("https://acme.sentry.io/issues/5/"));
    assert_eq!((issue["id"].clone(), issue["url"].clone()), expected);
}

#[tokio::test]
async fn a_broken_routing_file_hides_no_history() {
    let receiver = Receiver::start();
    let mut folder = RelayFolder::new(&all_kinds(&receiver));
    folder.set("DISCORD_URL", &receiver.url("/discord/1/token-of-dev"));
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    folder.until("three deliveries", |list| list.len() == 3).await;
    let routes = folder.config().join("routes.toml");
    for (broken, place) in [("[slack.team\n", "routes.toml:1:12"), ("[[route]]\nto = 1\n", "routes.toml:2:1")]
    {
        std::fs::write(&routes, broken).unwrap();
        for arguments in [&["runs"][..], &["show", "acme/1"], &["deliveries"]] {
            let (code, out, err) = text(&folder.run(arguments));
            assert!(code == Some(0) && out.contains("acme/1"), "{arguments:?}: {out}{err}");
            assert!(err.starts_with("warning: ") && err.contains(place), "{arguments:?}: {err}");
            assert!(err.contains("hint: ") && err.contains("`seer-relay check`"), "{arguments:?}: {err}");
        }
        assert_eq!(folder.json(&["show", "acme/1"])["deliveries"].as_array().unwrap().len(), 3);
    }
    let settings = folder.config().join("relay.toml");
    let sound = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{sound}\n[stor]\nurl = \"sqlite:other.db\"\n")).unwrap();
    let (code, _, err) = text(&folder.run(&["runs"]));
    assert!(
        code == Some(1) && err.contains("relay.toml:"),
        "with other settings it could be another store: {err}"
    );
}

#[tokio::test]
async fn no_secret_or_address_reaches_log_history_or_error() {
    let receiver = Receiver::start();
    let mut folder = RelayFolder::with_settings("log.level = \"trace\"", &all_kinds(&receiver));
    folder.set("DISCORD_URL", "http://127.0.0.1:9/discord/1/token-of-dev");
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    receiver.took(2).await;
    folder
        .until("an attempt at Discord", |list| {
            list.iter().any(|each| each["destination"] == "dev" && each["last_reason"] == "connect")
        })
        .await;
    let mut shown =
        vec![folder.json(&["deliveries"]).to_string(), folder.json(&["show", "acme/1"]).to_string()];
    for arguments in [&["check"][..], &["deliveries"], &["test", "dev"], &["route", "pr_created"]] {
        let (_, out, err) = text(&folder.run(arguments));
        shown.extend([out, err]);
    }
    shown.extend(relay.log().iter().map(Value::to_string));
    let token = std::fs::read_to_string(folder.path().join("data/token")).unwrap();
    for words in shown {
        for secret in [SECRET, "token-of-the-team", "token-of-dev", &token] {
            assert!(!words.contains(secret), "`{secret}` in {words}");
        }
    }
    // What was written last stands in the log beside the file.
    for file in [folder.store(), folder.path().join("data/relay.db-wal")] {
        let bytes = std::fs::read(&file).unwrap();
        let kept = String::from_utf8_lossy(&bytes);
        for secret in [SECRET, "token-of-the-team", "token-of-dev", &token] {
            assert!(!kept.contains(secret), "`{secret}` in {}", file.display());
        }
    }
}

#[tokio::test]
async fn only_one_serve_holds_a_store() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let (code, _, err) = text(&folder.run(&["serve"]));
    assert!(code == Some(1) && err.contains("in use"), "{err}");
    assert!(relay.terminate().success());
}

const LOOKING: &str = "[slack.team]\nwebhook_url = { env = \"TEAM_URL_UNSET\" }\n\
     [webhook.audit]\nurl = \"https://audit.test/\"\n\
     [[route]]\nname = \"all\"\nto = [\"team\", \"audit\"]\n";

#[test]
fn render_shows_an_issue_as_it_is_asked_for() {
    let folder = RelayFolder::new(LOOKING);
    let rendered = |more: &[&str]| {
        let arguments = [&["render", "root_cause_completed", "--to", "team"], more].concat();
        let (code, out, err) = text(&folder.run(&arguments));
        assert_eq!(code, Some(0), "{err}");
        out
    };
    let known = rendered(&[]);
    assert!(known.contains("Root cause found · API-1X") && known.contains("decimal.Decimal"), "{known}");
    let unknown = rendered(&["--no-issue"]);
    assert!(unknown.contains("Root cause found · issue 1170820242"), "{unknown}");
    assert!(!unknown.contains("API-1X") && !unknown.contains("Acme API"), "{unknown}");
    let own = rendered(&["--title", "KeyError: <!channel>", "--project", "web", "--level", "fatal"]);
    assert!(own.contains("KeyError: ") && !own.contains("\"<!channel>"), "{own}");
    assert!(own.contains("fatal, high priority"), "{own}");
    let (code, _, err) =
        text(&folder.run(&["render", "pr_created", "--to", "team", "--no-issue", "--level", "x"]));
    assert!(code == Some(2) && err.contains("--no-issue"), "{err}");
    let (code, ..) = text(&folder.run(&["render", "--preview", "x.html", "--level", "error"]));
    assert_eq!(code, Some(2));
}

#[test]
fn an_activity_alert_has_samples_of_its_own() {
    let folder = RelayFolder::new(LOOKING);
    let (code, out, err) = text(&folder.run(&["render", "activity_alert.seer_pr_created", "--to", "audit"]));
    assert_eq!(code, Some(0), "{err}");
    let body: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(body["type"], "activity_alert.seer_pr_created");
    let (event, issue) = (&body["data"]["event"], &body["data"]["issue"]);
    assert_eq!((&event["resource"], &event["action"]), (&json!("activity_alert"), &json!("pr_created")));
    assert_eq!((&issue["short_id"], &issue["project"]["slug"]), (&json!("API-1X"), &json!("api")));
    assert_eq!(body["data"]["payload"]["data"]["activity"]["type"], "seer_pr_created");

    // A file is known by what it holds.
    std::fs::write(folder.config().join("alert.json"), body["data"]["payload"].to_string()).unwrap();
    let file = folder.config().join("alert.json");
    let (code, out, err) = text(&folder.run(&["render", file.to_str().unwrap(), "--to", "audit"]));
    assert_eq!(code, Some(0), "{err}");
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&again["type"], &again["data"]["issue"]), (&body["type"], issue));

    let (code, _, err) = text(&folder.run(&["route", "activity_alert.seer_pr_craeted"]));
    assert!(code == Some(1) && err.contains("did you mean `activity_alert.seer_pr_created`"), "{err}");
    let (code, _, err) = text(&folder.run(&["send", "activity_alert.seer_pr_created", "--run", "5"]));
    assert!(code == Some(1) && err.contains("names no run"), "{err}");
}

#[tokio::test]
async fn send_posts_an_alert_as_sentry_does() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let url = format!("http://{}/webhooks/sentry", relay.address());
    for (action, answer) in [
        ("activity_alert.seer_root_cause_completed", "202"),
        ("activity_alert.seer_root_cause_completed", "200"),
        ("activity_alert.seer_coding_completed", "202"),
    ] {
        let (code, out, err) = text(&folder.run(&["send", action, "--url", &url]));
        assert!(code == Some(0) && out.starts_with(answer), "{out}{err}");
    }
}
