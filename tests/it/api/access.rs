//! Who gets in, and who may change something.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Api, folder, pull_request};
use crate::support::{Answer, Receiver, RelayFolder};

const READ: [&str; 5] =
    ["/api/runs", "/api/runs/acme/1", "/api/events/evt_1", "/api/deliveries", "/api/openapi.json"];

impl Api {
    /// What a browser sends that has logged in with the token: a proof of it, not the token itself.
    pub(super) fn cookie(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(&self.token)).unwrap();
        mac.update(b"session");
        format!("seer_relay={}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("anybody:{}", self.token)))
    }
}

#[tokio::test]
async fn without_the_token_nothing_is_shown() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    let cut = format!("Bearer {}", &api.token[1..]);
    for path in READ {
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong")],
            vec![("authorization", cut.as_str())],
            vec![("authorization", "Basic d3Jvbmc6d3Jvbmc=")],
            vec![("cookie", "seer_relay=wrong")],
            vec![("cookie", api.token.as_str())],
        ] {
            let refused = api.send("GET", path, &headers, None).await;
            assert_eq!((refused.status, refused.code()), (401, "token_required"), "{path} {headers:?}");
            let ways: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
            assert_eq!(ways, [r#"Bearer realm="seer-relay""#, r#"Basic realm="seer-relay""#]);
        }
        let refused = api.send("GET", &format!("{path}?token={}", api.token), &[], None).await;
        assert_eq!(refused.status, 401, "no address holds the token");
    }
    let refused = api.send("POST", "/api/replay", &[], Some(&json!({ "dead": true }))).await;
    assert_eq!((refused.status, refused.code()), (401, "token_required"));
}

