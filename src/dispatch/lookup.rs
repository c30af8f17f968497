//! Look-ups: what Sentry knows of issues, asked once however many events want it, at Sentry's pace.
//!
//! The planner wishes for an issue and reads the answer from the store; it is woken when there is one, or when it is
//! certain that none comes now. How long an event waits for it is the planner's business alone. Memory is bounded: a
//! wish that does not fit is not asked now.

mod desk;
mod keeper;
mod voice;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::desk::{Desk, Step, Wish};
use self::keeper::End;
use super::moment::between;
use crate::client::HttpClient;
use crate::clock::Clock;
use crate::event::{GroupId, Organization};
use crate::issue::Issue;
use crate::sentry::OrganizationConfig;
use crate::sentry::api::{Answered, ApiError, Autofix, SentryApi};
use crate::store::{History, IssueSource, KeptIssue, Queue};
use crate::telemetry::Metrics;

/// How long a question about a run waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// An organization that can be asked.
#[derive(Debug, Clone)]
pub struct Source {
    /// Who answers.
    pub api: SentryApi,
    /// How long an event waits for its issue: within it an answer has to come to be worth waiting for.
    pub lookup_wait: Duration,
    /// How long an answer counts.
    pub issue_max_age: Duration,
}

impl Source {
    /// Returns the organizations whose tokens are known.
    pub fn of(organizations: &[OrganizationConfig], client: &HttpClient) -> Vec<Self> {
        let source = |config: &OrganizationConfig| {
            let token = config.lookup.api_token.as_ref()?.known()?;
            let api_url = config.lookup.api_url.clone();
            let api = SentryApi::new(client.clone(), config.organization.clone(), api_url, token);
            let (lookup_wait, issue_max_age) = (config.lookup.lookup_wait, config.lookup.issue_max_age);
            Some(Self { api, lookup_wait, issue_max_age })
        };
        organizations.iter().filter_map(source).collect()
    }

    /// Returns whether what is kept of an issue still counts.
    fn trusts(&self, kept: Option<&KeptIssue>, now: Timestamp) -> bool {
        kept.is_some_and(|kept| between(kept.kept_at, now) < self.issue_max_age)
    }
}

/// Whether it is worth waiting for a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It is asked, or will be soon; the signal is raised when that has ended.
    Coming,
    /// Nothing comes in time: there is no token, Sentry is down or refuses, or too much is asked.
    Nothing,
}

/// Asks Sentry.
pub struct Lookup {
    /// Never locked over an await.
    desks: RwLock<HashMap<Organization, Arc<Desk>>>,
    /// Raised when there may be a new desk. Only [`run`](Self::run) waits for it, so no signal is lost.
    replaced: Notify,
    queue: Arc<dyn Queue>,
    history: Arc<dyn History>,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// Raised when a wish was answered, or will not be.
    answered: Arc<Notify>,
}

impl Lookup {
    /// Sets the look-ups up; nothing is asked before [`run`](Self::run). `answered` is raised whenever a wish has been
    /// answered or given up.
    pub fn new(
        sources: Vec<Source>,
        queue: Arc<dyn Queue>,
        history: Arc<dyn History>,
        clock: Clock,
        metrics: Arc<Metrics>,
        answered: Arc<Notify>,
    ) -> Self {
        let desk = |source: Source| (source.api.organization().clone(), Arc::new(Desk::new(source)));
        let desks = RwLock::new(sources.into_iter().map(desk).collect());
        Self { desks, replaced: Notify::new(), queue, history, clock, metrics, answered }
    }

    /// Asks these from now on. Who answers at the same address to the same token is asked at the pace that it was; a
    /// question under way is answered.
    pub fn replace(&self, sources: Vec<Source>) {
        let mut desks = self.desks.write().unwrap_or_else(PoisonError::into_inner);
        let mut former = std::mem::take(&mut *desks);
        for source in sources {
            let organization = source.api.organization().clone();
            let same = former.remove(&organization).filter(|desk| desk.goes_on_with(&source));
            desks.insert(organization, same.unwrap_or_else(|| Arc::new(Desk::new(source))));
        }
        for desk in former.into_values() {
            desk.close();
        }
        drop(desks);
        self.replaced.notify_one();
        // Whoever waits for an answer that nobody gives any more wishes anew.
        self.answered.notify_one();
    }

    fn desk(&self, organization: &Organization) -> Option<Arc<Desk>> {
        self.desks.read().unwrap_or_else(PoisonError::into_inner).get(organization).map(Arc::clone)
    }

    /// Returns whether this organization has a token.
    pub fn can_ask(&self, organization: &Organization) -> bool {
        self.desk(organization).is_some()
    }

    /// Returns how long an event of this organization waits for its issue; no time at all without a token.
    pub fn lookup_wait(&self, organization: &Organization) -> Duration {
        self.desk(organization).map_or(Duration::ZERO, |desk| desk.source().lookup_wait)
    }

    /// Returns whether there is a token, and nothing kept of the issue that still counts: then it is worth a
    /// [`wish`](Self::wish).
    pub fn wants(&self, organization: &Organization, kept: Option<&KeptIssue>) -> bool {
        self.desk(organization).is_some_and(|desk| !desk.source().trusts(kept, self.clock.now()))
    }

