//! The loop that notices when an organization's webhooks stop coming, and has it told as an event of the relay's own.
//!
//! What comes in is counted where it is verified ([`crate::telemetry::Ear`]); the store keeps what was heard last and
//! whether its silence was told, so that a restart neither repeats nor forgets that. Only while the relay listens it can
//! hear nothing: after a longer break it counts from its start.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::moment::{after, between};
use super::outage::Pauses;
use super::regime::Regime;
use super::watch::answered;
use crate::event::{Action, Organization, Silence};
use crate::store::{Hearing, Notice};
use crate::telemetry::Heard;

/// How often is looked; what was heard is lost for no longer where the process is killed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it is written that the relay listens, where nothing is heard.
const WRITE_EVERY: Duration = Duration::from_mins(1);
/// A break no longer than this is a restart: what Sentry sends in it is little.
const LONGEST_BREAK: Duration = Duration::from_mins(5);
/// How long a stop waits until what was heard is written.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Listens until `stopped` turns true; `wake` is raised for the planner where there is something to be told.
pub(super) async fn run(shared: Arc<Shared>, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    let mut listeners = Vec::new();
    tokio::select! {
        () = listen(&shared, &wake, &mut listeners) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    let write_all = async {
        for listener in &mut listeners {
            listener.listen(&shared);
            listener.write(&shared, None).await;
        }
    };
    // What is not written now is read from the events at the next start.
    let _ = timeout(LAST_WRITE, write_all).await;
}

/// Listens to the organizations that are configured, for as long as each is, and as silence is to be told.
async fn listen(shared: &Shared, wake: &Notify, listeners: &mut Vec<Listener>) {
    let mut regimes = shared.regime.subscribe();
    // All that the ear has heard by the start it heard since.
    let mut bad_before = 0;
    loop {
        let regime = Arc::clone(&regimes.borrow_and_update());
        if let Some(silent_after) = regime.rules.watch.silent_after {
            begin(shared, &regime, listeners, bad_before).await;
            look_until_changed(shared, wake, silent_after, listeners, &mut regimes).await;
        } else {
            // What is in force outlives this loop, so this is no error.
            let _ = regimes.changed().await;
        }
        bad_before = shared.metrics.ear().bad_signatures();
    }
}

/// Begins to listen to organizations that nobody listens to yet, and no longer to those that are configured no longer.
async fn begin(shared: &Shared, regime: &Regime, listeners: &mut Vec<Listener>, bad_before: u64) {
    let configured = &regime.rules.links;
    listeners.retain(|listener| configured.contains_key(&listener.hearing.organization));
    let is_new = |organization: &&Organization| {
        listeners.iter().all(|listener| listener.hearing.organization != **organization)
    };
    let new: Vec<Organization> = configured.keys().filter(is_new).cloned().collect();
    let mut pauses = Pauses::default();
    while !new.is_empty() {
        let begun = shared.queue.begin_hearing(new.clone(), LONGEST_BREAK, shared.clock.wall()).await;
        if let Some(hearings) = answered(shared, begun) {
            listeners.extend(hearings.into_iter().map(|hearing| Listener::new(hearing, bad_before)));
            return;
        }
        sleep_until(Instant::now() + pauses.next_pause()).await;
    }
}

async fn look_until_changed(
    shared: &Shared,
    wake: &Notify,
    silent_after: Duration,
    listeners: &mut [Listener],
    regimes: &mut watch::Receiver<Arc<Regime>>,
) {
    loop {
        for listener in listeners.iter_mut() {
            listener.look(shared, wake, silent_after).await;
        }
        tokio::select! {
            () = sleep_until(Instant::now() + LOOK_EVERY.min(silent_after)) => {}
            _ = regimes.changed() => return,
        }
    }
}

/// Who listens to one organization.
struct Listener {
    hearing: Hearing,
    /// How many bad signatures were known before the ear heard any; less those that it heard before it listened to this
    /// organization.
    bad_before: i64,
    /// What the ear had heard last when it was asked.
    last: Option<Heard>,
    written_at: Instant,
}

impl Listener {
    /// Begins to listen; so many bad signatures came before.
    fn new(hearing: Hearing, bad_before: u64) -> Self {
        let bad_before = hearing.bad_signatures.cast_signed().saturating_sub_unsigned(bad_before);
        Self { bad_before, hearing, last: None, written_at: Instant::now() }
    }

    /// Writes down what was heard, or tells that nothing is.
    async fn look(&mut self, shared: &Shared, wake: &Notify, silent_after: Duration) {
        let is_news = self.listen(shared);
        let notice = silence(&self.hearing, silent_after, shared.clock.wall())
            .map(|silence| Notice::of_silence(Action::Silent, silence));
        if let Some(notice) = notice {
            if let Some(id) = self.write(shared, Some(notice)).await {
                let organization = self.hearing.organization.as_str();
                tracing::warn!(event.id = id, organization, "no webhook of the organization comes any more");
                shared.metrics.notice(Action::Silent.as_str());
                wake.notify_one();
            }
        } else if is_news || self.written_at.elapsed() >= WRITE_EVERY {
            self.write(shared, None).await;
        }
    }

    fn listen(&mut self, shared: &Shared) -> bool {
        let ear = shared.metrics.ear();
        self.hear(ear.last(&self.hearing.organization), ear.bad_signatures(), shared.clock.wall())
    }

    /// Takes over what the ear has heard; returns whether that is more than before. What seems to lie ahead came before
    /// the clock was set back.
    fn hear(&mut self, last: Option<Heard>, bad_signatures: u64, now: Timestamp) -> bool {
        let hearing = &mut self.hearing;
        let is_news = last != self.last;
        if let Some(heard) = last.filter(|_| is_news) {
            (hearing.heard_at, hearing.is_told) = (Some(heard.at), false);
            self.last = last;
        }
        hearing.heard_at = hearing.heard_at.map(|at| at.min(now));
        hearing.listens_since = hearing.listens_since.min(now);
        hearing.bad_signatures = match self.last {
            Some(heard) => bad_signatures.saturating_sub(heard.bad_signatures),
            None => bad_signatures.saturating_add_signed(self.bad_before),
        };
        is_news
    }

    /// Has the store keep what is known, and make a notice of it; returns the notice's id.
    async fn write(&mut self, shared: &Shared, notice: Option<Notice>) -> Option<String> {
        let is_told = self.hearing.is_told || notice.is_some();
        let written = shared.queue.settle_hearing(self.hearing.clone(), notice, shared.clock.wall()).await;
        let id = answered(shared, written)?;
        (self.hearing.is_told, self.written_at) = (is_told, Instant::now());
        id.map(|id| id.to_string())
    }
}

/// Returns for how long nothing was heard, where that is to be told.
fn silence(hearing: &Hearing, silent_after: Duration, now: Timestamp) -> Option<Silence> {
    let since = hearing.heard_at.map_or(hearing.listens_since, |at| at.max(hearing.listens_since));
    let is_silent = !hearing.is_told && now >= after(since, silent_after);
    is_silent.then(|| Silence {
        seconds: between(since, now).as_secs(),
        last_heard_at: hearing.heard_at,
        bad_signatures: Some(hearing.bad_signatures),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::start;

    const HOUR: Duration = Duration::from_hours(1);

    fn minutes(minutes: i64) -> Timestamp {
        start() + jiff::SignedDuration::from_mins(minutes)
    }

    fn hearing(heard_at: Option<Timestamp>) -> Hearing {
        let organization = Organization::new("acme");
        Hearing { organization, heard_at, listens_since: start(), bad_signatures: 0, is_told: false }
    }

    fn silent_for(hearing: &Hearing, now: i64) -> Option<u64> {
        silence(hearing, HOUR, minutes(now)).map(|silence| silence.seconds / 60)
    }

    #[test]
    fn silence_counts_from_what_was_heard_last_while_the_relay_listened() {
        for (heard_at, now, expected) in [
            (None, 59, None),
            (None, 60, Some(60)),
            (Some(30), 89, None),
            (Some(30), 90, Some(60)),
            (Some(-600), 59, None),
            (Some(-600), 61, Some(61)),
        ] {
            assert_eq!(silent_for(&hearing(heard_at.map(minutes)), now), expected, "{heard_at:?} {now}");
        }
        let told = Hearing { is_told: true, ..hearing(None) };
        assert_eq!(silent_for(&told, 600), None);
    }

    #[test]
    fn what_is_heard_ends_the_silence_and_what_is_told_of_it() {
        let mut listener = Listener::new(Hearing { is_told: true, bad_signatures: 3, ..hearing(None) }, 0);
        assert!(!listener.hear(None, 2, minutes(90)));
        assert_eq!((listener.hearing.bad_signatures, listener.hearing.is_told), (5, true));
        let heard = Some(Heard { at: minutes(91), bad_signatures: 2 });
        assert!(listener.hear(heard, 2, minutes(92)));
        let expected = hearing(Some(minutes(91)));
        assert_eq!(listener.hearing, expected);
        assert!(!listener.hear(heard, 6, minutes(93)));
        assert_eq!(listener.hearing, Hearing { bad_signatures: 4, ..expected });
    }

    #[test]
    fn bad_signatures_from_before_an_organization_was_listened_to_are_none_of_its_own() {
        let mut listener = Listener::new(Hearing { bad_signatures: 1, ..hearing(None) }, 5);
        listener.hear(None, 7, minutes(1));
        assert_eq!(listener.hearing.bad_signatures, 3);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_silence_and_hides_none() {
        let mut listener = Listener::new(hearing(None), 0);
        let heard = Some(Heard { at: minutes(600), bad_signatures: 0 });
        listener.hear(heard, 0, minutes(0));
        assert_eq!(silent_for(&listener.hearing, 59), None);
        listener.hear(heard, 0, minutes(60));
        assert_eq!(silent_for(&listener.hearing, 60), Some(60));
    }
}
