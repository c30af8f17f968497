//! What goes before its time: payloads and diffs, and what somebody wants forgotten. Here are the steps of each; what one
//! does stands in `strip` and `forget`.

use jiff::Timestamp;

use super::{Store, checkpoint, forget, prune, strip, unhurried, writer::Writing};
use crate::store::{Doomed, FindError, ForgetEnd, ForgetTarget, Queue, StoreError};

impl Store {
    /// Removes payloads and diffs that are old, in small steps.
    pub(super) async fn strip_old(&self, before: Timestamp) -> Result<usize, StoreError> {
        let (mut stripped, mut from) = (0, 0);
        while let Some(step) = self.readers.run(move |connection| strip::look_again(connection, from)).await?
        {
            from = step.next;
            stripped += self.strip_step(step).await?;
        }
        loop {
            let step = self.readers.run(move |connection| strip::look_further(connection, before)).await?;
            if step.is_over() {
                return Ok(stripped);
            }
            stripped += self.strip_step(step).await?;
        }
    }

    /// Takes a step of stripping, in as many transactions as it needs; returns how many events lost something.
    async fn strip_step(&self, mut step: strip::Step) -> Result<usize, StoreError> {
        let mut stripped = 0;
        while !step.is_over() {
            let taken = move |writing: &mut Writing<'_>| {
                // It may have to be done again, from the beginning.
                let mut rest = step.clone();
                let stripped = strip::take(writing, &mut rest)?;
                Ok((rest, stripped))
            };
            let (rest, some) = unhurried(self.writer.run(taken)).await?;
            step = rest;
            stripped += some;
        }
        Ok(stripped)
    }

    /// Finds what would be removed for good.
    pub(super) async fn find_doomed(&self, target: ForgetTarget) -> Result<Doomed, FindError> {
        if matches!(target, ForgetTarget::Repo(_)) {
            // Runs are found by the catalogue, which may be behind.
            while self.catalogue().await? {}
        }
        self.readers.run(move |connection| forget::find(connection, &target)).await?
    }

    /// Removes runs for good, in small steps.
    pub(super) async fn remove_for_good(
        &self,
        doomed: Doomed,
        now: Timestamp,
    ) -> Result<ForgetEnd, StoreError> {
        let Doomed { target, runs, .. } = doomed;
        let number = self.writer.run(move |writing| forget::begin(writing, &target, now)).await?;
        for run in runs {
            while !unhurried(self.writer.run(move |writing| forget::remove(writing, number, run, now)))
                .await?
            {}
        }
        self.writer.run(forget::search::begin).await?;
        let mut is_first = true;
        while unhurried(self.writer.run(move |writing| forget::search::go_on(writing, is_first))).await? {
            is_first = false;
        }
        self.writer.run(forget::search::end).await?;
        while unhurried(self.writer.run(|writing| prune::shrink(writing, 0))).await? {}
        let is_overwritten = self.empty_log().await?;
        let forgotten = self.readers.run(move |connection| forget::of_number(connection, number)).await?;
        Ok(ForgetEnd { forgotten, is_overwritten })
    }

    /// Empties the log; returns whether it is empty: not where somebody reads all the while.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        let path = self.path.clone();
        let emptied = tokio::task::spawn_blocking(move || checkpoint::empty(&path));
        emptied
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("emptying its log was interrupted".to_owned())))
    }
}
