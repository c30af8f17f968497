//! Any sequence of events, mutes, merges, claims, ends and restarts leaves every lane with one delivery that is due: the
//! oldest. Nothing is stuck, and nothing is sent twice, out of order, or before its mute is over.

use std::collections::HashMap;

use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;
use seer_relay::delivery::{Muting, Reason};
use seer_relay::event::EventId;
use seer_relay::store::{DeliveryClaim, Next, Plan, ReplayTarget, WaitingEvent};

use super::bench::{Bench, at, config, plan, retry_at, webhook};

#[derive(Debug, Clone)]
enum Step {
    /// An event comes in that shows a run id, a Sentry run id, or both.
    Accept(Option<u8>, Option<u8>),
    ReadEvents,
    Plan,
    /// The same, held back for so many seconds.
    PlanMuted(i64),
    ClaimDeliveries,
    /// One of those that are out, and how it ends.
    End(prop::sample::Index, u8),
    ReplayDead,
    /// So many seconds go by.
    Wait(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || prop::option::of(0..4_u8);
    let step = prop_oneof![
        6 => (id(), id()).prop_map(|(run, sentry_run)| Step::Accept(run, sentry_run)),
        3 => Just(Step::ReadEvents),
        3 => Just(Step::Plan),
        1 => (1..300_i64).prop_map(Step::PlanMuted),
        4 => Just(Step::ClaimDeliveries),
        8 => (any::<prop::sample::Index>(), 0..5_u8).prop_map(|(which, end)| Step::End(which, end)),
        1 => Just(Step::ReplayDead),
        2 => (1..90_i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

fn muted_plan(event: &WaitingEvent, until: Timestamp) -> Plan {
    let mut plan = plan(event, &["audit"]);
    for delivery in &mut plan.deliveries {
        let by = vec!["nights".to_owned()];
        delivery.muting = Some(Muting { by, until, timezone: "UTC".to_owned(), dropped: false });
    }
    plan
}

/// What a dispatcher would hold in its hands.
struct Play {
    bench: Bench,
    now: i64,
    accepted: Vec<EventId>,
    to_plan: Vec<WaitingEvent>,
    out: Vec<DeliveryClaim>,
    delivered: HashMap<EventId, u32>,
}

impl Play {
    async fn step(mut self, step: Step) -> Self {
        match step {
            Step::Accept(run, sentry_run) => {
                let number = self.accepted.len();
                let mut event = webhook("coding_started").with("n", number.into()).at(self.now);
                if let Some(run) = run {
                    event = event.run(&run.to_string());
                }
                if let Some(sentry_run) = sentry_run {
                    event = event.sentry_run(&format!("s{sentry_run}"));
                }
                self.accepted.push(self.bench.accept(event).await);
            }
            Step::ReadEvents => self.to_plan.extend(self.bench.waiting_events().await),
            Step::Plan => {
                let plans = self.to_plan.drain(..).map(|event| plan(&event, &["audit"])).collect();
                self.bench.store.plan(plans, at(self.now)).await.unwrap();
            }
            Step::PlanMuted(seconds) => {
                let until = at(self.now + seconds);
                let plans = self.to_plan.drain(..).map(|event| muted_plan(&event, until)).collect();
                self.bench.store.plan(plans, at(self.now)).await.unwrap();
            }
            Step::ClaimDeliveries => self.out.extend(self.bench.claim(self.now, "audit").await),
            Step::End(which, end) => self.end(which, end).await,
            Step::ReplayDead => {
                let target = ReplayTarget::Dead { destination: None, since: None };
                self.bench.store.replay(target, at(self.now)).await.unwrap();
            }
            Step::Wait(seconds) => self.now += seconds,
            Step::Restart => self.bench = self.bench.restart().await,
        }
        self
    }

    async fn end(&mut self, which: prop::sample::Index, end: u8) {
        if self.out.is_empty() {
            return;
        }
        let claim = self.out.remove(which.index(self.out.len()));
        let next = match end {
            0 => Next::Dead(Reason::ServerError),
            1 => retry_at(self.now + 20),
            2 => Next::GivenBack,
            _ => Next::Delivered,
        };
        if self.bench.record(&claim, self.now, next.clone()).await == seer_relay::store::Recorded::Done
            && next == Next::Delivered
        {
            *self.delivered.entry(claim.delivery.event_id).or_default() += 1;
        }
    }

    /// Looks into the file: the oldest unfinished delivery of each lane is due, and no other.
    fn check_lanes(&self) {
        let connection = Connection::open(config(&self.bench.folder).path).unwrap();
        let wrong: Vec<(i64, Option<i64>)> = connection
            .prepare(
                "SELECT number, due_at FROM delivery d WHERE state = 'waiting' AND (due_at IS NOT NULL) <> (number = (
                     SELECT min(number) FROM delivery WHERE run_number = d.run_number AND state = 'waiting'
                                                        AND destination_id = d.destination_id))
                 UNION ALL
                 SELECT number, due_at FROM delivery WHERE state <> 'waiting' AND (due_at OR lease_until) IS NOT NULL
                 UNION ALL
                 SELECT number, due_at FROM delivery WHERE state = 'waiting' AND due_at < held_until
                 UNION ALL
                 SELECT d.number, d.due_at FROM delivery d JOIN event e ON e.sequence = d.event_sequence
                 WHERE e.run_number <> d.run_number",
            )
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(wrong, [], "deliveries that should be due and are not, or the other way round");
    }

    /// Lets all leases and retries run out and delivers the rest.
    async fn finish(mut self) {
        self.now += 1000;
        self.bench.plan(self.now, &["audit"]).await;
        for event in self.bench.deliver_all(self.now, "audit").await {
            *self.delivered.entry(event).or_default() += 1;
        }
        let rows = self.bench.deliveries(self.now).await;
        let dead =
            |event: &EventId| rows.iter().any(|row| row.event_id == *event && row.last_reason.is_some());
        for event in &self.accepted {
            let times = self.delivered.get(event).copied().unwrap_or_default();
            assert!(times == 1 || (times == 0 && dead(event)), "{event} was delivered {times} times");
        }
        self.check_lanes();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_lane_has_its_oldest_delivery_due_and_no_other(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut play = Play {
                bench: Bench::new().await,
                now: 0,
                accepted: Vec::new(),
                to_plan: Vec::new(),
                out: Vec::new(),
                delivered: HashMap::new(),
            };
            for step in steps {
                play = play.step(step).await;
                play.check_lanes();
            }
            play.finish().await;
        });
    }
}
