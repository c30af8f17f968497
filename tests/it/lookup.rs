//! Asking Sentry: the client and the look-ups against a stand-in for its API, into a store on disk.

use std::sync::Arc;
use std::time::Duration;

use seer_relay::client::HttpClient;
use seer_relay::clock::Clock;
use seer_relay::demo::receivers::sentry::{Asked, Fault, Question, SentryStandIn, issue};
use seer_relay::dispatch::lookup::{Lookup, Prospect, Source};
use seer_relay::event::{GroupId, Organization, RunId};
use seer_relay::secret::Secret;
use seer_relay::sentry::api::AutofixState;
use seer_relay::sentry::{LookupConfig, OrganizationConfig};
use seer_relay::store::{Access, History, IssueSource, KeptIssue, Queue, Store, StoreConfig, open};
use seer_relay::telemetry::Metrics;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, interval, timeout};

use crate::support::PATIENCE;

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// Look-ups that run, between a stand-in and a store.
struct Rig {
    stand_in: SentryStandIn,
    store: Arc<Store>,
    lookup: Arc<Lookup>,
    answered: Arc<Notify>,
    metrics: Arc<Metrics>,
    organization: Organization,
    _stop: watch::Sender<bool>,
    _folder: TempDir,
}

impl Rig {
    async fn start(lookup_wait: Duration) -> Self {
        let stand_in = SentryStandIn::start("acme", Clock::system()).unwrap();
        stand_in.grant(TOKEN, &["event:read"]);
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig {
            path: folder.path().join("relay.db"),
            retention: Duration::from_hours(1),
            payload_retention: None,
        };
        let store = open(&config, Access::Serve).await.unwrap();
        let organization = Organization::new("acme");
        let url = stand_in.url().parse().unwrap();
        let config = OrganizationConfig {
            organization: organization.clone(),
            client_secrets: Vec::new(),
            retired_secrets: Vec::new(),
            base_url: "https://acme.sentry.io".parse().unwrap(),
            lookup: LookupConfig {
                api_token: Some(Secret::Known(TOKEN.into())),
                lookup_wait,
                ..LookupConfig::without_token(url)
            },
        };
        let (answered, metrics) = (Arc::new(Notify::new()), Arc::new(Metrics::new().unwrap()));
        let lookup = Arc::new(Lookup::new(
            Source::of(&[config], &HttpClient::new(None).unwrap()),
            Arc::clone(&store) as Arc<dyn Queue>,
            Arc::clone(&store) as Arc<dyn History>,
            Clock::system(),
            Arc::clone(&metrics),
            Arc::clone(&answered),
        ));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(Arc::clone(&lookup).run(stopped));
        Self { stand_in, store, lookup, answered, metrics, organization, _stop: stop, _folder: folder }
    }

    fn wish(&self, group: &str) -> Prospect {
        self.lookup.wish(&self.organization, &GroupId::new(group))
    }

    async fn kept(&self, group: &str) -> Option<KeptIssue> {
        self.store.issue(&self.organization, &GroupId::new(group)).await.unwrap()
    }

    /// Wishes, as the planner does, until the store knows the issue.
    async fn learn(&self, group: &str) -> KeptIssue {
        let learn = async {
            loop {
                if let Some(kept) = self.kept(group).await {
                    return kept;
                }
                assert_eq!(self.wish(group), Prospect::Coming);
                self.answered.notified().await;
            }
        };
        timeout(PATIENCE, learn).await.expect("the issue is learned")
    }

    /// Wishes until nothing comes of it any more.
    async fn despair(&self, group: &str) {
        let despair = async {
            while self.wish(group) == Prospect::Coming {
                self.answered.notified().await;
            }
        };
        timeout(PATIENCE, despair).await.expect("the wish is given up");
    }
}

/// Waits until something holds, looking often.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let look = async {
        let mut ticks = interval(Duration::from_millis(20));
        while !holds() {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

#[tokio::test]
async fn an_issue_is_asked_for_once_however_many_want_it_and_within_sentry_s_limit() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    let groups: Vec<String> = (1..=12).map(|number| number.to_string()).collect();
    for group in &groups {
        rig.stand_in.put(group, issue(group, &format!("API-{group}"), &format!("boom {group}"), "api"));
    }
    let begin = Instant::now();
    for _ in 0..20 {
        assert!(groups.iter().all(|group| rig.wish(group) == Prospect::Coming));
    }
    for group in &groups {
        let kept = rig.learn(group).await;
        assert_eq!(kept.source, IssueSource::Api);
        assert_eq!(kept.issue.unwrap().title, Some(format!("boom {group}")));
    }
    assert!(begin.elapsed() >= Duration::from_secs(2), "twelve at five a second");
    let asked = rig.stand_in.asked();
    assert_eq!(asked.len(), 12, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.status == 200), "{asked:?}");
    let counted = r#"seer_relay_lookups_total{organization="acme",outcome="found",question="issue"} 12"#;
    assert!(rig.metrics.encode().contains(counted));
}

#[tokio::test]
async fn merged_and_deleted_issues_are_understood() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    rig.stand_in.put("5", issue("5", "API-5", "boom", "api"));
    rig.stand_in.put("6", issue("6", "API-6", "bang", "api"));
    rig.stand_in.merge("5", "6");
    let merged = rig.learn("5").await.issue.unwrap();
    assert_eq!((merged.id.as_str(), merged.title.as_deref()), ("6", Some("bang")));
    assert_eq!(rig.learn("7").await.issue, None);
}

