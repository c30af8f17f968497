//! The report: the same numbers for programs, for people and for spreadsheets.

use std::time::Duration;

use serde_json::{Value, json};

use super::Api;
use crate::past;
use crate::support::{Receiver, Relay, RelayFolder};

struct Scene {
    _receiver: Receiver,
    folder: RelayFolder,
    _relay: Relay,
    api: Api,
}

impl Scene {
    /// Some runs of the last 70 days.
    async fn with_runs() -> Self {
        let receiver = Receiver::start();
        let routes = ["audit", "team-backend", "team-web", "oncall"]
            .map(|name| format!("[webhook.{name}]\nurl = \"{}\"\n", receiver.url("/x")))
            .concat();
        let folder = RelayFolder::new(&routes);
        past::fill(&folder, 24, 70).await;
        let relay = folder.serve();
        let api = Api::of(&relay, &folder);
        Self { _receiver: receiver, folder, _relay: relay, api }
    }

    /// Asks for a page or a sheet, as somebody who has the token.
    async fn text(&self, path: &str, accept: &str) -> (u16, reqwest::header::HeaderMap, String) {
        let request = self.api.client.get(format!("{}{path}", self.api.base));
        let request = request.bearer_auth(&self.api.token).header("accept", accept);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap())
    }
}

#[tokio::test]
async fn programs_get_what_the_command_prints() {
    let scene = Scene::with_runs().await;
    let [long_ago, later] = ["2020-01-01", "2200-01-01"];
    for (filter, arguments) in [
        ("", &[][..]),
        ("&repo=acme/web", &["--repo", "acme/web"]),
        ("&organization=acme&repo=acme%2Fapi", &["--organization", "acme", "--repo", "acme/api"]),
        ("&organization=other", &["--organization", "other"]),
    ] {
        let told = scene.api.ok(&format!("/api/report?since={long_ago}&until={later}{filter}")).await;
        let stretch = ["report", "--since", long_ago, "--until", later];
        let printed = scene.folder.json(&[&stretch, arguments].concat());
        assert_eq!(told, printed, "{filter}");
        assert_eq!(told["runs"]["total"] == 0, filter.contains("other"), "{filter}");
    }
    let usual = scene.api.ok("/api/report").await;
    assert_eq!(usual["days"].as_array().unwrap().len(), 31, "the last 30 days");
    let short = scene.api.ok("/api/report?since=2d&until=1d").await;
    assert_eq!(short["days"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_means_nothing_is_refused_by_name() {
    let scene = Scene::with_runs().await;
    for path in ["/api/report", "/report", "/report/days.csv"] {
        for (query, message) in [
            ("state=pr_created", "`state` is no parameter here, or is given twice"),
            ("since=1d&until=2d", "`until` lies before `since`"),
            (
                "since=soon",
                "`since` is no time: write `2026-12-01T08:00:00Z`, `2026-12-01` or how long ago, `7d`",
            ),
        ] {
            let refused = scene.api.get(&format!("{path}?{query}")).await;
            assert_eq!((refused.status, refused.code()), (400, "bad_query"), "{path}?{query}");
            assert_eq!(refused.body["message"], message);
        }
        let refused = scene.api.send("GET", path, &[], None).await;
        assert_eq!((refused.status, refused.code()), (401, "token_required"), "{path}");
    }
    assert_eq!(scene.api.get("/report/events.csv").await.status, 404);
}

#[tokio::test]
async fn a_page_tells_the_same_numbers_and_a_spreadsheet_too() {
    let scene = Scene::with_runs().await;
    for filter in ["?since=100d", "?since=100d&repo=acme/web", "?since=30d"] {
        let told = scene.api.ok(&format!("/api/report{filter}")).await;
        let (status, headers, page) = scene.text(&format!("/report{filter}"), "text/html").await;
        assert_eq!(status, 200);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && headers["cache-control"] == "no-store");
        let cell = |name: &str, number: &Value| {
            let row = format!("<bdi>{name}</bdi></th><td>{number}</td>");
            assert!(page.contains(&row), "{filter}: {row}\n{page}");
        };
        cell("PR opened", &told["runs"]["reached"][7]["runs"]);
        cell("cause begun", &told["runs"]["reached"][1]["runs"]);
        for cause in told["root_causes"].as_array().unwrap() {
            cell(cause["classification"].as_str().unwrap(), &cause["runs"]);
        }
        for destination in told["deliveries"]["destinations"].as_array().unwrap() {
            cell(destination["destination"].as_str().unwrap(), &destination["total"]);
        }
        let is_long = filter.contains("100d");
        assert_eq!(page.contains("Runs by week"), is_long);
        assert_eq!(page.contains("Runs by day"), !is_long);
        assert!(page.trim_end().ends_with("</html>") && !page.contains("style=\""), "{page}");

        let (status, headers, days) = scene.text(&format!("/report/days.csv{filter}"), "*/*").await;
        assert_eq!((status, &headers["content-type"]), (200, &"text/csv; charset=utf-8".parse().unwrap()));
        assert!(
            headers["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with("attachment; filename=\"seer-relay-days-")
        );
        let sum: u64 =
            days.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(json!(sum), told["runs"]["total"]);
        assert_eq!(days.lines().count(), 1 + told["days"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn a_page_begins_before_anything_is_counted_and_is_not_counted_for_whoever_asks_for_its_head() {
    let scene = Scene::with_runs().await;
    let request = |method| {
        let request = scene.api.client.request(method, format!("{}/report", scene.api.base));
        request.bearer_auth(&scene.api.token).header("accept", "text/html")
    };
    let mut answer = request(reqwest::Method::GET).send().await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.contains("<h1>Report</h1>") && first.contains("Counting…"), "{first}");
    assert!(!first.contains("How far runs came"), "{first}");
    let mut rest = String::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        rest.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(rest.contains("How far runs came"), "{rest}");
    let head = request(reqwest::Method::HEAD).timeout(Duration::from_secs(5)).send().await.unwrap();
    assert_eq!(head.status().as_u16(), 200);
}
