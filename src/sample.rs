//! Samples: webhooks as Sentry would send them, signed, for `send`, `render`, `check` and `demo`.
//!
//! They tell one believable story (`sample/story.rs`) in both payload shapes and as activity alerts, about one issue, and
//! of what the relay would notice itself of such a run, or where no webhook comes. Pure: the clock and the secret are arguments.

mod alert;
mod digest;
mod encoding;
mod issue;
mod notice;
mod story;
mod telling;
mod variants;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::event::{Action, Organization};
use crate::secret::Secret;
use crate::sentry::payload::{AcceptedEvent, PayloadError, parse};
use crate::sentry::signature::{SigningKeys, VerifiedWebhook, WebhookHeaders, verify};
use crate::sentry::{
    LookupConfig, OrganizationConfig, REQUEST_ID_HEADER, RESOURCE_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};

pub use alert::alert;
pub use digest::{DigestSample, digest, digests};
pub use encoding::encode;
pub use issue::{issue, issue_variants};
pub use notice::notice_variants;
pub use telling::{Telling, telling, telling_alone, telling_of, telling_of_alert};
pub use variants::{HOSTILE, LARGE, variants};

/// An action that no version knows.
pub const UNKNOWN_ACTION: &str = "an_action_of_tomorrow";

/// Signs what never leaves the process.
const INNER_SECRET: &str = "sample";

/// The `installation.uuid` of every sample; Sentry's documentation has the same.
const INSTALLATION: &str = "a8e5d37a-696c-4c54-adb5-b3f28d64c7de";

/// Which of Sentry's two payload shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As Sentry's documentation of 2025 shows it.
    Documented,
    /// As Sentry sends it since 2026.
    Present,
}

impl Shape {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Documented, Self::Present];

    /// Returns the word for it: `documented` or `present`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Present => "present",
        }
    }

    /// Finds the shape with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == word)
    }
}

/// What tells one sample run from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleIds {
    /// `run_id`; sent as a number where it is one.
    pub run_id: String,
    /// `sentry_run_id`, which only the present shape has.
    pub sentry_run_id: Option<String>,
    /// `group_id`; sent as a number where it is one.
    pub group_id: String,
    /// `iteration_index` of the `iteration_*` actions.
    pub iteration: u64,
}

impl SampleIds {
    /// Returns the ids of a run: its `sentry_run_id` is another one for each `run_id`, and always the same for one.
    pub fn for_run(run_id: impl Into<String>) -> Self {
        let run_id = run_id.into();
        let digits = hex::encode(Sha256::digest(run_id.as_bytes()));
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let uuid = [
            part(0, 8),
            part(8, 12),
            &format!("4{}", part(13, 16)),
            &format!("9{}", part(17, 20)),
            part(20, 32),
        ];
        Self { sentry_run_id: Some(uuid.join("-")), run_id, group_id: "1170820242".to_owned(), iteration: 1 }
    }
}

impl Default for SampleIds {
    fn default() -> Self {
        Self::for_run("12345")
    }
}

/// Returns the body of a webhook for this action of Seer's. An action that this version does not know has the base fields
/// alone.
pub fn body(action: &Action, shape: Shape, ids: &SampleIds) -> Value {
    let mut data = Map::new();
    data.insert("run_id".to_owned(), id(&ids.run_id));
    if shape == Shape::Present {
        data.insert("sentry_run_id".to_owned(), json!(ids.sentry_run_id));
    }
    data.insert("group_id".to_owned(), id(&ids.group_id));
    data.extend(story::artifacts(action, shape));
    if matches!(action, Action::IterationStarted | Action::IterationCompleted) {
        data.insert("iteration_index".to_owned(), json!(ids.iteration));
    }
    json!({
        "action": action.as_str(),
        "installation": {"uuid": INSTALLATION},
        "data": data,
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    })
}

/// Writes an id as Sentry does: a number where it is one.
fn id(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => json!(number),
        Ok(_) | Err(_) => json!(text),
    }
}

/// Returns the actions of a whole run, in order: the documented seven, or all ten.
pub fn run_script(shape: Shape) -> Vec<Action> {
    let documented = |action: &Action| {
        !matches!(action, Action::PrReadyForReview | Action::IterationStarted | Action::IterationCompleted)
    };
    match shape {
        Shape::Documented => Action::OF_SEER.into_iter().filter(documented).collect(),
        Shape::Present => Action::OF_SEER.to_vec(),
    }
}

