//! What became of one claimed delivery, and what is written down of it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::backoff::{self, Failure};
use super::desk::Desk;
use super::moment::{SteadyClock, after};
use super::{DeliveryConfig, bearable};
use crate::delivery::{Attempt, Delivery, DeliveryId, Reason};
use crate::event::Event;
use crate::notify::{Doubt, SendError, Sent, Verdict};
use crate::run::Run;
use crate::store::{DeliveryTicket, DestinationChange, MessageChange, Next, Record};

/// Longest text of a template error that is kept, in characters.
const WORDS_LIMIT: usize = 500;

/// What became of a claimed delivery.
#[derive(Debug, PartialEq)]
pub(super) struct Finish {
    /// The attempt, where one was made.
    pub(super) attempt: Option<Attempt>,
    /// What follows for the delivery.
    pub(super) next: Next,
    /// Whether the destination was called.
    pub(super) called: bool,
    /// The run, as it is shown, where it was looked up.
    pub(super) run: Option<String>,
    /// When the event was received, where it was looked up.
    pub(super) received_at: Option<Timestamp>,
    /// How long the whole destination is to be left alone, by its own words.
    hold: Option<Duration>,
    /// How long it is to be left alone out of politeness, or until its next window; forgotten with the process.
    pause: Option<Duration>,
    /// Whether the destination no longer exists.
    gone: bool,
    /// What the answer says of the destination beside the delivery.
    sign: Sign,
    /// What it says of the first message of the run.
    message: MessageChange,
    /// Whether the message may have arrived, though no answer said so; `None` leaves that as it was.
    in_doubt: Option<bool>,
    /// Where that was so before: what is known of it now.
    pub(super) doubt: Option<Doubt>,
}

/// What a delivery tells of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    run: Option<String>,
    received_at: Option<Timestamp>,
}

impl Subject {
    /// Finds it in the events of the run, where it is about one.
    pub(super) fn of(delivery: &Delivery, events: Option<&[Event]>) -> Self {
        let events = events.unwrap_or_default();
        let event = events.iter().rfind(|event| event.id == delivery.event_id);
        Self { run: Run::label_of(events), received_at: event.map(|event| event.received_at) }
    }
}

/// What an answer, or its absence, says of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Nothing: it judged the message, or asked for time.
    None,
    /// It takes deliveries.
    Takes,
    /// It would have refused any other delivery, too.
    Refuses(Reason),
}

impl Sign {
    fn of(error: &SendError) -> Self {
        match error.verdict {
            Verdict::Retry | Verdict::RetryAtMost(_) => Self::Refuses(error.reason),
            Verdict::RetryUncounted
            | Verdict::NextRung
            | Verdict::Afresh
            | Verdict::GiveUp
            | Verdict::Gone => Self::None,
        }
    }
}

/// When an attempt began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    /// By the wall clock.
    pub(super) at: Timestamp,
    instant: Instant,
}

impl Began {
    /// Begins an attempt now.
    pub(super) fn now(clock: &SteadyClock) -> Self {
        Self { at: clock.wall(), instant: Instant::now() }
    }

    fn attempt(self, delivery: &Delivery, reason: Option<Reason>) -> Attempt {
        Attempt {
            started_at: self.at,
            duration: self.instant.elapsed(),
            rung: delivery.rung,
            status: None,
            reason,
            words: None,
            template: None,
        }
    }
}

impl Finish {
    /// The destination was not called.
    pub(super) fn uncalled(next: Next) -> Self {
        Self {
            attempt: None,
            next,
            hold: None,
            pause: None,
            gone: false,
            sign: Sign::None,
            called: false,
            run: None,
            received_at: None,
            message: MessageChange::None,
            in_doubt: None,
            doubt: None,
        }
    }

    /// There was nothing to send: the template failed.
    pub(super) fn unrendered(delivery: &Delivery, began: Began, words: &str) -> Self {
        let words = Some(words.chars().take(WORDS_LIMIT).collect());
        let attempt = Attempt { words, ..began.attempt(delivery, Some(Reason::Render)) };
        Self { attempt: Some(attempt), ..Self::uncalled(Next::Dead(Reason::Render)) }
    }

    /// The destination took it.
    pub(super) fn taken(delivery: &Delivery, began: Began, sent: &Sent, message: MessageChange) -> Self {
        let attempt = Attempt { status: Some(sent.status), ..began.attempt(delivery, None) };
        Self {
            attempt: Some(attempt),
            pause: sent.pause,
            sign: Sign::Takes,
            message,
            in_doubt: Some(false),
            doubt: sent.doubt,
            called: true,
            ..Self::uncalled(Next::Delivered)
        }
    }

    /// The destination did not take it, or is not known to have.
    pub(super) fn refused(
        delivery: &Delivery,
        began: Began,
        failure: &Failure<'_>,
        settings: &DeliveryConfig,
    ) -> Self {
        let error = failure.error;
        let attempt = Attempt {
            status: error.status,
            words: error.words.clone(),
            ..began.attempt(delivery, Some(error.reason))
        };
        // Who asks for fewer calls without saying for how long is left alone for the shortest pause there is.
        let says_when = error.retry_after.is_some_and(|wait| !wait.is_zero());
        let limited = (error.reason == Reason::RateLimited && !says_when).then_some(settings.retry_min);
        Self {
            attempt: Some(attempt),
            hold: error.retry_after.map(|hold| bearable(hold, settings)),
            pause: limited,
            gone: error.verdict == Verdict::Gone,
            sign: Sign::of(error),
            message: if error.verdict == Verdict::Afresh { MessageChange::Lost } else { MessageChange::None },
            in_doubt: Some(delivery.in_doubt || error.in_doubt),
            doubt: error.doubt,
            called: true,
            ..Self::uncalled(backoff::next(delivery, failure, settings))
        }
    }

