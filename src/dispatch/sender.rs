//! The loop that takes deliveries to their destinations: claim what is due, and start a task for each.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::board::{Ask, Board, Report, Seat, Seated};
use super::deliver::{Courier, Job, deliver};
use super::outage::Pauses;
use super::regime::Regime;
use super::stories::{Stories, TOGETHER};
use super::{POLL, Shared, overdue};
use crate::store::DeliveryClaim;

/// How long interrupted attempts may take to be written down.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// The loop and what it owns.
pub(super) struct Sender {
    shared: Arc<Shared>,
    courier: Arc<Courier>,
    /// What is in force for what is claimed.
    regime: Arc<Regime>,
    /// Says when something else is.
    regimes: watch::Receiver<Arc<Regime>>,
    board: Board,
    reports: mpsc::UnboundedReceiver<Report>,
    quit: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// When the store is to be asked next what it remembers.
    poll_at: Instant,
    /// The question to the store that was asked last: one at a time, so that no older answer comes after a newer one.
    poll: Option<AbortHandle>,
    pauses: Pauses,
}

impl Sender {
    /// Sets the loop up.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        let (report, reports) = mpsc::unbounded_channel();
        let (quit, quitting) = watch::channel(false);
        let courier = Courier { shared: Arc::clone(&shared), quit: quitting, reports: report };
        let mut regimes = shared.regime.subscribe();
        let regime = Arc::clone(&regimes.borrow_and_update());
        let board = Board::new(&regime, now);
        Self {
            shared,
            courier: Arc::new(courier),
            regime,
            regimes,
            board,
            reports,
            quit,
            tasks: JoinSet::new(),
            poll_at: now,
            poll: None,
            pauses: Pauses::default(),
        }
    }

    /// Sends what is due until `stopped` turns true; then lets attempts under way end, interrupts those that do not,
    /// and writes down what became of them.
    pub(super) async fn run(mut self, stopped: watch::Receiver<bool>) {
        let overdue = overdue(stopped.clone(), Arc::clone(&self.shared));
        tokio::select! {
            () = self.work(stopped) => {}
            () = overdue => {}
        }
        self.board.close_slots();
        self.quit.send_replace(true);
        let _ = timeout(LAST_WORDS, self.finish_tasks()).await;
        self.tasks.abort_all();
    }

    async fn work(&mut self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let now = self.listen();
            if self.poll_at <= now {
                self.poll(now);
            }
            let (asks, wake_at) = self.board.asks(now);
            if asks.is_empty() {
                let wake_at = wake_at.map_or(self.poll_at, |wake_at| wake_at.min(self.poll_at));
                tokio::select! {
                    Some(report) = self.reports.recv() => self.board.hear(report, Instant::now()),
                    () = self.shared.planned.notified() => {}
                    Ok(()) = self.regimes.changed() => self.regimes.mark_changed(),
                    () = sleep_until(wake_at) => {}
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
            } else {
                self.claim(&asks, &mut stopped).await;
            }
        }
        self.board.close_slots();
        self.finish_tasks().await;
    }

    /// Notes everything that happened since the last time.
    fn listen(&mut self) -> Instant {
        let now = Instant::now();
        while let Ok(report) = self.reports.try_recv() {
            self.board.hear(report, now);
        }
        if self.regimes.has_changed().unwrap_or_default() {
            self.regime = Arc::clone(&self.regimes.borrow_and_update());
            self.board.change(&self.regime, now);
            self.poll_at = now;
        }
        self.board.hear_announcements(now);
        while let Some(ended) = self.tasks.try_join_next() {
            note_panic(ended);
        }
        if self.shared.take_look_everywhere() {
            self.poll_at = now;
        }
        now
    }

    /// Asks the store, beside the loop, what it remembers of destinations: whether one is back, and which have
    /// deliveries that another process queued.
    fn poll(&mut self, now: Instant) {
        self.poll_at = now + POLL;
        if self.poll.as_ref().is_some_and(|poll| !poll.is_finished()) {
            return;
        }
        let (courier, asked) = (Arc::clone(&self.courier), self.board.question(now));
        self.poll = Some(self.tasks.spawn(async move {
            match courier.shared.queue.destinations().await {
                Ok(statuses) => {
                    let _ = courier.reports.send(Report::Known { statuses, asked });
                }
                Err(error) => courier.shared.outage.failed(&error),
            }
        }));
    }

    async fn claim(&mut self, asks: &[Ask], stopped: &mut watch::Receiver<bool>) {
        let claimed_at = Instant::now();
        let open = self.board.begin(asks);
        let claims =
            self.shared.queue.claim_deliveries(open, self.shared.clock.steady(), self.regime.lease).await;
        let claims = match claims {
            Ok(claims) => claims,
            Err(error) => {
                self.shared.outage.failed(&error);
                self.board.undo(asks, Instant::now());
                tokio::select! {
                    () = sleep(self.pauses.next_pause()) => {}
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
                return;
            }
        };
        self.shared.outage.worked();
        self.pauses = Pauses::default();
        let mut seated = self.board.seat(asks, claims, &self.shared.clock).into_iter().peekable();
        while seated.peek().is_some() {
            self.start(seated.by_ref().take(TOGETHER).collect(), claimed_at);
        }
    }

    /// Starts a task for each of these deliveries.
    fn start(&mut self, together: Vec<(DeliveryClaim, Seated)>, claimed_at: Instant) {
        let deliveries: Vec<_> = together.iter().map(|(claim, _)| &claim.delivery).collect();
        let tickets = Stories::tickets(&deliveries, &self.shared.shelf);
        for ((claim, seated), story) in together.into_iter().zip(tickets) {
            let seat = Seat::new(seated.number, self.courier.reports.clone());
            let regime = Arc::clone(&self.regime);
            let job = Job { claim, regime, desk: seated.desk, seat, story, paid: seated.paid, claimed_at };
            self.tasks.spawn(deliver(Arc::clone(&self.courier), job));
        }
    }

    async fn finish_tasks(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            note_panic(ended);
        }
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a delivery broke off; it is tried again when its lease has run out");
    }
}