/// Signs bytes as Sentry does; lower-case hex.
#[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
pub fn sign(body: &[u8], client_secret: &SecretString) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mac =
        Hmac::<Sha256>::new_from_slice(client_secret.expose_secret().as_bytes()).expect("any key will do");
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

/// Returns the headers with which Sentry would send this body, an activity alert or a step of Seer; names in lower
/// case.
// Source: getsentry/sentry src/sentry/sentry_apps/api/serializers/app_platform_event.py and the request shown in
// issue #38443, read 2026-11-24.
pub fn headers(body: &[u8], client_secret: &SecretString, now: Timestamp) -> Vec<(&'static str, String)> {
    let request_id = hex::encode(Sha256::digest([body, now.to_string().as_bytes()].concat()));
    vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "*/*".to_owned()),
        ("user-agent", "sentry/26.11.0 (https://sentry.io)".to_owned()),
        (REQUEST_ID_HEADER, request_id.chars().take(32).collect()),
        (RESOURCE_HEADER, alert::resource_of(body).to_owned()),
        (TIMESTAMP_HEADER, now.as_second().to_string()),
        (SIGNATURE_HEADER, sign(body, client_secret)),
    ]
}

/// Returns any body as the relay would accept it if `organization` had signed it: a file that a user has, a variant.
///
/// # Errors
/// [`PayloadError`] where the relay would refuse it.
pub fn accept(
    body: Bytes,
    organization: &Organization,
    received_at: Timestamp,
) -> Result<AcceptedEvent, PayloadError> {
    parse(signed(body, organization, received_at), received_at)
}