    /// The relay stops in the middle of the call, which may leave it in doubt whether the message arrived.
    pub(super) fn interrupted(delivery: &Delivery, began: Began, now: Timestamp, in_doubt: bool) -> Self {
        let again = Next::Retry { due_at: now, counted: false, rung: delivery.rung };
        let attempt = began.attempt(delivery, Some(Reason::Shutdown));
        let in_doubt = Some(delivery.in_doubt || in_doubt);
        Self { attempt: Some(attempt), called: true, in_doubt, ..Self::uncalled(again) }
    }

    /// Names the template by which the message was made, where it is the team's own.
    pub(super) fn by(self, template: Option<String>) -> Self {
        Self { attempt: self.attempt.map(|attempt| Attempt { template, ..attempt }), ..self }
    }

    /// Says what it was about.
    pub(super) fn of(self, subject: Subject) -> Self {
        Self { run: subject.run, received_at: subject.received_at, ..self }
    }

    /// Closes the destination for all others, where the answer said so.
    ///
    /// What the desk makes of it is written down, too: a destination that keeps refusing is left alone.
    pub(super) fn tell(
        &mut self,
        desk: &Desk,
        delivery: &DeliveryId,
        settings: &DeliveryConfig,
        now: Instant,
    ) {
        match self.sign {
            Sign::None => {}
            Sign::Takes => desk.note_taken(now),
            Sign::Refuses(reason) => {
                self.hold = self.hold.max(desk.note_refused(delivery, reason, settings, now));
            }
        }
        if let Some(hold) = self.hold {
            desk.hold(hold, now);
        }
        if let Some(pause) = self.pause {
            desk.pause(bearable(pause, settings), now);
        }
        if self.gone {
            desk.close();
        }
    }

    /// Returns what is to be written down of a delivery that was in doubt, or not, before.
    pub(super) fn record(self, ticket: DeliveryTicket, was_in_doubt: bool, now: Timestamp) -> Record {
        let destination = match self.hold {
            _ if self.gone => DestinationChange::Gone,
            Some(hold) => DestinationChange::HeldUntil(after(now, hold)),
            None => DestinationChange::None,
        };
        Record {
            ticket,
            attempt: self.attempt,
            next: self.next,
            destination,
            message: self.message,
            in_doubt: self.in_doubt.unwrap_or(was_in_doubt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::dispatch::tests::{delivery, settings, start};
    use crate::notify::SendError;

    const TICKET: DeliveryTicket = DeliveryTicket { number: 1, fence: 1 };

    fn began() -> Began {
        Began::now(&SteadyClock::new(Clock::from_fn(start)))
    }

    fn refused(verdict: Verdict, reason: Reason, retry_after: Option<Duration>) -> Record {
        let error = SendError {
            reason,
            verdict,
            status: Some(418),
            words: Some("no tea here".to_owned()),
            retry_after,
            in_doubt: false,
            doubt: None,
        };
        let failure = Failure { error: &error, next_rung: None, now: start(), jitter: 0.0 };
        Finish::refused(&delivery("d"), began(), &failure, &settings()).record(TICKET, false, start())
    }

    #[test]
    fn a_template_error_is_on_record_with_its_words_and_is_final() {
        let words = "é".repeat(600);
        let record = Finish::unrendered(&delivery("d"), began(), &words).record(TICKET, false, start());

        let attempt = record.attempt.expect("it is on record");
        assert_eq!((attempt.reason, attempt.status), (Some(Reason::Render), None));
        assert_eq!(attempt.words, Some("é".repeat(WORDS_LIMIT)));
        assert_eq!(record.next, Next::Dead(Reason::Render));
        assert_eq!(record.destination, DestinationChange::None);
    }

    #[test]
    fn a_refusal_is_on_record_with_the_platforms_words() {
        let record = refused(Verdict::GiveUp, Reason::Auth, None);

        let attempt = record.attempt.expect("it is on record");
        assert_eq!((attempt.reason, attempt.status), (Some(Reason::Auth), Some(418)));
        assert_eq!(attempt.words.as_deref(), Some("no tea here"));
        assert_eq!(record.next, Next::Dead(Reason::Auth));
    }

    #[test]
    fn the_destinations_wish_to_be_left_alone_is_written_down() {
        let minute = Duration::from_mins(1);
        let record = refused(Verdict::RetryUncounted, Reason::RateLimited, Some(minute));

        assert_eq!(record.destination, DestinationChange::HeldUntil(after(start(), minute)));
    }

    #[test]
    fn a_wish_of_years_is_kept_for_a_day() {
        let record = refused(Verdict::RetryUncounted, Reason::RateLimited, Some(Duration::MAX));

        let day = Duration::from_hours(24);
        assert_eq!(record.destination, DestinationChange::HeldUntil(after(start(), day)));
        assert_eq!(record.next, Next::Dead(Reason::RateLimited));
    }

    #[test]
    fn a_destination_that_no_longer_exists_is_written_down_as_gone() {
        let record = refused(Verdict::Gone, Reason::Gone, Some(Duration::from_secs(1)));

        assert_eq!(record.destination, DestinationChange::Gone);
        assert_eq!(record.next, Next::Dead(Reason::Gone));
    }
}