#[tokio::test]
async fn bearer_basic_and_the_cookie_of_a_browser_let_in() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    for path in ["/api/runs", "/api/deliveries", "/api/openapi.json"] {
        for (name, value) in
            [("authorization", api.bearer()), ("authorization", api.basic()), ("cookie", api.cookie())]
        {
            assert_eq!(api.send("GET", path, &[(name, &value)], None).await.status, 200, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_is_without_a_body() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    let bearer = api.bearer();
    for (path, status) in [
        ("/api/runs", 200),
        ("/api/deliveries", 200),
        ("/api/openapi.json", 200),
        ("/api/runs/acme/1", 404),
        ("/api/events/evt_1", 404),
        ("/api/runs?limit=0", 400),
    ] {
        let answered = api.send("HEAD", path, &[("authorization", &bearer)], None).await;
        assert_eq!((answered.status, &answered.body), (status, &Value::Null), "{path}");
        assert_eq!(api.send("HEAD", path, &[], None).await.status, 401, "{path}");
    }
}

/// A relay with one dead letter.
async fn with_a_dead_letter() -> (RelayFolder, crate::support::Relay, Api, [Receiver; 2]) {
    let (audit, chat) = (Receiver::start(), Receiver::start());
    chat.always(Answer::Refuse(403, Vec::new(), "invalid_token".to_owned()));
    let folder = folder(&audit, &chat);
    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    relay.sentry().accepted("pr_created", &pull_request(1, "acme/api")).await;
    api.until("/api/deliveries?state=dead", |dead| dead.len() == 1).await;
    (folder, relay, api, [audit, chat])
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let (_folder, relay, api, _receivers) = with_a_dead_letter().await;
    let own = format!("http://{}", relay.address());
    let (cookie, basic) = (api.cookie(), api.basic());
    let wanted = json!({ "dead": true });
    for (way, value) in [("cookie", &cookie), ("authorization", &basic)] {
        for headers in [
            vec![],
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://127.0.0.1:1")],
            vec![("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
            vec![("origin", own.as_str()), ("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "same-origin")],
        ] {
            let all: Vec<_> = headers.iter().copied().chain([(way, value.as_str())]).collect();
            let refused = api.send("POST", "/api/replay", &all, Some(&wanted)).await;
            assert_eq!((refused.status, refused.code()), (403, "cross_origin"), "{all:?}");
        }
    }
    assert_eq!(
        api.ok("/api/deliveries").await["items"].as_array().unwrap().len(),
        2,
        "nothing was sent again"
    );
}

#[tokio::test]
async fn bearer_and_a_page_of_the_relay_itself_send_again() {
    let (_folder, relay, api, [_audit, chat]) = with_a_dead_letter().await;
    let own = format!("http://{}", relay.address());
    let cookie = api.cookie();
    let dead = json!({ "dead": true });
    let again = api
        .send(
            "POST",
            "/api/replay",
            &[("cookie", &cookie), ("origin", &own), ("sec-fetch-site", "same-origin")],
            Some(&dead),
        )
        .await;
    assert_eq!(again.status, 200, "{}", again.body);
    let [repeated] = again.body["deliveries"].as_array().unwrap().as_slice() else {
        panic!("{}", again.body)
    };
    api.until("/api/deliveries?state=dead", |dead| dead.len() == 2).await;

    chat.always(Answer::Take);
    let again = api.replay(&json!({ "ids": [repeated["id"]] })).await;
    assert_eq!((again.status, &again.body["deliveries"][0]["replay_of"]), (200, &repeated["id"]));
    api.until("/api/deliveries?state=delivered&destination=chat", |rows| rows.len() == 1).await;

    // Of several names each counts once, and one that means nothing stops all of it.
    let some = json!({ "ids": [repeated["id"], "acme/1", repeated["id"], "nope"] });
    assert_eq!(api.replay(&some).await.code(), "unknown_id");
    let before = api.ok("/api/deliveries").await["items"].as_array().unwrap().len();
    assert_eq!(before, 4, "nothing more was sent");
    let both = api.replay(&json!({ "ids": [repeated["id"], "acme/1", repeated["id"], "1"] })).await;
    let counts = ["deliveries", "events"].map(|what| both.body[what].as_array().unwrap().len());
    assert_eq!((both.status, counts), (200, [1, 1]), "{}", both.body);

    let none = api.replay(&json!({ "dead": true, "destination": "audit" })).await;
    assert_eq!((none.status, none.body), (200, json!({ "deliveries": [], "events": [] })));
}

#[tokio::test]
async fn what_asks_for_no_replay_is_refused_and_nothing_is_sent_again() {
    let (_folder, _relay, api, _receivers) = with_a_dead_letter().await;
    let bearer = api.bearer();
    for (wanted, words) in [
        (json!({}), "name `ids`, or `dead` letters"),
        (json!({ "ids": ["acme/1"], "dead": true }), "not both"),
        (json!({ "ids": ["acme/1"], "destination": "chat" }), "choose among dead letters"),
        (json!({ "dead": true, "since": "soon" }), "`since` is no time"),
        (json!({ "dead": true, "all": 1 }), "unknown field `all`"),
    ] {
        let refused = api.replay(&wanted).await;
        assert_eq!((refused.status, refused.code()), (400, "bad_request"), "{wanted}");
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.contains(words), "{wanted}: {message}");
    }
    for (kind, body) in [
        ("application/json", "{\"dead\": true"),
        ("application/json", ""),
        ("text/plain", "{\"dead\": true}"),
        ("application/x-www-form-urlencoded", "dead=true"),
    ] {
        let url = format!("{}/api/replay", api.base);
        let request = api.client.post(url).header("authorization", &bearer).header("content-type", kind);
        assert_eq!(request.body(body).send().await.unwrap().status().as_u16(), 400, "{kind} {body}");
    }
    let nobody = api.client.post(format!("{}/api/replay", api.base)).body("x".repeat(70_000));
    assert_eq!(nobody.send().await.unwrap().status().as_u16(), 401, "whatever strangers send");
    let large = json!({ "ids": ["x".repeat(70_000)] });
    assert_eq!(api.replay(&large).await.code(), "bad_request");
    assert_eq!(api.ok("/api/deliveries").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn dashboard_prints_an_address_with_a_key_and_not_with_the_token() {
    let folder = RelayFolder::with_settings("http.public_url = \"https://relay.acme.dev\"", "");
    let refused = folder.run(&["dashboard"]);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.status.code() == Some(1) && errors.contains("no token lies beside the store"),
        "{errors}"
    );
    assert!(!folder.path().join("data/token").exists(), "none was made");

    let relay = folder.serve();
    let api = Api::of(&relay, &folder);
    let shown = folder.run(&["dashboard"]);
    let (out, errors) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
    assert!(shown.status.success() && errors.contains("15 minutes"), "{errors}");
    let key = out.trim().strip_prefix("https://relay.acme.dev/login?key=").unwrap();
    assert!(key.len() > 40 && !out.contains(&api.token), "{out}");

    let document = folder.json(&["dashboard"]);
    assert!(document["url"].as_str().unwrap().starts_with("https://relay.acme.dev/login?key="));
    assert!(document["until"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}
