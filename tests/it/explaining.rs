//! `explain` and `show`: what became of an event and of a run, told through the real binary.

use serde_json::{Value, json};

use crate::support::{Answer, Receiver, RelayFolder, mute_now};

fn routes(receiver: &Receiver) -> String {
    format!(
        "[webhook.audit]\nurl = \"{}\"\ntemplate = \"oncall\"\n\
         [slack.chat]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
         [[route]]\nname = \"fixes\"\nwhen = {{ action = \"pr_*\", repo = [\"acme/web\", \"acme/*\"] }}\n\
         to = [\"chat\"]\ntemplate = \"short\"\n\
         [[route]]\nname = \"docs\"\nwhen = {{ path = \"docs/*\" }}\nto = [\"chat\"]\n\
         [[route]]\nname = \"everything\"\nto = [\"audit\"]\nstop = true\n\
         [[route]]\nname = \"the rest\"\notherwise = true\nto = [\"chat\"]\n",
        receiver.url("/audit"),
        receiver.url("/slack/chat"),
    )
}

fn with_templates(folder: &RelayFolder) {
    for (set, file, text) in [
        ("oncall/webhook", "default.json.tera", "{ \"action\": \"{{ event.action }}\" }"),
        ("short", "default.md.tera", "# {{ event.action }}\n"),
    ] {
        let set = folder.config().join("templates").join(set);
        std::fs::create_dir_all(&set).unwrap();
        std::fs::write(set.join(file), text).unwrap();
    }
}

fn pull_request() -> Value {
    let pr = json!({
        "repo_name": "acme/api", "provider": "github",
        "pull_request": { "pr_number": 12, "pr_url": "https://github.com/acme/api/pull/12", "pr_id": 7 },
    });
    json!({ "run_id": 1, "group_id": 5, "pull_requests": [pr] })
}

