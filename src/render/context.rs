//! The context: what a template may see, and what a webhook gets. A contract; fields may be added, never renamed.
//!
//! Every field is always there: null (an empty list) where nothing is known. Times are RFC 3339 in UTC with
//! milliseconds, ids are text, and a *text* may be a model's and may hold Markdown. In a Markdown template null is
//! empty text; `is none` asks whether something is known.
//!
//! On a card, `run` is the run as it is now and `event` its newest event, whatever that was.
//!
//! Seer's webhooks name an issue by its id alone. What else there is of `issue` comes from Sentry's API or from an
//! activity alert; it may be null in one message and known in the next, so a template has to read well without it.
//!
//! | field | type | is |
//! | --- | --- | --- |
//! | `event.id` | text | the relay's id of the event, `evt_…` |
//! | `event.resource` | text | where it came from: `seer`, `activity_alert` for the second webhook, `relay` for the relay's own notices |
//! | `event.action` | text | Sentry's word for what happened: `root_cause_completed` …; `relay.failed`, `relay.waiting` and `relay.stalled` are the relay's own notices of what became of a run, `relay.silent` that no webhook comes; `relay.destination_down`, `relay.destination_up` and `relay.dead_letter` are about a destination |
//! | `event.stage` | text or null | `root_cause`, `solution`, `coding`, `pull_request`, `iteration`; null for an action that this version does not know, and for a notice |
//! | `event.phase` | text or null | `started` or `completed`; `pr_*` complete their stage; null where there is no stage |
//! | `event.received_at` | time | when the relay received it |
//! | `event.sent_at` | time or null | when Sentry says that it sent it |
//! | `event.iteration` | number or null | which further round, for `iteration_*` |
//! | `event.replay` | boolean | whether it is sent again on request |
//! | `event.silent_seconds` | number or null | for `relay.stalled` and `relay.silent`: for how long nothing was heard |
//! | `event.last_heard_at` | time or null | for these: when something was heard last; null where never |
//! | `event.bad_signatures` | number or null | for `relay.silent`: how many webhooks came meanwhile whose signature was that of no organization |
//! | `event.destination` | object or null | for `relay.destination_down`, `relay.destination_up` and `relay.dead_letter`: the destination that they are about |
//! | `event.destination.name`, `.kind` | text | what it is called, and `slack`, `discord` or `webhook` |
//! | `event.destination.reason` | text or null | why it does not take deliveries, `connect`, `auth` …; of several reasons the most frequent one; null once it takes them again |
//! | `event.destination.since` | time or null | since when it takes none, or took none; when the first of the dead letters died |
//! | `event.destination.seconds` | number or null | for `relay.destination_up`: for how long it took none |
//! | `event.destination.waiting` | number or null | how many deliveries wait for it; null for dead letters |
//! | `event.destination.dead_letters` | number or null | for `relay.dead_letter`: how many there are since that was told last |
//! | `event.destination.reasons` | list | why these died, the most frequent reason first |
//! | `event.destination.reasons[].reason`, `.number` | text, number | the reason, and how many died of it |
//! | `event.fallback_for` | text or null | where the message goes to a fallback: the destination that did not take it, and for which it is |
//! | `event.fallback_reason` | text or null | why that one did not take it, `auth`, `timeout` …; null where it was never tried |
//! | `event.known` | boolean | whether this version knows the action |
//! | `run.id` | text or null | Sentry's `run_id` |
//! | `run.sentry_run_id` | text or null | Sentry's other id of the run |
//! | `run.group_id` | text or null | the issue's id |
//! | `run.organization` | text | the organization's slug |
//! | `run.state` | text | how far it is: `root_cause_started` … `coding_completed`, `pr_created`, `pr_ready`, `iterating`, `pr_updated`, `unknown`; after a notice, until the next step, `failed`, `waiting_for_user` or `stalled` |
//! | `run.started_at`, `run.updated_at` | time | when its first and its newest event was received |
//! | `run.stages` | list | always root cause, solution, coding, pull request |
//! | `run.stages[].stage` | text | `root_cause`, `solution`, `coding`, `pull_request` |
//! | `run.stages[].state` | text | `pending`, `running`, `completed`; `stalled`: it began, but the run failed, waits for somebody, or is silent |
//! | `run.stages[].started_at`, `.completed_at` | time or null | its newest start and end |
//! | `run.stages[].seconds` | number or null | from start to end |
//! | `run.stages[].times` | number | how often it was completed |
//! | `run.root_cause` | object or null | why it broke |
//! | `run.root_cause.summary` | text or null | in a sentence or two |
//! | `run.root_cause.reasons` | list | the five whys, or the steps that led there |
//! | `run.root_cause.reasons[].title`, `.text` | text or null | headline and explanation |
//! | `run.root_cause.reasons[].file`, `.repo` | text or null | the file it speaks of, and its repository |
//! | `run.root_cause.reasons[].important` | boolean | whether Seer marked it as the most important one |
//! | `run.root_cause.reproduction` | list of texts | how to see it happen, step by step |
//! | `run.root_cause.repo` | text or null | the repository where the cause lies |
//! | `run.root_cause.classification` | text or null | `code_fix`, `action_recommended`, `rca_only` … |
//! | `run.root_cause.no_code_fix_reason` | text or null | why no code fix will follow |
//! | `run.solution` | object or null | the plan |
//! | `run.solution.summary` | text or null | in a sentence or two |
//! | `run.solution.steps` | list | what to do, in order; fields as of `reasons` |
//! | `run.changes` | list | the newest code of each repository |
//! | `run.changes[].repo` | text or null | `owner/name` |
//! | `run.changes[].title`, `.description`, `.branch` | text or null | where Sentry says so |
//! | `run.changes[].added`, `.removed` | number | lines over all files |
//! | `run.changes[].files` | list | the files |
//! | `run.changes[].files[].path` | text or null | the path in the repository |
//! | `run.changes[].files[].type` | text or null | `added`, `modified`, `deleted` |
//! | `run.changes[].files[].added`, `.removed` | number | lines |
//! | `run.changes[].files[].diff` | text or null | unified diff |
//! | `run.pull_requests` | list | every pull request, and every failed try to open one |
//! | `run.pull_requests[].repo` | text or null | `owner/name` |
//! | `run.pull_requests[].provider` | text or null | `github`, `gitlab` … |
//! | `run.pull_requests[].number` | number or null | its number |
//! | `run.pull_requests[].id` | text or null | the provider's id |
//! | `run.pull_requests[].url` | text or null | its address |
//! | `run.pull_requests[].failed` | boolean | whether opening it failed |
//! | `run.pull_requests[].reason` | text or null | why it failed, in one line, where Sentry's API said so |
//! | `run.pull_requests[].ready` | boolean or null | true once a `pr_ready_for_review` named it |
//! | `run.repos` | list of texts | the repositories that the run is about |
//! | `run.iterations` | number | further rounds so far |
//! | `issue.id` | text or null | the issue's id; of the surviving one, where it was merged |
//! | `issue.url` | text or null | the issue in Sentry |
//! | `issue.short_id` | text or null | what people call it, for example `API-1X` |
//! | `issue.title` | text or null | what went wrong: an exception and its message, whatever that holds |
//! | `issue.culprit` | text or null | where it went wrong: a function, a route, a file |
//! | `issue.level` | text or null | `fatal`, `error`, `warning`, `info`, `debug`, `sample` |
//! | `issue.priority` | text or null | `high`, `medium`, `low` |
//! | `issue.status`, `.substatus` | text or null | `unresolved`, `resolved`, `ignored`; `ongoing`, `escalating`, `regressed`, `new` … |
//! | `issue.platform` | text or null | the platform of its project, for example `python` |
//! | `issue.project` | object | always there; `is none` tells that nothing of it is known |
//! | `issue.project.id`, `.slug`, `.name` | text or null | Sentry's id, the name in addresses, the name that people gave it |
//! | `issue.first_seen`, `.last_seen` | time or null | when it was seen first and last |
//! | `issue.event_count`, `.user_count` | number or null | how often, and by how many users, it was seen |
//! | `links.issue` | text or null | as `issue.url` |
//! | `links.seer` | text or null | the issue in Sentry with Seer's panel open |
//! | `links.relay` | text or null | the run in the relay's dashboard, where `http.public_url` is set |
//! | `organization` | text | the organization's slug |
//! | `now` | time | when the message is made, for `ago` (templates only) |
//! | `destination.name`, `.kind` | text | where the message goes (templates only) |
//! | `destination.diff` | number | how many lines of diff it wants (templates only) |
//! | `payload` | object or null | the webhook's body as Sentry sent it; null for a notice, and once `store.payload_retention` is over (webhook bodies only) |
//!
//! `digest.md.tera` sees `now`, `destination` and, in place of all others, `digest`. `run` in it is the run as it was when
//! the newest event of the digest came:
//!
//! | field | type | is |
//! | --- | --- | --- |
//! | `digest.id` | text | the relay's id of the digest, `dlv_…` |
//! | `digest.since` | time | when its first event was routed |
//! | `digest.until` | time | up to when events are in it |
//! | `digest.events` | number | how many events it tells of |
//! | `digest.total` | number | how many runs these are of |
//! | `digest.counts` | list | how many runs are in which state, the ones that want somebody first; only states that there are |
//! | `digest.counts[].state` | text | as `run.state` |
//! | `digest.counts[].runs` | number | how many |
//! | `digest.needs.review` | number | how many runs have pull requests to review |
//! | `digest.needs.answer` | number | how many wait for somebody's answer |
//! | `digest.needs.look` | number | how many failed, stalled, or could open no pull request |
//! | `digest.needs.nothing` | number | how many want nobody |
//! | `digest.runs` | list | the 15 newest of each of these four sorts, in this order |
//! | `digest.runs[].needs` | text or null | `review`, `answer`, `look`; null where it wants nobody |
//! | `digest.runs[].events` | number | how many of the events are the run's |
//! | `digest.runs[].run` | object | `id`, `sentry_run_id`, `group_id`, `organization`, `state`, `started_at`, `updated_at`, `pull_requests` and `iterations`, as of `run` |
//! | `digest.runs[].issue` | object | as `issue` |
//! | `digest.runs[].links` | object | as `links` |
//! | `digest.more` | number | how many runs are not listed |
//! | `digest.url` | text or null | where Sentry lists the organization's issues; null where these are runs of several |

