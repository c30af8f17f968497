//! Lists: filters, pages while rows arrive and go, one thing by its name, and what is refused.

use serde_json::{Value, json};

use super::{Answered, Api, folder, post_as_other, pull_request, texts};
use crate::support::{Answer, Receiver, Relay, RelayFolder};

struct Scene {
    _receivers: [Receiver; 2],
    folder: RelayFolder,
    relay: Relay,
    api: Api,
}

impl Scene {
    fn new() -> Self {
        let (audit, chat) = (Receiver::start(), Receiver::start());
        chat.always(Answer::Refuse(403, Vec::new(), "invalid_token".to_owned()));
        let folder = folder(&audit, &chat);
        let relay = folder.serve();
        let api = Api::of(&relay, &folder);
        Self { _receivers: [audit, chat], folder, relay, api }
    }

    /// Three runs, of which `acme/3` began last; two of them have pull requests, which `chat` refuses.
    async fn with_runs() -> Self {
        let scene = Self::new();
        let sentry = scene.relay.sentry();
        sentry.accepted("root_cause_started", &json!({ "run_id": 1, "group_id": 77 })).await;
        post_as_other(&sentry, "root_cause_started", &json!({ "run_id": 2 })).await;
        sentry.accepted("pr_created", &pull_request(3, "acme/api")).await;
        sentry.accepted("pr_created", &pull_request(1, "acme/web")).await;
        scene.api.until("/api/deliveries?state=delivered", |rows| rows.len() == 4).await;
        scene.api.until("/api/deliveries?state=dead", |rows| rows.len() == 2).await;
        scene.api.until("/api/runs?destination=chat", |runs| runs.len() == 2).await;
        scene.api.until("/api/runs?destination=audit", |runs| runs.len() == 3).await;
        scene
    }
}

#[tokio::test]
async fn runs_are_filtered_by_the_address() {
    let scene = Scene::with_runs().await;
    for (filter, expected) in [
        ("", vec!["acme/3", "other/2", "acme/1"]),
        ("organization=other", vec!["other/2"]),
        ("repo=acme/web", vec!["acme/1"]),
        ("repo=acme%2Fweb", vec!["acme/1"]),
        ("repo=acme", vec![]),
        ("state=pr_created", vec!["acme/3", "acme/1"]),
        ("action=root_cause_started", vec!["other/2", "acme/1"]),
        ("destination=chat", vec!["acme/3", "acme/1"]),
        ("destination=chat&action=root_cause_started&state=pr_created", vec!["acme/1"]),
        ("q=GITHUB+api", vec!["acme/3"]),
        ("q=77", vec!["acme/1"]),
        ("q=%22+OR+1%3D1+--", vec![]),
        ("since=1h", vec!["acme/3", "other/2", "acme/1"]),
        ("until=1h", vec![]),
        ("since=2000-01-01&until=2001-01-01", vec![]),
        ("q=&repo=&state=&since=", vec!["acme/3", "other/2", "acme/1"]),
    ] {
        for limit in [1, 50] {
            let found = scene.api.all(&format!("/api/runs?{filter}&limit={limit}"), "id").await;
            assert_eq!(found, expected, "{filter} by {limit}");
        }
    }
    let row = &scene.api.ok("/api/runs?repo=acme/web").await["items"][0];
    assert_eq!(json!([row["events"], row["deliveries"], row["dead"]]), json!([2, 3, 1]));
}

