//! What a digest sees and says.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::delivery::DeliveryId;
use crate::event::{Artifacts, Event, EventId, GroupId, OWN_NOTICE, Organization, RELAY_RESOURCE, RunId};
use crate::issue::Issue;
use crate::message::{Tone, outline};
use crate::render::digest::{Digest, Digested};
use crate::render::fixture::{event, issue, links, pull_request, slack};
use crate::run::Run;

fn at(minute: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// A run of an issue of its own, last heard of at this minute.
fn run(number: u16, minute: i64, action: &str, artifacts: Artifacts) -> Run {
    let event = event(action, artifacts);
    let resource = if action.starts_with(OWN_NOTICE) { RELAY_RESOURCE.to_owned() } else { event.resource };
    Run::fold([&Event {
        resource,
        id: EventId::new(format!("evt_{number}")),
        run_id: Some(RunId::new(number.to_string())),
        group_id: Some(GroupId::new(format!("{number}0"))),
        received_at: at(minute),
        ..event
    }])
    .unwrap()
}

fn opened(number: u16) -> Artifacts {
    let pull_requests = Some(vec![pull_request("acme/api", Some(u64::from(number)))]);
    Artifacts { pull_requests, ..Artifacts::default() }
}

fn digest(runs: impl IntoIterator<Item = (Run, Option<Issue>)>) -> Digest {
    let mut digest = Digest::new(DeliveryId::new("dlv_1"), at(0), at(60));
    runs.into_iter().for_each(|(run, issue)| digest.add(Digested { run, events: 2, issue }));
    digest.tidy();
    digest
}

fn context(digest: &Digest) -> Context {
    let links = links();
    Context::of_digest(digest, |_| Cow::Borrowed(&links))
}

fn message(digest: &Digest) -> Message {
    match Renderer::built_in().render_for(Purpose::Digest, &context(digest), &slack()) {
        Ok(Rendered::Message(message)) => message,
        other => panic!("no message: {other:?}"),
    }
}

fn named(title: &str) -> Issue {
    Issue { title: Some(title.to_owned()), permalink: None, ..issue() }
}

#[test]
fn what_needs_a_person_stands_first_each_with_its_issue_and_its_pull_request() {
    let failed =
        Artifacts { pull_requests: Some(vec![pull_request("acme/web", None)]), ..Artifacts::default() };
    let digest = digest([
        (run(1, 1, "coding_started", Artifacts::default()), Some(named("KeyError: 'a'"))),
        (run(2, 2, "pr_created", opened(7)), Some(named("TypeError: b"))),
        (run(3, 3, "pr_created", failed), None),
        (run(4, 4, "relay.waiting", Artifacts::default()), None),
        (run(5, 5, "pr_ready_for_review", opened(8)), None),
        (run(6, 6, "relay.stalled", Artifacts::default()), None),
    ]);
    let message = message(&digest);

    let expected = "
# 6 Seer runs, 5 need you
1 ready for review · 2 pull requests opened · 1 waiting for an answer · 1 stalled · 1 writing the fix
## To review
- [issue 50](https://acme.sentry.io/issues/50/?seerDrawer=true) · [acme/api #8](https://github.com/acme/api/pull/8) · ready for review
- [API-1X](https://acme.sentry.io/issues/1170820242/?seerDrawer=true), “TypeError: b” · [acme/api #7](https://github.com/acme/api/pull/7) · pull request opened
## Seer asks
- [issue 40](https://acme.sentry.io/issues/40/?seerDrawer=true) · waiting for an answer
## Failed or stalled
- [issue 60](https://acme.sentry.io/issues/60/?seerDrawer=true) · stalled
- [issue 30](https://acme.sentry.io/issues/30/?seerDrawer=true) · pull request failed
## The others
- [API-1X](https://acme.sentry.io/issues/1170820242/?seerDrawer=true), “KeyError: 'a'” · writing the fix
*23 Nov 2026, 10:00 UTC to 11:00 UTC*
";
    assert_eq!(outline::lines(&message).trim(), expected.trim());
    assert_eq!(message.tone, Tone::Ready);
    assert_eq!(message.source.unwrap().as_str(), "https://acme.sentry.io/issues/");
}

#[test]
fn one_run_that_needs_nobody_is_told_plainly() {
    let message = message(&digest([(run(1, 1, "root_cause_completed", Artifacts::default()), None)]));
    let expected = "
# 1 Seer run
1 root cause found
- [issue 10](https://acme.sentry.io/issues/10/?seerDrawer=true) · root cause found
*23 Nov 2026, 10:00 UTC to 11:00 UTC*
";
    assert_eq!(outline::lines(&message).trim(), expected.trim());
    assert_eq!(message.tone, Tone::Progress);
}

#[test]
fn of_long_lists_the_newest_are_shown_and_the_rest_is_counted() {
    let runs = (0..40).map(|number| (run(number, i64::from(number), "pr_created", opened(number)), None));
    let digest = digest(runs);
    let text = outline::lines(&message(&digest));
    assert!(
        text.starts_with("# 40 Seer runs, 40 need you\n40 pull requests opened\n## To review\n- [issue 390]")
    );
    assert!(text.contains("- and 34 more in [Sentry](https://acme.sentry.io/issues/)\n"), "{text}");
    let document = context(&digest).document();
    assert_eq!(document["digest"]["runs"].as_array().unwrap().len(), 15);
    assert_eq!((&document["digest"]["more"], &document["digest"]["total"]), (&json!(25), &json!(40)));
}

#[test]
fn runs_of_several_organizations_have_no_list_in_common() {
    let mut other = run(2, 2, "pr_created", opened(2));
    other.organization = Organization::new("umbrella");
    let digest = digest([(run(1, 1, "pr_created", opened(1)), None), (other, None)]);
    assert_eq!(context(&digest).document()["digest"]["url"], json!(null));
    assert_eq!(message(&digest).source, None);
}

#[test]
fn every_field_is_there_for_a_program() {
    let digest = digest([(run(1, 1, "pr_created", opened(7)), None)]);
    let rendered = Renderer::built_in().render_for(
        Purpose::Digest,
        &context(&digest),
        &Target { kind: DestinationKind::Webhook, ..slack() },
    );
    let Ok(Rendered::Document(document)) = rendered else { panic!("{rendered:?}") };
    let mut told = document.value()["digest"].take();
    let runs = told["runs"].take();
    assert_eq!(
        told,
        json!({
            "id": "dlv_1", "since": "2026-11-23T10:00:00.000Z", "until": "2026-11-23T11:00:00.000Z",
            "events": 2, "total": 1, "counts": [{ "state": "pr_created", "runs": 1 }],
            "needs": { "review": 1, "answer": 0, "look": 0, "nothing": 0 },
            "runs": null, "more": 0, "url": "https://acme.sentry.io/issues/",
        })
    );
    let each = &runs[0];
    assert_eq!(
        (&each["needs"], &each["events"], &each["links"]["relay"]),
        (&json!("review"), &json!(2), &json!(null))
    );
    assert_eq!(each["issue"]["id"], "10");
    assert_eq!(
        each["run"],
        json!({
            "id": "1", "sentry_run_id": null, "group_id": "10", "organization": "acme", "state": "pr_created",
            "started_at": "2026-11-23T10:01:00.000Z", "updated_at": "2026-11-23T10:01:00.000Z",
            "pull_requests": [{
                "repo": "acme/api", "provider": "github", "number": 7, "id": "7",
                "url": "https://github.com/acme/api/pull/7", "failed": false, "reason": null, "ready": null,
            }],
            "iterations": 0,
        })
    );
}

#[test]
fn an_issue_s_title_stays_in_its_place() {
    let hostile = "](https://evil.example) <!channel> @everyone\n# heading\n- item";
    let text =
        outline::lines(&message(&digest([(run(1, 1, "pr_created", opened(7)), Some(named(hostile)))])));
    assert_eq!(text.matches('#').count(), 5, "two headings, a number and one in the title: {text}");
    assert!(!text.contains("\n- item") && !text.contains("[heading"), "{text}");
}

#[test]
fn a_digest_of_one_s_own_wins_and_no_default_and_no_action_of_that_name_stands_for_it() {
    let own = renderer(&[
        ("oncall/digest.md.tera", "# {{ digest.total }} in all"),
        ("default.md.tera", "# {{ event.action }}"),
    ]);
    let of = |set: Option<&str>| {
        own.template_for(Purpose::Digest, &Target { set: set.map(str::to_owned), ..slack() })
    };
    assert_eq!((of(Some("oncall")).as_str(), of(None).as_str()), ("oncall/digest.md.tera", "digest.md.tera"));
    let action = crate::event::Action::from_name("digest");
    let target = Target { set: Some("oncall".to_owned()), ..slack() };
    assert_eq!(own.template_for(&action, &target), "default.md.tera", "a stranger's word");
    assert_eq!(own.unknown_fields(), []);
    let faulty = renderer(&[("digest.md.tera", "# {{ run.id }}{% if digest.totl %}x{% endif %}")]);
    let told: Vec<_> = faulty.unknown_fields().iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(told, ["there is no `run`", "`digest` has no field `totl`"]);
}
