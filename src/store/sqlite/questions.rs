//! What people read, as questions to the readers. What a message needs, too, is asked at once; the rest in turn.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Store, delivery_page, digest, export, forget, history, issue, listing, replay, report, story};
use crate::delivery::{DeliveryId, DestinationName};
use crate::event::{GroupId, Organization};
use crate::render::digest::Digest;
use crate::store::{
    Backlog, Choices, Cursor, DeliveryFilter, DeliveryRow, EventHistory, ExportFilter, ExportPage, FindError,
    Forgotten, History, KeptIssue, Page, Pulse, Report, ReportFilter, RunFilter, RunHistory, RunNumber,
    RunRow, StoreError, Stretch, Tale, Told, Wanted,
};

#[async_trait]
impl History for Store {
    async fn stories(&self, wanted: &[Wanted], most_bytes: usize) -> Result<Vec<Option<Told>>, StoreError> {
        let wanted = wanted.to_owned();
        let read = move |connection: &rusqlite::Connection| {
            wanted.iter().map(|wanted| story::of_event(connection, wanted, most_bytes)).collect()
        };
        self.readers.run(read).await
    }

    async fn digest(&self, delivery: &DeliveryId) -> Result<Option<Digest>, StoreError> {
        let delivery = delivery.clone();
        self.readers.run(move |connection| digest::read(connection, &delivery)).await
    }

    async fn issue(
        &self,
        organization: &Organization,
        group: &GroupId,
    ) -> Result<Option<KeptIssue>, StoreError> {
        let (organization, group) = (organization.clone(), group.clone());
        let kept = self.readers.run(move |connection| issue::read(connection, &organization, &group)).await?;
        Ok(kept.map(|(kept, _)| kept))
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.readers.run_in_turn(move |connection| history::runs(connection, limit)).await
    }

    async fn find_runs(
        &self,
        filter: RunFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<RunRow>, StoreError> {
        self.readers.run_in_turn(move |connection| listing::runs(connection, &filter, after, limit)).await
    }

    async fn choices(&self) -> Result<Choices, StoreError> {
        self.readers.run_in_turn(listing::choices).await
    }

    async fn catalogue_lag(&self) -> Result<u64, StoreError> {
        self.readers.run_in_turn(listing::behind).await
    }

    async fn run(&self, name: &str) -> Result<RunHistory, FindError> {
        let name = name.to_owned();
        self.readers.run_in_turn(move |connection| history::run(connection, &name)).await?
    }

    async fn event(&self, name: &str) -> Result<EventHistory, FindError> {
        let name = name.to_owned();
        self.readers.run_in_turn(move |connection| history::event(connection, &name)).await?
    }

    async fn runs_since(&self, since: Timestamp) -> Result<Vec<RunNumber>, StoreError> {
        self.readers.run_in_turn(move |connection| history::runs_since(connection, since)).await
    }

    async fn tales(&self, runs: &[RunNumber]) -> Result<Vec<Tale>, StoreError> {
        let runs = runs.to_vec();
        self.readers.run_in_turn(move |connection| history::tales(connection, &runs)).await
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<DeliveryRow>, StoreError> {
        let read = move |connection: &rusqlite::Connection| {
            delivery_page::deliveries(connection, &filter, after, limit, now)
        };
        self.readers.run_in_turn(read).await
    }

    async fn report(&self, filter: ReportFilter) -> Result<Report, StoreError> {
        self.counter.run(move |connection| report::read(connection, &filter)).await
    }

    async fn begin_export(&self, filter: ExportFilter) -> Result<Stretch, StoreError> {
        self.readers.run_in_turn(move |connection| export::begin(connection, &filter)).await
    }

    async fn export(&self, filter: ExportFilter, stretch: Stretch) -> Result<ExportPage, StoreError> {
        self.readers.run_in_turn(move |connection| export::page(connection, &filter, stretch)).await
    }

    async fn forgotten(&self, name: Option<String>) -> Result<Vec<Forgotten>, StoreError> {
        self.readers.run_in_turn(move |connection| forget::list(connection, name.as_deref())).await
    }

    async fn dead_letters(
        &self,
        destination: Option<DestinationName>,
    ) -> Result<Vec<(DestinationName, u64)>, StoreError> {
        self.readers.run_in_turn(move |connection| replay::count_dead(connection, destination.as_ref())).await
    }

    async fn pulse(&self) -> Result<Pulse, StoreError> {
        self.readers.run_in_turn(listing::pulse).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.readers.run_in_turn(history::backlog).await
    }
}