#[tokio::test]
async fn deliveries_are_filtered_by_the_address() {
    let scene = Scene::with_runs().await;
    for (filter, expected) in [
        ("", vec!["audit", "audit", "audit", "audit", "chat", "chat"]),
        ("destination=chat", vec!["chat", "chat"]),
        ("state=dead", vec!["chat", "chat"]),
        ("state=delivered", vec!["audit"; 4]),
        ("state=dead&destination=audit", vec![]),
        ("state=waiting", vec![]),
        ("state=sending", vec![]),
        ("state=superseded", vec![]),
        ("destination=none", vec![]),
        ("since=1h&destination=chat", vec!["chat", "chat"]),
        ("until=1h", vec![]),
    ] {
        for limit in [1, 4, 50] {
            let mut found =
                scene.api.all(&format!("/api/deliveries?{filter}&limit={limit}"), "destination").await;
            found.sort();
            assert_eq!(found, expected, "{filter} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_cursor_stays_right_while_rows_arrive_and_go() {
    let scene = Scene::new();
    let (sentry, api) = (scene.relay.sentry(), &scene.api);
    for run in 1..=4 {
        sentry.accepted("root_cause_started", &json!({ "run_id": run })).await;
    }
    sentry.accepted("root_cause_started", &json!({ "sentry_run_id": "aaa" })).await;
    api.until("/api/runs?destination=audit", |runs| runs.len() == 5).await;
    let page = |after: Value| async move {
        let after = after.as_str().map(|after| format!("&after={after}")).unwrap_or_default();
        let page = api.ok(&format!("/api/runs?limit=2{after}")).await;
        (texts(page["items"].as_array().unwrap(), "id"), page["next"].clone())
    };
    let (first, next) = page(Value::Null).await;
    assert_eq!(first, ["acme/aaa", "acme/4"]);

    sentry.accepted("root_cause_started", &json!({ "run_id": 6 })).await;
    // Two runs are found to be one: the younger one goes.
    sentry.accepted("solution_started", &json!({ "run_id": 2, "sentry_run_id": "aaa" })).await;
    api.until("/api/runs?action=solution_started", |runs| runs.len() == 1).await;

    let (second, next) = page(next).await;
    assert_eq!(second, ["acme/3", "acme/2"]);
    let (third, next) = page(next).await;
    assert_eq!((third, next), (vec!["acme/1".to_owned()], Value::Null));

    api.until("/api/deliveries?state=delivered", |rows| rows.len() == 7).await;
    let first = api.ok("/api/deliveries?limit=3").await;
    let began = texts(first["items"].as_array().unwrap(), "id");
    sentry.accepted("root_cause_started", &json!({ "run_id": 8 })).await;
    api.until("/api/deliveries", |rows| rows.len() == 8).await;
    let next = first["next"].as_str().unwrap();
    let rest =
        texts(api.ok(&format!("/api/deliveries?after={next}")).await["items"].as_array().unwrap(), "id");
    assert_eq!((began.len(), rest.len()), (3, 4));
    assert!(rest.iter().all(|id| !began.contains(id)), "{began:?} {rest:?}");
}

#[tokio::test]
async fn what_means_nothing_is_refused_by_name() {
    let scene = Scene::new();
    for (path, message) in [
        ("/api/runs?stat=pr_created", "`stat` is no parameter here, or is given twice"),
        ("/api/runs?repo=a&repo=b", "`repo` is no parameter here, or is given twice"),
        ("/api/runs?state=delivered", "`state` is no state of a run"),
        ("/api/deliveries?state=pr_created", "`state` is no state of a delivery"),
        ("/api/deliveries?q=x", "`q` is no parameter here, or is given twice"),
        ("/api/runs?limit=0", "`limit` is no number from 1 to 200"),
        ("/api/deliveries?limit=201", "`limit` is no number from 1 to 200"),
        ("/api/runs?limit=-1", "`limit` is no number from 1 to 200"),
        ("/api/runs?after=now", "`after` is no `next` of a page"),
        (
            "/api/runs?since=soon",
            "`since` is no time: write `2026-12-01T08:00:00Z`, `2026-12-01` or how long ago, `7d`",
        ),
        ("/api/runs/acme/1?limit=1", "`limit` is no parameter here, or is given twice"),
        ("/api/events/evt_1?x=1", "`x` is no parameter here, or is given twice"),
    ] {
        let refused = scene.api.get(path).await;
        assert_eq!((refused.status, refused.code()), (400, "bad_query"), "{path}");
        assert_eq!(refused.body["message"], message, "{path}");
    }
    for (method, path, allowed) in [
        ("POST", "/api/runs", "GET, HEAD"),
        ("DELETE", "/api/runs/acme/1", "GET, HEAD"),
        ("PUT", "/api/deliveries", "GET, HEAD"),
        ("POST", "/api/openapi.json", "GET, HEAD"),
        ("GET", "/api/replay", "POST"),
    ] {
        let refused = scene.api.send(method, path, &[("authorization", &scene.api.bearer())], None).await;
        assert_eq!((refused.status, refused.code()), (405, "method_not_allowed"), "{method} {path}");
        assert_eq!(refused.headers["allow"], allowed);
    }
    let refused = scene.api.get("/api/nothing").await;
    assert_eq!((refused.status, refused.code()), (404, "not_found"));
}

#[tokio::test]
async fn one_thing_is_found_by_every_way_of_writing_its_name() {
    let scene = Scene::with_runs().await;
    let run = scene.api.ok("/api/runs/acme/3").await;
    let event = run["events"][0]["id"].as_str().unwrap();
    let delivery = run["deliveries"][0]["id"].as_str().unwrap();
    for name in
        ["acme/3", "acme%2F3", "acme%2f3", "3", event, &event.to_uppercase(), &format!("acme/{event}")]
    {
        assert_eq!(scene.api.ok(&format!("/api/runs/{name}")).await["id"], "acme/3", "{name}");
    }
    for name in [event, delivery, &delivery.to_uppercase()] {
        assert_eq!(scene.api.ok(&format!("/api/events/{name}")).await["id"], event, "{name}");
    }
    let told = scene.folder.json(&["explain", event]);
    assert_eq!(scene.api.ok(&format!("/api/events/{event}")).await, told, "the command tells the same");
    let shown = scene.folder.json(&["show", "acme/3"]);
    assert_eq!(run, shown, "the command shows the same");
}

#[tokio::test]
async fn a_name_that_is_unknown_or_of_several_is_refused() {
    let scene = Scene::with_runs().await;
    post_as_other(&scene.relay.sentry(), "root_cause_started", &json!({ "run_id": 1 })).await;
    let several = scene.api.get("/api/runs/1").await;
    assert_eq!((several.status, several.code()), (409, "ambiguous_id"));
    let message = several.body["message"].as_str().unwrap();
    assert!(message.contains("acme/1") && message.contains("other/1"), "{message}");
    for name in [
        "none",
        "acme/none",
        "other/3",
        "acme//3",
        "acme/3/",
        "acme%2F",
        "%2F",
        "acme/3%00",
        "acme/%27%20OR%201=1--",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%FF%FE",
        &"x".repeat(3_000),
        "evt_none",
        "%F0%9F%92%A9%E2%80%AE",
    ] {
        let refused = scene.api.get(&format!("/api/runs/{name}")).await;
        assert_eq!((refused.status, refused.code()), (404, "unknown_id"), "{name}: {}", refused.body);
        assert_eq!(refused.headers["content-type"], "application/json");
    }
    for name in ["none", "%FF", "evt_%27--", "acme%2F3"] {
        let refused = scene.api.get(&format!("/api/events/{name}")).await;
        assert_eq!((refused.status, refused.code()), (404, "unknown_id"), "{name}: {}", refused.body);
    }
}

#[tokio::test]
async fn hostile_text_in_an_id_is_text() {
    let scene = Scene::new();
    let names = [
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "a b?c#d&e%f",
        "'; DROP TABLE run; --",
        "\"\\\u{202e}💥",
    ];
    for name in names {
        scene.relay.sentry().accepted("pr_created", &pull_request(name, "acme/<b>api</b>")).await;
    }
    let runs = scene.api.until("/api/runs?destination=audit", |runs| runs.len() == names.len()).await;
    for (run, name) in runs.iter().rev().zip(names) {
        assert_eq!(run["id"], format!("acme/{name}"));
        let encoded: Vec<String> = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let encoded = encoded.concat();
        let Answered { status, body, headers } = scene.api.get(&format!("/api/runs/acme%2F{encoded}")).await;
        assert_eq!((status, &body["run_id"]), (200, &json!(name)));
        assert_eq!(headers["content-type"], "application/json");
    }
    let encoded = "acme%2F%3Cb%3Eapi%3C%2Fb%3E";
    assert_eq!(
        scene.api.ok(&format!("/api/runs?repo={encoded}")).await["items"].as_array().unwrap().len(),
        names.len()
    );
}
