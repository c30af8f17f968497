//! A ledger: what a destination got of a load, read as it comes, and held against what was acknowledged.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::{Answered, PATIENCE, Receiver};

/// The ledger of one receiver.
pub(crate) struct Ledger<'a> {
    receiver: &'a Receiver,
    read: usize,
    arrived: HashSet<u64>,
    /// How often each delivery was taken, by its id.
    deliveries: HashMap<String, usize>,
    last_of_run: HashMap<u64, u64>,
    out_of_order: Vec<(u64, u64)>,
}

impl<'a> Ledger<'a> {
    /// Opens the ledger of a receiver that gets what a `webhook` destination gets.
    pub(crate) fn of(receiver: &'a Receiver) -> Self {
        Self {
            receiver,
            read: 0,
            arrived: HashSet::new(),
            deliveries: HashMap::new(),
            last_of_run: HashMap::new(),
            out_of_order: Vec::new(),
        }
    }

    /// Reads what has come meanwhile.
    pub(crate) fn read(&mut self) {
        let new = self.receiver.received_after(self.read);
        self.read += new.len();
        for each in new.iter().filter(|each| each.taken) {
            let body = each.json();
            let data = &body["data"]["payload"]["data"];
            let (run, number) = (data["run_id"].as_u64().unwrap(), data["number"].as_u64().unwrap());
            *self.deliveries.entry(each.header("webhook-id").unwrap().to_owned()).or_default() += 1;
            if self.arrived.insert(number)
                && let Some(last) = self.last_of_run.insert(run, number)
                && last > number
            {
                self.out_of_order.push((run, number));
            }
        }
    }

    /// Waits until everything that was accepted has arrived; then nothing refused may have, and each run in order.
    pub(crate) async fn settles(&mut self, answered: &Answered) {
        let mut missing: HashSet<u64> = answered.accepted.iter().copied().collect();
        let mut moved_at = Instant::now();
        loop {
            let before = self.read;
            self.read();
            missing.retain(|number| !self.arrived.contains(number));
            if missing.is_empty() {
                break;
            }
            if self.read > before {
                moved_at = Instant::now();
            }
            let rest = PATIENCE.saturating_sub(moved_at.elapsed());
            let more = tokio::time::timeout(rest, self.receiver.more_than(self.read)).await;
            assert!(more.is_ok(), "{} of {} never came: {missing:?}", missing.len(), answered.accepted.len());
        }
        let wrong: Vec<_> = answered.refused.iter().filter(|number| self.arrived.contains(number)).collect();
        assert!(wrong.is_empty(), "refused, and delivered all the same: {wrong:?}");
        assert!(self.out_of_order.is_empty(), "out of order (run, number): {:?}", self.out_of_order);
    }

    /// Returns the deliveries that were taken more than once, and how often too many.
    pub(crate) fn repeated(&self) -> HashMap<&str, usize> {
        let repeated = self.deliveries.iter().filter(|(_, count)| **count > 1);
        repeated.map(|(id, count)| (id.as_str(), count - 1)).collect()
    }
}