fn text(folder: &RelayFolder, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn explain_tells_the_routes_the_deliveries_and_every_attempt_of_an_event() {
    let (audit, chat) = (Receiver::start(), Receiver::start());
    audit.next([Answer::Refuse(503, Vec::new(), "down for a minute".to_owned())]);
    let routes = routes(&audit).replace(&audit.url("/slack/chat"), &chat.url("/slack/chat"));
    let folder = RelayFolder::new(&routes);
    with_templates(&folder);
    let relay = folder.serve();
    let event = relay.sentry().accepted("pr_created", &pull_request()).await;
    audit.took(1).await;
    chat.took(1).await;
    folder.until_nothing_waits().await;

    let told = folder.json(&["explain", &event]);
    assert_eq!((&told["id"], &told["routes"]), (&json!(event), &json!(["fixes", "everything"])));
    assert_eq!(told["run"]["id"], "acme/1");
    let matched: Vec<_> =
        told["reasons"].as_array().unwrap().iter().map(|route| (&route["name"], &route["matched"])).collect();
    assert_eq!(
        json!(matched),
        json!([["fixes", true], ["docs", false], ["everything", true], ["the rest", false]])
    );
    assert_eq!(
        told["reasons"][0]["why"][1],
        json!({
            "condition": "repo", "pattern": "acme/*", "value": "acme/api", "held": true, "note": null
        })
    );
    assert_eq!(told["reasons"][3]["why"][0]["condition"], "stop");
    let deliveries = told["deliveries"].as_array().unwrap();
    let of = |name: &str| deliveries.iter().find(|row| row["destination"] == name).unwrap();
    let (audit, chat) = (of("audit"), of("chat"));
    assert_eq!(json!([audit["template_set"], audit["template_set_from"]]), json!(["oncall", "destination"]));
    assert_eq!(json!([chat["template_set"], chat["template_set_from"]]), json!(["short", "route"]));
    let tries = audit["tries"].as_array().unwrap();
    let answers: Vec<_> =
        tries.iter().map(|each| json!([each["status"], each["reason"], each["template"]])).collect();
    let template = "oncall/webhook/default.json.tera";
    assert_eq!(json!(answers), json!([[503, "server_error", template], [204, null, template]]));
    assert_eq!(
        (&chat["tries"][0]["template"], &chat["tries"][0]["built_in"]),
        (&json!("short/default.md.tera"), &json!(false))
    );

    let page = text(&folder, &["explain", audit["id"].as_str().unwrap()]);
    for line in [
        &format!("pr_created  {event}"),
        "✓ matches  fixes  → chat",
        "    ✓ repo = acme/*  (is acme/api)",
        "✗ no match  docs",
        "    ✗ path = docs/*  (is unknown)",
        "· not read  the rest",
        "    ✗ not read  (`everything` matched and stops the reading)",
        "✓ audit (webhook)  delivered",
        "    template set `oncall` of the destination; made by oncall/webhook/default.json.tera",
        "503 server_error",
        "    template set `short` of route `fixes`; made by short/default.md.tera",
    ] {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
    let show = text(&folder, &["show", "acme/1"]);
    for line in [
        "  pr_created  evt_",
        "    by fixes, everything",
        "    ✓ audit (webhook)  delivered",
        "503 server_error",
    ] {
        assert!(show.contains(line), "{line}\n---\n{show}");
    }
    let shown = folder.json(&["show", "acme/1"]);
    assert_eq!(
        (&shown["events"][0]["reasons"], &shown["deliveries"][0]["attempts"].is_u64()),
        (&told["reasons"], &true)
    );
}

#[tokio::test]
async fn an_event_without_a_route_says_so_and_says_why() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&format!(
        "[webhook.audit]\nurl = \"{}\"\n\
         [[route]]\nname = \"fixes\"\nwhen = {{ action = \"pr_*\", not = {{ repo = \"acme/legacy\" }} }}\nto = [\"audit\"]\n",
        receiver.url("/audit")
    ));
    let relay = folder.serve();
    let event = relay.sentry().accepted("coding_started", &json!({ "run_id": 1 })).await;
    relay.sentry().accepted("pr_created", &pull_request()).await;
    receiver.took(1).await;
    let page = text(&folder, &["explain", &event]);
    for line in [
        "✗ no match  fixes",
        "    ✗ action = pr_*  (is coding_started)",
        "    ✓ not repo = acme/legacy  (is unknown)",
        "no route: the event is kept and shown, and was sent nowhere",
    ] {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
    let told = folder.json(&["explain", &event]);
    assert_eq!(json!([told["routed"], told["routes"], told["deliveries"]]), json!([true, [], []]));
    assert!(text(&folder, &["show", "acme/1"]).contains("    no route\n"));
}

#[tokio::test]
async fn what_an_older_version_routed_is_told_without_reasons() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    with_templates(&folder);
    let relay = folder.serve();
    let event = relay.sentry().accepted("coding_started", &json!({ "run_id": 1 })).await;
    receiver.took(1).await;
    folder.until_nothing_waits().await;
    assert!(relay.terminate().success());
    let connection = rusqlite::Connection::open(folder.store()).unwrap();
    connection.execute("UPDATE event SET routing = NULL, answers = NULL, seen = NULL", []).unwrap();
    connection.execute("UPDATE attempt SET template = ''", []).unwrap();
    drop(connection);

    let page = text(&folder, &["explain", &event]);
    assert!(page.contains("✓ matches  everything\nno reasons were kept"), "{page}");
    assert!(!page.contains("made by"), "{page}");
    let told = folder.json(&["explain", &event]);
    assert_eq!((&told["reasons"], &told["routes"]), (&Value::Null, &json!(["everything"])));
    assert_eq!((&told["deliveries"][0]["tries"][0]["built_in"]), &Value::Null);
}

/// Every destination does something else than to send at once.
fn roundabout_routes(receiver: &Receiver) -> String {
    let slack = |name: &str, more: &str| {
        let url = receiver.url(&format!("/slack/{name}"));
        format!("[slack.{name}]\nwebhook_url = \"{url}\"\nrate = \"unlimited\"\n{more}")
    };
    let down = receiver.url("/down");
    let route = |name: &str, more: &str| format!("[[route]]\nname = \"to {name}\"\nto = \"{name}\"\n{more}");
    [
        mute_now(),
        slack("held", ""),
        slack("dropped", ""),
        slack("summed", "digest = \"1h\"\ntemplate = \"short\"\n"),
        slack("ops", "template = \"short\"\n"),
        format!("[webhook.down]\nurl = \"{down}\"\nfallback = \"ops\"\n"),
        route("held", "mute = \"now\"\nmention = { slack = [\"here\", \"U012AB3CD\"] }\n"),
        route("dropped", "mute = \"now\"\nmuted = \"drop\"\n"),
        route("summed", "template = \"oncall\"\n"),
        route("down", ""),
    ]
    .concat()
}