#[tokio::test]
async fn what_the_store_knows_well_enough_is_not_asked_for() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    let (group, now) = (GroupId::new("5"), Clock::system().now());
    rig.store.keep_issue(&rig.organization, &group, None, IssueSource::Alert, now).await.unwrap();
    assert_eq!(rig.wish("5"), Prospect::Coming);
    timeout(PATIENCE, rig.answered.notified()).await.expect("the wish is answered");
    assert_eq!(rig.stand_in.asked(), []);
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    let stranger = Organization::new("other");
    assert!(rig.lookup.can_ask(&rig.organization) && !rig.lookup.can_ask(&stranger));
    assert_eq!(rig.lookup.wish(&stranger, &GroupId::new("5")), Prospect::Nothing);
    assert_eq!(rig.lookup.autofix(&stranger, &GroupId::new("5")).await, None);
}

#[tokio::test]
async fn whatever_sentry_does_instead_it_is_asked_once_and_left_alone() {
    for (fault, outcome) in [
        (Fault::Html, "not_understood"),
        (Fault::Huge, "not_understood"),
        (Fault::OtherSchema, "not_understood"),
        (Fault::Status(500), "unavailable"),
        (Fault::Status(503), "unavailable"),
        (Fault::Status(401), "unauthorized"),
        (Fault::Status(403), "forbidden"),
        (Fault::Status(429), "rate_limited"),
        (Fault::RetryAfter(Duration::from_hours(1)), "rate_limited"),
        (Fault::Hang, "unavailable"),
    ] {
        let rig = Rig::start(Duration::from_millis(200)).await;
        rig.stand_in.misbehave(Some(fault));
        rig.despair("5").await;
        let others: Vec<String> = (100..400).map(|number: u32| number.to_string()).collect();
        assert!(others.iter().all(|group| rig.wish(group) == Prospect::Nothing), "{fault:?}");
        assert_eq!(rig.stand_in.asked().len(), 1, "{fault:?}");
        assert_eq!(rig.kept("5").await, None, "{fault:?}");
        let counted = format!(r#"outcome="{outcome}",question="issue"}} 1"#);
        assert!(rig.metrics.encode().contains(&counted), "{fault:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let rig = Rig::start(Duration::from_millis(200)).await;
    let Rig { stand_in, .. } = rig;
    stand_in.stop().await;
    let organization = rig.organization;
    let despair = async {
        while rig.lookup.wish(&organization, &GroupId::new("5")) == Prospect::Coming {
            rig.answered.notified().await;
        }
    };
    timeout(PATIENCE, despair).await.expect("the wish is given up");
}

#[tokio::test]
async fn once_sentry_is_back_it_is_asked_again() {
    let rig = Rig::start(Duration::from_millis(200)).await;
    rig.stand_in.put("5", issue("5", "API-5", "boom", "api"));
    rig.stand_in.misbehave(Some(Fault::Status(502)));
    rig.despair("5").await;
    rig.stand_in.misbehave(None);
    until("the pause is over", || rig.wish("5") == Prospect::Coming).await;
    assert_eq!(rig.learn("5").await.issue.unwrap().short_id.as_deref(), Some("API-5"));
    assert_eq!(rig.stand_in.asked().len(), 2);
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    rig.stand_in.put("5", issue("5", "API-5", "boom", "api"));
    rig.stand_in.misbehave(Some(Fault::RetryAfter(Duration::from_secs(1))));
    assert_eq!(rig.wish("5"), Prospect::Coming);
    until("Sentry asked for patience", || !rig.stand_in.asked().is_empty()).await;
    rig.stand_in.misbehave(None);
    assert!(rig.learn("5").await.issue.is_some());
    let statuses: Vec<u16> = rig.stand_in.asked().iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [429, 200]);
}

#[tokio::test]
async fn what_became_of_a_run_is_asked_apart() {
    let rig = Rig::start(Duration::from_secs(30)).await;
    rig.stand_in.put("5", issue("5", "API-5", "boom", "api"));
    let group = GroupId::new("5");
    assert_eq!(rig.lookup.autofix(&rig.organization, &group).await, None);
    rig.stand_in.put_run(
        "5",
        json!({
            "run_id": 77, "status": "error", "blocks": [], "updated_at": "2026-11-25T09:30:00Z",
            "repo_pr_states": {"acme/api": {"repo_name": "acme/api", "pr_creation_status": "error",
                                            "pr_creation_error": "branch protected"}}
        }),
    );
    let run = rig.lookup.autofix(&rig.organization, &group).await.unwrap();
    assert_eq!((run.run_id, run.state), (Some(RunId::new("77")), AutofixState::Failed));
    assert_eq!(run.failed_pull_requests[0].reason.as_deref(), Some("branch protected"));
    for fault in [Fault::Html, Fault::OtherSchema, Fault::Status(404), Fault::Status(403)] {
        rig.stand_in.misbehave(Some(fault));
        assert_eq!(rig.lookup.autofix(&rig.organization, &group).await, None, "{fault:?}");
    }
    rig.stand_in.misbehave(None);
    assert!(rig.learn("5").await.issue.is_some(), "it says nothing of issues");
    let expected = Asked { question: Question::Issue, group: "5".to_owned(), status: 200 };
    assert_eq!(rig.stand_in.asked().last(), Some(&expected));
}