#[expect(
    clippy::expect_used,
    reason = "the secret that signs is the one that verifies, and the address is a constant"
)]
fn signed(body: Bytes, organization: &Organization, now: Timestamp) -> VerifiedWebhook {
    let secret = SecretString::from(INNER_SECRET);
    let head = headers(&body, &secret, now);
    let head = WebhookHeaders::read(head.iter().map(|(name, value)| (*name, value.as_bytes())));
    let keys = SigningKeys::new(&[OrganizationConfig {
        organization: organization.clone(),
        client_secrets: vec![Secret::Known(secret)],
        retired_secrets: Vec::new(),
        base_url: Url::parse("https://sentry.io").expect("the address is valid"),
        lookup: LookupConfig::without_token(Url::parse("https://sentry.io").expect("the address is valid")),
    }]);
    verify(head.expect("the head is signed"), body, &keys).expect("the secret is the same")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Artifacts, ChangeKind, EventId};
    use crate::run::{Run, RunState, StageState};
    use crate::sentry::vectors::{SECRET, V1, V1_SIGNATURE};

    fn artifacts(action: &Action, shape: Shape) -> Artifacts {
        sample(action, shape).artifacts().clone()
    }

    fn sample(action: &Action, shape: Shape) -> AcceptedEvent {
        let body = encode(&body(action, shape, &SampleIds::default())).into();
        accept(body, &Organization::new("acme"), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn every_sample_is_accepted_and_new_in_nothing() {
        for shape in Shape::ALL {
            for action in Action::OF_SEER {
                let accepted = sample(&action, shape);
                assert_eq!(accepted.action(), &action);
                assert_eq!(accepted.run_id().unwrap().as_str(), "12345");
                assert_eq!(accepted.group_id().unwrap().as_str(), "1170820242");
                assert_eq!(accepted.sentry_run_id().is_some(), shape == Shape::Present);
                assert!(accepted.novelties().is_empty(), "{:?}", accepted.novelties());
            }
        }
    }

    #[test]
    fn an_unknown_action_has_the_base_fields() {
        let accepted = sample(&Action::Other("triage_started".to_owned()), Shape::Present);
        assert_eq!(accepted.action().as_str(), "triage_started");
        assert_eq!(accepted.artifacts(), &Artifacts::default());
        assert_eq!(accepted.novelties(), ["action `triage_started`"]);
    }

    #[test]
    fn the_two_shapes_tell_one_story() {
        let of = |action: &Action| Shape::ALL.map(|shape| artifacts(action, shape));
        let [documented, present] =
            of(&Action::RootCauseCompleted).map(|artifacts| artifacts.root_cause.unwrap());
        assert_eq!(documented.summary, present.summary);
        assert_eq!(present.reasons.len(), 5);
        assert_eq!(present.reproduction.len(), 3);
        assert!(documented.reasons.iter().any(|reason| reason.important && reason.file.is_some()));
        assert!(documented.reasons.iter().any(|reason| reason.file.is_none()));
        let words = present.summary.unwrap().split_whitespace().count();
        assert!(words < 30, "Sentry asks its model for less than 30 words, not {words}");

        let [documented, present] =
            of(&Action::SolutionCompleted).map(|artifacts| artifacts.solution.unwrap());
        assert_eq!(documented.summary, present.summary);
        let titles =
            |steps: &[crate::event::Step]| steps.iter().map(|step| step.title.clone()).collect::<Vec<_>>();
        assert_eq!(titles(&documented.steps), titles(&present.steps));

        for action in [Action::CodingCompleted, Action::IterationCompleted] {
            let [mut documented, present] = of(&action).map(|artifacts| artifacts.changes.unwrap().remove(0));
            (documented.title, documented.description, documented.branch) = (None, None, None);
            assert_eq!(documented, present, "the counts and paths of the samples are those of their diffs");
            assert_eq!(present.files[0].kind, Some(ChangeKind::Modified));
        }
        let [documented, present] =
            of(&Action::PrCreated).map(|artifacts| artifacts.pull_requests.unwrap().remove(0));
        assert_eq!(documented, present);
        assert_eq!(present.url.as_deref(), Some("https://github.com/acme/api/pull/128"));
    }

    #[test]
    fn the_script_is_a_whole_run() {
        for (shape, state) in
            [(Shape::Documented, RunState::PrCreated), (Shape::Present, RunState::PrUpdated)]
        {
            let events: Vec<_> = run_script(shape)
                .iter()
                .map(|action| sample(action, shape).to_event(EventId::new("evt_1")))
                .collect();
            let run = Run::fold(&events).unwrap();
            assert_eq!(run.state, state);
            assert!(run.stages.iter().all(|stage| stage.state == StageState::Completed));
            assert_eq!(run.repos(), ["acme/api"]);
        }
    }

    #[test]
    fn runs_have_ids_of_their_own_and_always_the_same() {
        let one = SampleIds::for_run("1");
        assert_eq!(one, SampleIds::for_run("1"));
        assert_ne!(one.sentry_run_id, SampleIds::for_run("2").sentry_run_id);
        let uuid = one.sentry_run_id.unwrap();
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
    }

    #[test]
    fn ids_are_numbers_where_they_are_numbers() {
        assert_eq!(id("12345"), json!(12345));
        assert_eq!(id("12345x"), json!("12345x"));
        assert_eq!(id("007"), json!("007"));
        assert_eq!(id("18446744073709551616"), json!("18446744073709551616"));
    }

    #[test]
    fn it_signs_as_sentry_does() {
        let secret = SecretString::from(SECRET);
        assert_eq!(sign(V1.as_bytes(), &secret), V1_SIGNATURE);
        let headers = headers(V1.as_bytes(), &secret, Timestamp::from_second(1_764_000_000).unwrap());
        let value = |wanted: &str| &headers.iter().find(|(name, _)| *name == wanted).unwrap().1;
        assert_eq!(value("sentry-hook-signature"), V1_SIGNATURE);
        assert_eq!(value("sentry-hook-timestamp"), "1764000000");
        assert_eq!(value("sentry-hook-resource"), "seer");
        assert_eq!(value("request-id").len(), 32);
    }

    #[test]
    fn a_shape_is_found_by_its_word() {
        assert_eq!(Shape::from_word("documented"), Some(Shape::Documented));
        assert_eq!(Shape::from_word("present"), Some(Shape::Present));
        assert_eq!(Shape::from_word("future"), None);
    }

    #[test]
    fn a_body_that_is_no_webhook_is_refused() {
        let refused = accept(Bytes::from("[]"), &Organization::new("acme"), Timestamp::UNIX_EPOCH);
        assert!(refused.is_err());
    }
}