#[tokio::test]
async fn what_was_not_sent_at_once_says_what_became_of_it() {
    let receiver = Receiver::start();
    receiver.always(Answer::Refuse(400, Vec::new(), "no".to_owned()));
    let folder = RelayFolder::new(&roundabout_routes(&receiver));
    with_templates(&folder);
    let relay = folder.serve();
    let first = relay.sentry().accepted("root_cause_started", &json!({ "run_id": 1 })).await;
    let second = relay.sentry().accepted("root_cause_completed", &json!({ "run_id": 1 })).await;
    folder
        .until("all that can was tried", |list| {
            let dead = |name: &str| {
                list.iter().filter(|row| row["destination"] == name && row["state"] == "dead").count()
            };
            dead("down") == 2 && dead("ops") == 2
        })
        .await;

    let told = folder.json(&["explain", &second]);
    let deliveries = told["deliveries"].as_array().unwrap();
    let of = |name: &str| deliveries.iter().find(|row| row["destination"] == name).unwrap();
    let (held, dropped, summed, down, ops) = (of("held"), of("dropped"), of("summed"), of("down"), of("ops"));
    assert_eq!(json!([held["state"], held["needless"]]), json!(["waiting", null]));
    assert_eq!(json!([dropped["state"], dropped["needless"]]), json!(["superseded", "dropped"]));
    assert_eq!(json!([summed["state"], summed["needless"]]), json!(["superseded", "gathered"]));
    assert_eq!(
        json!([summed["template_set"], summed["template_set_from"]]),
        json!(["short", "destination"]),
        "a digest is the destination's"
    );
    assert_eq!(json!([down["state"], down["fallback_by"]]), json!(["dead", ops["id"]]));
    assert_eq!(json!([ops["origin"], ops["fallback_for"]]), json!(["fallback", down["id"]]));
    assert_eq!(json!([ops["template_set"], ops["template_set_from"]]), json!(["short", "destination"]));

    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let digest = summed["digest"].as_str().unwrap();
    let page = text(&folder, &["explain", &second]);
    for line in [
        "… held (slack)  waits for ",
        "    mentions here, U012AB3CD\n",
        &format!("· dropped (slack)  dropped: muted by `now`  {}", id(dropped)),
        &format!("· summed (slack, digest)  told in {digest}, a digest"),
        &format!("    taken over by ops: {}\n", id(ops)),
        &format!("    stands in for down, which did not take {}\n", id(down)),
    ] {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
    let page = text(&folder, &["explain", &first]);
    for line in
        ["… held (slack)  waits, muted by `now`, until ", "… summed (slack, digest of 2 events)  waits, due "]
    {
        assert!(page.contains(line), "{line}\n---\n{page}");
    }
    let show = text(&folder, &["show", "acme/1"]);
    for line in ["dropped: muted by `now`", &format!("told in {digest}, a digest"), "stands in for down"] {
        assert!(show.contains(line), "{line}\n---\n{show}");
    }
}

#[tokio::test]
async fn an_event_that_was_replayed_says_that_it_was_routed_anew() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(&receiver));
    with_templates(&folder);
    let relay = folder.serve();
    let event = relay.sentry().accepted("coding_started", &json!({ "run_id": 1 })).await;
    receiver.took(1).await;
    folder.until_nothing_waits().await;
    assert!(folder.run(&["replay", &event]).status.success());
    receiver.took(2).await;
    folder.until_nothing_waits().await;

    let page = text(&folder, &["explain", &event]);
    assert!(page.contains("  anew: it was replayed\n"), "{page}");
    assert_eq!(folder.json(&["explain", &event])["replays"], 1);
    assert!(text(&folder, &["show", "acme/1"]).contains("by everything, routed anew\n"));
}

#[test]
fn explain_says_what_it_does_not_know() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let output = folder.run(&["explain", "evt_none"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("no event, run or delivery is known as `evt_none`") && error.contains("hint: "),
        "{error}"
    );
    assert_eq!(folder.run(&["explain"]).status.code(), Some(2));
    drop(relay);
}