mod digest;
mod document;
mod view;

use std::borrow::Cow;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use url::Url;

use crate::delivery::{DeliveryId, StandsFor};
use crate::event::{
    Action, Artifacts, DestinationReport, Event, EventId, FileChange, Organization, PullRequest, ReasonCount,
    RepositoryChange, RootCause, Solution, Step,
};
use crate::issue::Issue;
use crate::json::raw_lenient;
use crate::message::Tone;
use crate::render::digest::{Digest, Digested};
use crate::render::{DIGEST, Purpose, tone};
use crate::run::Run;

pub use document::{Document, Head};
use document::{Facts, Subject};
pub use view::{IssueData, ProjectData, StageData};

/// What links are made of.
#[derive(Debug, Clone)]
pub struct Links {
    /// The organization's address in Sentry.
    pub base_url: Url,
    /// The relay's own address, where the settings give one.
    pub public_url: Option<Url>,
}

impl Links {
    /// Returns where links lead for an organization that is not configured: to its place at Sentry.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the second address is a constant")]
    pub fn at_sentry(organization: &Organization, public_url: Option<Url>) -> Self {
        let base_url = Url::parse(&format!("https://{organization}.sentry.io"))
            .unwrap_or_else(|_| Url::parse("https://sentry.io").expect("the address is valid"));
        Self { base_url, public_url }
    }
}

