//! `seer-relay`: receives Sentry's Seer webhooks, stores them before it answers, and tells the right people.
//!
//! This page is the architecture. Read it first; then read the modules in the order in which they are listed below.
//!
//! # Path of a webhook
//!
//! ```text
//! Sentry ── POST ─▶ http/webhook ─▶ sentry/signature ─▶ sentry/payload ─▶ Queue::accept ─▶ 202
//!                                                                              │ durable
//!                              dispatch ◀── Queue::waiting_events ─────────────┘
//!                                  ├─▶ lookup ─▶ sentry/api ─▶ Queue::keep_issue     where there is a token
//!                                  └─▶ routing ─▶ Queue::plan             one row per destination, or "no route"
//!                              dispatch ◀── Queue::claim_deliveries       lease, attempt n
//!                                  └─▶ render ─▶ Notifier::send ─▶ backoff::next ─▶ Queue::record
//!                              dispatch ◀── Queue::silent_runs            nothing was heard for long
//!                                  └─▶ lookup ─▶ sentry/api ─▶ Queue::settle_look     a notice waits like a webhook
//!                              dispatch ─▶ Queue::hand_over               what was not taken in time, to the fallback
//! cli, http/api, http/pages ◀── History                                   runs, deliveries, attempts, reasons
//! ```
//!
//! Take a `pr_created`. [`http`] reads the body within its limits; [`sentry::signature`] finds the organization whose
//! client secret signed it; [`sentry::payload`] makes one [`event::Event`] of either payload shape, or of Sentry's alert
//! on the same step, which describes the [`issue::Issue`] too;
//! [`store::Queue::accept`] commits it, and only then is Sentry answered 202. From here on no message depends on Sentry.
//! [`dispatch`] reads the event with what is kept of its issue, and wishes for that where it is nothing or old: then
//! [`dispatch::lookup`] asks [`sentry::api`], at Sentry's pace, and keeps the answer. It folds the event's run
//! ([`run::Run`]), asks [`routing`] for destinations and queues one [`delivery::Delivery`] for each. It claims those that are due, renders each from today's templates ([`render`]
//! makes a [`message::Message`]), lets the destination's [`notify::Notifier`] turn it into a request, and writes down
//! what became of it together with what happens next.
//!
//! A run that fails, or waits for somebody, sends nothing. [`dispatch`] looks at the runs that have fallen silent, and asks
//! [`sentry::api`] about them where there is a token; what it learns, or that it learns nothing, becomes a notice, an event
//! of the relay's own, and goes the same way from the store on. So does that no webhook of an organization comes any more:
//! [`http`] notes what it hears in [`telemetry`], and [`dispatch`] when that was too long ago.
//!
//! Where a destination keeps cards, the event becomes a delivery of its run's card, in the place of one that still waits,
//! and where it is announced another one behind it. The card is rendered from the run as it is then ([`store::Reach`]),
//! and the [`notify::Envelope`] says whether it is posted or takes the place of the message that the store remembers. A
//! claim leaves each delivery in doubt until an answer is written down, so that after a crash a message is looked for
//! before it is sent again.
//!
//! One function decides where an event goes, [`routing::RoutingTable::route`], whoever asks: the dispatcher, `route`,
//! `backtest`. What its conditions said is kept with the event, in a few letters, and the table itself once for all
//! events that were routed by it; so `explain` tells what was decided then, whatever the routes are now, by reading the same table with the
//! answers that were kept.
//!
//! A route may be muted at times ([`routing::mute`]): what it would send is planned all the same, and is due when the mute
//! is over, or on record as dropped. Whom a route mentions is planned with the delivery, stands in its envelope, and is put
//! above the text by the notifier.
//!
//! Where a destination has a digest, the first event opens one: its delivery is due when the digest's time is over, and the
//! deliveries of what comes until then join it and are needless by themselves. Once it is claimed nothing joins it any
//! more, unless it is known not to have arrived; what it tells is read from the store then ([`store::History::digest`]).
//!
//! What a destination refuses for good goes to its fallback in the transaction that makes a dead letter of it, and what
//! it does not take in time is handed over by [`dispatch`]: each becomes a delivery of the same event there, which knows
//! what it stands for. That a destination takes nothing is told as a notice, too, of no run.
//!
//! On SIGHUP [`app`] has [`check`] load the configuration anew, on a thread of its own. Where it has no fault, it becomes a
//! [`dispatch::Rules`] and an [`http::Policy`], each one value that is replaced as one: whoever needs it takes it once for
//! a step, a batch of plans, an attempt or a request, and ends that step by it. What goes on at a destination's address,
//! its open requests, its pace and its pauses, is no part of the rules and goes on under the next ones.
//!
//! What people look at in a browser is written by `http/pages` from [`store::History`], page by page; an open page is told
//! that there is something new by one question to the store a second for all of them, and asks for itself again. It is read
//! and written in turn, by threads that let whoever answers webhooks go first ([`threads`]). What they
//! ask for there, a replay or a test, goes to [`store::Queue`] and [`notify::trial`] as a command's would; a message that
//! was sent is drawn again from the stored events with today's templates, by [`preview`].
//!
//! A signature that does not hold is answered before anybody asks why. What [`sentry::diagnosis`] finds afterwards goes to
//! the log and the metrics alone; [`doctor`] reads it there, beside whatever else it looks at.
//!
//! What is kept can be taken away, page after page ([`store::History::export`]), and counted ([`store::History::report`]),
//! one report at a time beside everything else that reads; a page that shows one begins before it is counted.
//! Runs go when their retention is over, payloads before them ([`store::Queue::strip`]), and at any time what somebody wants
//! forgotten ([`store::Queue::forget`]).
//!
//! Data goes right and down; nothing calls back. Routing comes after storing, so that a wrong route loses nothing and
//! `replay` can route anew; rendering happens at each attempt, so that a mended template mends its dead letters.
//!
//! # Who may import whom
//!
//! A file imports only from lower ranks or its own family; equal ranks do not import each other. `tests/it/house.rs`
//! reads every path that leads through `crate` and names the file and line that breaks this.
//!
//! | rank | modules |
//! | --- | --- |
//! | 0 | [`event`], [`clock`], [`secret`], [`json`], [`sheet`], [`threads`], [`words`], [`client`] |
//! | 1 | [`run`], [`issue`], [`delivery`], [`message`] |
//! | 2 | [`sentry`], [`routing`], [`render`], [`sample`] (which may use [`sentry`]), [`preview`]: pure, no clock, no I/O after loading (but for `sentry/api`); [`telemetry`] |
//! | 3 | [`store`], [`notify`]: the ports and their adapters |
//! | 4 | [`http`], [`dispatch`]: the two drivers |
//! | 5 | [`config`] |
//! | 6 | [`check`] |
//! | 7 | [`app`] |
//! | 8 | [`demo`], [`doctor`] |
//! | 9 | [`cli`], with `main` on top |
//!
//! # Invariants
//!
//! 1. [`http`] and [`dispatch`] never call each other; they meet in the store. A wake-up signal is handed to both by
//!    [`app`]; polling works without it.
//! 2. A webhook is answered 2xx only after its event is committed, and nothing but verify, parse and one insert happens
//!    before. While the store cannot write, the answer is 503.
//! 3. [`store::Queue::accept`] takes only a [`sentry::payload::AcceptedEvent`], which is made only from a
//!    [`sentry::signature::VerifiedWebhook`], which only [`sentry::signature::verify`] makes. The relay's own notices have
//!    [`store::Queue::settle_look`], which adds them to a run that the store has, and to no other, and
//!    [`store::Queue::settle_hearing`], [`store::Queue::settle_health`] and [`store::Queue::tell_dead`], whose notices are
//!    about no run; they have no payload.
//! 4. No database transaction is open while a network call runs: claim by lease, send, record.
//! 5. One step, one transaction: an attempt and what happens next are written together, and only while the lease is
//!    still ours. The lease is longer than the longest attempt that the settings allow.
//! 6. Only `store` knows SQL, only `client` hyper, only `http` and `demo` (and `app`, which binds) actix, only
//!    `config/environment` the environment, only `main` exit codes. Commands return what `main` prints; the demo alone
//!    writes to standard output as it plays, and `export` as it reads.
//! 7. A secret never reaches a log, an error text, `--json` or the store in clear; addresses of destinations are secrets.
//! 8. At least once: the delivery's id goes with each attempt, so that a destination can drop repeats.
//! 9. A trait exists only where two implementations do or are planned ([`store::Queue`], [`store::History`],
//!    [`notify::Notifier`]). Time is a value: functions take `now`.
//! 10. [`delivery::Reason`] is a closed set, at once the enum, the metric's label and the history's word.

pub mod client;
pub mod clock;
pub mod event;
pub mod json;
pub mod secret;
pub mod sheet;
pub mod threads;
pub mod words;

pub mod delivery;
pub mod issue;
pub mod message;
pub mod run;

pub mod preview;
pub mod render;
pub mod routing;
pub mod sample;
pub mod sentry;
pub mod telemetry;

pub mod notify;
pub mod store;

pub mod dispatch;
pub mod http;

pub mod config;

pub mod check;

pub mod app;

pub mod demo;
pub mod doctor;

pub mod cli;