    /// Wishes for an issue that the store does not know, or knows from too long ago. To be repeated for as long as
    /// somebody waits for it: the same wish twice is one.
    pub fn wish(&self, organization: &Organization, group: &GroupId) -> Prospect {
        self.desk(organization).map_or(Prospect::Nothing, |desk| desk.wish(group, Instant::now()))
    }

    /// Returns whether a wish for this issue waits for its answer.
    pub fn is_asked(&self, organization: &Organization, group: &GroupId) -> bool {
        self.desk(organization).is_some_and(|desk| desk.is_wanted(group))
    }

    /// Asks for the newest run of an issue, in its turn; `None` where that is not known now, or is none.
    pub async fn autofix(&self, organization: &Organization, group: &GroupId) -> Option<Autofix> {
        let desk = self.desk(organization)?;
        let mut turn = desk.turn(PATIENCE).await?;
        let Answered { outcome, limits } = desk.source().api.autofix(group, self.clock.now()).await;
        self.metrics.lookup(organization.as_str(), "run", word(outcome.as_ref().err()));
        // Sentry calls it experimental: what it says of itself says nothing of issues.
        let end = match outcome.as_ref().err() {
            Some(error @ (ApiError::Unauthorized | ApiError::RateLimited)) => end_of(error),
            None
            | Some(
                ApiError::NotFound
                | ApiError::Forbidden
                | ApiError::NotUnderstood(_)
                | ApiError::Unavailable(_),
            ) => End::Apart,
        };
        turn.end = (end, limits, outcome.as_ref().err().cloned());
        drop(turn);
        if matches!(outcome, Err(ApiError::Unavailable(_))) {
            desk.close_for_runs(Instant::now());
        }
        self.answered.notify_one();
        outcome.ok().flatten()
    }

    /// Asks until `stopped` turns true; a question under way then is dropped, as anybody may ask it again.
    pub async fn run(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let mut loops = JoinSet::new();
        let mut is_stopped = stopped.clone();
        while !*is_stopped.borrow() {
            for desk in self.unserved() {
                loops.spawn(Arc::clone(&self).serve(desk, stopped.clone()));
            }
            tokio::select! {
                () = self.replaced.notified() => {}
                Some(_) = loops.join_next() => {}
                _ = is_stopped.wait_for(|stopped| *stopped) => {}
            }
        }
        while loops.join_next().await.is_some() {}
    }

    /// Returns the desks that no loop serves yet; they count as served then.
    fn unserved(&self) -> Vec<Arc<Desk>> {
        let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.values().filter(|desk| desk.is_served_now()).map(Arc::clone).collect()
    }

    async fn serve(self: Arc<Self>, desk: Arc<Desk>, mut stopped: watch::Receiver<bool>) {
        // Dropping it ends what is under way.
        let mut questions = JoinSet::new();
        loop {
            let opens_at = match desk.next(Instant::now()) {
                Step::Ask(wish) => {
                    questions.spawn(Arc::clone(&self).answer(wish));
                    continue;
                }
                Step::Wait(opens_at) => opens_at,
                Step::End => break,
            };
            let open = async {
                match opens_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = open => {}
                () = desk.changed.notified() => {}
                Some(_) = questions.join_next() => {}
            }
        }
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = async { while questions.join_next().await.is_some() {} } => {}
        }
    }

    /// Answers one wish from the store, where somebody else was quicker, or from Sentry.
    async fn answer(self: Arc<Self>, mut wish: Wish) {
        let source = wish.turn.desk.source();
        let organization = source.api.organization();
        if !self.is_fresh(&source, &wish.group).await {
            let Answered { outcome, limits } = source.api.issue(&wish.group, self.clock.now()).await;
            let error = outcome.as_ref().err().cloned();
            self.metrics.lookup(organization.as_str(), "issue", word(error.as_ref()));
            match outcome {
                Ok(issue) => self.keep(organization, &wish.group, Some(issue)).await,
                Err(ApiError::NotFound) => self.keep(organization, &wish.group, None).await,
                Err(_) => {}
            }
            wish.turn.end = (error.as_ref().map_or(End::Answered, end_of), limits, error);
        }
        // First the wish ends, then whoever waits for it looks.
        drop(wish);
        self.answered.notify_one();
    }

    async fn keep(&self, organization: &Organization, group: &GroupId, issue: Option<Issue>) {
        let kept =
            self.queue.keep_issue(organization, group, issue, IssueSource::Api, self.clock.now()).await;
        if let Err(error) = kept {
            // Whoever waits for the issue meets the same store, and says so.
            tracing::debug!(%error, "what Sentry said of an issue could not be kept");
        }
    }

    async fn is_fresh(&self, source: &Source, group: &GroupId) -> bool {
        let kept = self.history.issue(source.api.organization(), group).await.ok().flatten();
        source.trusts(kept.as_ref(), self.clock.now())
    }
}

fn end_of(error: &ApiError) -> End {
    match error {
        ApiError::NotFound => End::Answered,
        ApiError::Unauthorized | ApiError::Forbidden => End::Refused,
        ApiError::RateLimited => End::Limited,
        ApiError::Unavailable(_) | ApiError::NotUnderstood(_) => End::Down,
    }
}

/// Returns the word of an outcome in the metrics.
fn word(error: Option<&ApiError>) -> &'static str {
    error.map_or("found", ApiError::word)
}