/// Everything that a template or a webhook's receiver may know of one event.
#[derive(Debug, Clone)]
pub struct Context {
    action: Action,
    tone: Tone,
    card_tone: Tone,
    subject: Subject,
    /// The subject as templates see it, made for the first one.
    data: OnceLock<Value>,
    payload: Option<Box<RawValue>>,
    now: Timestamp,
}

impl Context {
    /// Makes the context of the last of these events, which are its run up to it; `None` without events. `issue` is
    /// what is known of the run's issue, if anything.
    pub fn new(events: &[Event], issue: Option<&Issue>, links: &Links, replay: bool) -> Option<Self> {
        let event = events.last()?;
        let run = Run::fold(events)?;
        let (tone, card_tone) = (tone::of(event), tone::of_run(&run));
        let (action, now) = (event.action.clone(), event.received_at);
        let subject = Subject::Event(Box::new(Facts::new(event, run, issue, links, replay)));
        Some(Self { action, tone, card_tone, subject, data: OnceLock::new(), payload: None, now })
    }

    /// Says for which destination the message stands in for one that was not taken, and why not.
    #[must_use]
    pub fn standing_for(mut self, stands_for: Option<&StandsFor>) -> Self {
        if let Subject::Event(facts) = &mut self.subject {
            facts.stands_for = stands_for.cloned();
            self.data = OnceLock::new();
        }
        self
    }

    /// Makes the context of a digest; `links` says where they lead for an organization.
    pub fn of_digest<'a>(digest: &Digest, links: impl Fn(&Organization) -> Cow<'a, Links>) -> Self {
        let subject = Subject::Value(digest::document(digest, links));
        let tone = tone::of_digest(digest);
        let (action, now) = (Action::from_name(DIGEST), digest.until);
        Self { action, tone, card_tone: tone, subject, data: OnceLock::new(), payload: None, now }
    }

    /// Sets when the message is made; without it, that is when its event was received.
    #[must_use]
    pub fn made_at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// Adds the webhook's body as Sentry sent it; empty where no webhook brought the event. Templates never see it.
    #[must_use]
    pub fn with_payload(self, body: &[u8]) -> Self {
        let text = || to_raw_value(&String::from_utf8_lossy(body)).unwrap_or_default();
        let payload = if body.is_empty() {
            RawValue::NULL.to_owned()
        } else {
            raw_lenient(body).unwrap_or_else(|_| text())
        };
        Self { payload: Some(payload), ..self }
    }

    /// Returns `data` of the documented webhook body, with `payload` where it was added, as a value.
    pub fn document(&self) -> Value {
        self.clone().into_document().value()
    }

    /// Returns `data` of the documented webhook body, with `payload` where it was added.
    pub fn into_document(self) -> Document {
        Document::new(self.subject, self.payload)
    }

    /// Returns the action of the event that it is about.
    pub(super) fn action(&self) -> &Action {
        &self.action
    }

    /// Returns what a template may see, the destination aside.
    pub(super) fn data(&self) -> &Value {
        match &self.subject {
            Subject::Event(facts) => {
                // What it is made of can always be written.
                self.data.get_or_init(|| serde_json::to_value(facts.view()).unwrap_or_default())
            }
            Subject::Value(value) => value,
        }
    }

    /// Returns where all of it can be read: in Sentry, with Seer's panel open.
    pub(super) fn source(&self) -> Option<Url> {
        let link = |name| self.data().pointer(name).and_then(Value::as_str);
        let links = ["/links/seer", "/links/issue", "/digest/url"];
        links.into_iter().find_map(link).and_then(|link| Url::parse(link).ok())
    }

    /// Returns when the message is made.
    pub(super) fn now(&self) -> String {
        rfc3339(self.now)
    }

    /// Returns the mood of a message about the event, or that of the run's card.
    pub(super) fn tone(&self, purpose: Purpose<'_>) -> Tone {
        match purpose {
            Purpose::Action(_) | Purpose::Digest => self.tone,
            Purpose::Card => self.card_tone,
        }
    }
}

/// Returns the contract as a value with every field in it, and one item in each list: what a template may see.
pub(super) fn shape() -> Value {
    let event = any_event();
    let links = Url::parse("https://sentry.io").map(|base_url| Links { base_url, public_url: None });
    let context = links.ok().and_then(|links| Context::new(&[event], None, &links, false));
    let mut shape = context.map(|context| context.data().clone()).unwrap_or_default();
    if let Value::Object(fields) = &mut shape {
        fields.insert("destination".to_owned(), json!({ "name": "", "kind": "", "diff": 0 }));
    }
    shape
}

/// Returns an event that says everything, with one item in each list.
fn any_event() -> Event {
    let text = || Some(String::new());
    let change =
        RepositoryChange { repo: text(), files: vec![FileChange::default()], ..RepositoryChange::default() };
    let root_cause = RootCause {
        reasons: vec![Step::default()],
        reproduction: vec![String::new()],
        ..RootCause::default()
    };
    Event {
        id: EventId::new(""),
        organization: Organization::new(""),
        resource: String::new(),
        action: Action::PrCreated,
        run_id: None,
        sentry_run_id: None,
        group_id: None,
        iteration: None,
        received_at: Timestamp::UNIX_EPOCH,
        sent_at: None,
        artifacts: Artifacts {
            root_cause: Some(root_cause),
            solution: Some(Solution { steps: vec![Step::default()], ..Solution::default() }),
            changes: Some(vec![change]),
            pull_requests: Some(vec![PullRequest { repo: text(), ..PullRequest::default() }]),
            silence: None,
            destination: Some(DestinationReport {
                reasons: vec![ReasonCount::default()],
                ..DestinationReport::default()
            }),
        },
    }
}

/// As [`shape`], of what the template of a digest may see.
pub(super) fn digest_shape() -> Value {
    let mut shape = shape();
    let Value::Object(fields) = &mut shape else { return shape };
    let links = Url::parse("https://sentry.io").map(|base_url| Links { base_url, public_url: None });
    let (Ok(links), Some(run)) = (links, Run::fold([&any_event()])) else { return shape };
    let mut digest = Digest::new(DeliveryId::new(""), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    digest.add(Digested { run, events: 1, issue: None });
    let document = digest::document(&digest, |_| Cow::Borrowed(&links));
    fields.retain(|name, _| name == "destination");
    fields.insert("digest".to_owned(), document.get("digest").cloned().unwrap_or_default());
    shape
}

/// Returns a time as the contract writes it: RFC 3339 in UTC with milliseconds.
pub fn rfc3339(time: Timestamp) -> String {
    view::time(time)
}

/// Returns `issue` of the contract alone.
pub fn issue_document<'a>(run: &'a Run, issue: Option<&'a Issue>, links: &Links) -> IssueData<'a> {
    let (id, url) = view::place_of_issue(run, issue, links);
    IssueData::new(id, issue, url.as_ref())
}

/// Returns `run.stages` of the contract alone.
pub fn stage_documents(run: &Run) -> Vec<StageData> {
    run.stages.iter().map(StageData::new).collect()
}

#[cfg(test)]
mod tests;
