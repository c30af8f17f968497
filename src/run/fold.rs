//! The fold of a run's events, in order of acceptance, and two questions about their order.

use jiff::{SignedDuration, Timestamp};

use super::pairs::{Pairs, StepSign};
use super::{Run, RunState, StageProgress, StageState};
use crate::event::{Action, Event, Phase, PullRequest, RepositoryChange, Stage};

/// How much later than a step's end its start must have been sent to mean that the step was run again.
const RUN_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// How close together a `pr_created` and its `pr_ready_for_review` are one piece of news.
const PAIR_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The stages that a run always shows, in this order.
const STAGES: [Stage; 4] = [Stage::RootCause, Stage::Solution, Stage::Coding, Stage::PullRequest];

impl Run {
    /// Makes the run that these events tell of, in order of acceptance; `None` without events.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let first = events.next()?;
        let mut fold = Fold::new(first);
        fold.add(first);
        events.for_each(|event| fold.add(event));
        Some(fold.finish())
    }
}

/// Tells whether a `*_started` came after the `*_completed` of its stage, or of its iteration or a later one, and
/// was not sent more than a minute after it (then the step was run again).
pub fn is_late_start(event: &Event, earlier: &[Event]) -> bool {
    if event.action.phase() != Some(Phase::Started) {
        return false;
    }
    let mut end = End::default();
    earlier.iter().filter(|end| ends(&StepSign::of(end), event)).for_each(|completed| end.add(completed));
    end.makes_late(event)
}

/// Tells whether a sign is that of the `*_completed` of the stage, or of the iteration or a later one, of which an event
/// is the `*_started`.
pub fn ends(sign: &StepSign, started: &Event) -> bool {
    let same_iteration = match (started.iteration, sign.iteration) {
        (Some(started), Some(completed)) => completed >= started,
        (None, _) | (_, None) => true,
    };
    started.action.phase() == Some(Phase::Started)
        && sign.action.phase() == Some(Phase::Completed)
        && sign.action.stage() == started.action.stage()
        && (sign.action.stage() != Some(Stage::Iteration) || same_iteration)
}

/// Finds the `pr_created` that was accepted within a minute of this `pr_ready_for_review` and names the same pull
/// requests: where pull requests are not opened as drafts, the two come as a pair.
pub fn pair_of_ready<'a>(event: &Event, earlier: &'a [Event]) -> Option<&'a Event> {
    if event.action != Action::PrReadyForReview {
        return None;
    }
    let pull_requests = event.artifacts.pull_requests.as_deref().unwrap_or_default();
    earlier.iter().rev().find(|created| {
        let named = created.artifacts.pull_requests.as_deref().unwrap_or_default();
        created.action == Action::PrCreated
            && event.received_at.duration_since(created.received_at).abs() <= PAIR_WITHIN
            && pull_requests.iter().all(|one| named.iter().any(|other| is_same(one, other)))
            && named.iter().all(|one| pull_requests.iter().any(|other| is_same(one, other)))
    })
}

/// The end of a step, as far as it was seen.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    seen: bool,
    /// When the newest was sent, where Sentry says so.
    sent_at: Option<Timestamp>,
}

impl End {
    fn add(&mut self, completed: &Event) {
        self.seen = true;
        self.sent_at = self.sent_at.max(completed.sent_at);
    }

    /// Tells whether a start that is accepted now comes too late.
    fn makes_late(self, started: &Event) -> bool {
        let was_run_again = match (started.sent_at, self.sent_at) {
            (Some(started), Some(ended)) => started.duration_since(ended) > RUN_AGAIN_AFTER,
            (None, _) | (_, None) => false,
        };
        self.seen && !was_run_again
    }
}

struct Fold {
    run: Run,
    stages: [(StageProgress, End); 4],
    /// The furthest state but for iterations.
    furthest: RunState,
    /// What the newest notice says, while no step was heard of since.
    noticed: Option<RunState>,
    iterations: Iterations,
    pairs: Pairs,
}

impl Fold {
    fn new(first: &Event) -> Self {
        let stages = STAGES.map(|stage| {
            let state = StageState::Pending;
            StageProgress { stage, state, started_at: None, completed_at: None, times: 0 }
        });
        let run = Run {
            organization: first.organization.clone(),
            run_id: None,
            sentry_run_id: None,
            group_id: None,
            first_event: first.id.clone(),
            state: RunState::Unknown,
            started_at: first.received_at,
            updated_at: first.received_at,
            stages: stages.clone(),
            root_cause: None,
            solution: None,
            changes: Vec::new(),
            pull_requests: Vec::new(),
            iterations: 0,
            at_work: None,
        };
        let stages = stages.map(|stage| (stage, End::default()));
        Self {
            run,
            stages,
            furthest: RunState::Unknown,
            noticed: None,
            iterations: Iterations::default(),
            pairs: Pairs::default(),
        }
    }

    fn add(&mut self, event: &Event) {
        let run = &mut self.run;
        run.run_id = run.run_id.take().or_else(|| event.run_id.clone());
        run.sentry_run_id = run.sentry_run_id.take().or_else(|| event.sentry_run_id.clone());
        run.group_id = run.group_id.take().or_else(|| event.group_id.clone());
        run.started_at = run.started_at.min(event.received_at);
        run.updated_at = run.updated_at.max(event.received_at);
        let has_twin = self.pairs.meet(StepSign::of(event)).is_some();
        self.add_artifacts(event, has_twin && event.is_alert());
        if has_twin {
            // The step is counted already.
            return;
        }
        // Whatever else is heard of a run says that it goes on.
        self.noticed = noticed(event);
        match &event.action {
            Action::RootCauseStarted => self.start(Stage::RootCause, RunState::RootCauseStarted, event),
            Action::RootCauseCompleted => {
                self.complete(Stage::RootCause, RunState::RootCauseCompleted, event);
            }
            Action::SolutionStarted => self.start(Stage::Solution, RunState::SolutionStarted, event),
            Action::SolutionCompleted => self.complete(Stage::Solution, RunState::SolutionCompleted, event),
            Action::CodingStarted => self.start(Stage::Coding, RunState::CodingStarted, event),
            Action::CodingCompleted => self.complete(Stage::Coding, RunState::CodingCompleted, event),
            Action::PrCreated => self.complete(Stage::PullRequest, RunState::PrCreated, event),
            Action::PrReadyForReview => self.show_ready(event),
            Action::IterationStarted => {
                self.imply_pull_request();
                self.iterations.start(event);
            }
            Action::IterationCompleted => {
                self.imply_pull_request();
                self.iterations.complete(event);
            }
            Action::RunFailed
            | Action::RunWaiting
            | Action::RunStalled
            | Action::Silent
            | Action::DestinationDown
            | Action::DestinationUp
            | Action::DeadLetter
            | Action::Other(_) => {}
        }
    }

    fn stage(&mut self, wanted: Stage) -> Option<&mut (StageProgress, End)> {
        self.stages.iter_mut().find(|(progress, _)| progress.stage == wanted)
    }

    fn start(&mut self, stage: Stage, reached: RunState, event: &Event) {
        self.furthest = self.furthest.max(reached);
        if let Some((progress, end)) = self.stage(stage)
            && !end.makes_late(event)
        {
            progress.state = StageState::Running;
            progress.started_at = Some(event.received_at);
        }
    }

    fn complete(&mut self, stage: Stage, reached: RunState, event: &Event) {
        self.furthest = self.furthest.max(reached);
        if let Some((progress, end)) = self.stage(stage) {
            end.add(event);
            progress.state = StageState::Completed;
            progress.completed_at = Some(event.received_at);
            progress.times = progress.times.saturating_add(1);
        }
    }

    /// A pull request that waits for a review was opened before, whether or not that was heard of; it is no second
    /// completion.
    fn show_ready(&mut self, event: &Event) {
        self.furthest = self.furthest.max(RunState::PrReady);
        self.imply_pull_request();
        if let Some((progress, _)) = self.stage(Stage::PullRequest) {
            progress.completed_at = progress.completed_at.or(Some(event.received_at));
        }
    }

    /// An iteration works on pull requests that were opened, whether or not that was heard of.
    fn imply_pull_request(&mut self) {
        if let Some((progress, _)) = self.stage(Stage::PullRequest) {
            progress.state = StageState::Completed;
        }
    }

    /// Takes over what an event says. Of an alert whose webhook came before, only what that left out.
    fn add_artifacts(&mut self, event: &Event, said_in_full: bool) {
        let run = &mut self.run;
        let artifacts = &event.artifacts;
        if let Some(said) = &artifacts.root_cause {
            let known = run.root_cause.as_ref().and_then(|known| known.summary.as_deref());
            let is_told = said_in_full && run.root_cause.is_some();
            if !is_told && !is_repeated(event, said.summary.as_deref(), known) {
                run.root_cause.clone_from(&artifacts.root_cause);
            }
        }
        if let Some(said) = &artifacts.solution {
            let known = run.solution.as_ref().and_then(|known| known.summary.as_deref());
            let is_told = said_in_full && run.solution.is_some();
            if !is_told && !is_repeated(event, said.summary.as_deref(), known) {
                run.solution.clone_from(&artifacts.solution);
            }
        }
        for change in artifacts.changes.iter().flatten() {
            put_change(&mut run.changes, change, said_in_full);
        }
        for pull_request in artifacts.pull_requests.iter().flatten() {
            put_pull_request(&mut run.pull_requests, pull_request, event.action == Action::PrReadyForReview);
        }
    }

    /// Finds the stage that began and has not ended: the one that began last, unless something of a later one was heard
    /// after that, which tells that it is over.
    fn at_work(&self) -> Option<Stage> {
        let iteration = self.iterations.is_running().then_some(Stage::Iteration);
        let (mut at_work, mut heard_later) = (iteration, self.iterations.heard_at);
        for (progress, _) in self.stages.iter().rev() {
            if progress.state == StageState::Running && progress.started_at > heard_later {
                at_work = Some(progress.stage);
            }
            heard_later = heard_later.max(progress.started_at).max(progress.completed_at);
        }
        at_work
    }

    fn finish(self) -> Run {
        let at_work = self.at_work();
        let state = self.noticed.unwrap_or(self.furthest.max(self.iterations.state()));
        let stalls = |stage: Stage| match self.noticed {
            Some(RunState::Stalled) => at_work == Some(stage),
            Some(_) => true,
            None => false,
        };
        let stages = self.stages.map(|(progress, _)| match progress.state {
            StageState::Completed => StageProgress { times: progress.times.max(1), ..progress },
            StageState::Running if stalls(progress.stage) => {
                StageProgress { state: StageState::Stalled, ..progress }
            }
            StageState::Pending | StageState::Running | StageState::Stalled => progress,
        });
        Run { state, stages, iterations: self.iterations.highest(), at_work, ..self.run }
    }
}

/// The iterations of a run: those that were begun and those that ended, by their highest index.
#[derive(Debug, Default)]
struct Iterations {
    started: Option<u64>,
    completed: Option<u64>,
    end: End,
    /// When the newest start or end was received.
    heard_at: Option<Timestamp>,
}

impl Iterations {
    fn start(&mut self, event: &Event) {
        self.heard_at = self.heard_at.max(Some(event.received_at));
        match event.iteration {
            Some(index) => self.started = self.started.max(Some(index)),
            None if self.is_running() || self.end.makes_late(event) => {}
            None => self.started = Some(self.highest().saturating_add(1)),
        }
    }

    fn complete(&mut self, event: &Event) {
        self.heard_at = self.heard_at.max(Some(event.received_at));
        self.end.add(event);
        let index = match event.iteration {
            Some(index) => index,
            None if self.is_running() => self.highest(),
            None => self.highest().saturating_add(1),
        };
        self.completed = self.completed.max(Some(index));
    }

    fn is_running(&self) -> bool {
        self.started > self.completed
    }

    fn highest(&self) -> u64 {
        self.started.max(self.completed).unwrap_or(0)
    }

    fn state(&self) -> RunState {
        match (self.started, self.completed) {
            (None, None) => RunState::Unknown,
            _ if self.is_running() => RunState::Iterating,
            _ => RunState::PrUpdated,
        }
    }
}

/// Returns the state of a run after a notice of the relay's own; a webhook with its name is none.
fn noticed(event: &Event) -> Option<RunState> {
    if !event.is_notice() {
        return None;
    }
    let states = [
        (Action::RunFailed, RunState::Failed),
        (Action::RunWaiting, RunState::WaitingForUser),
        (Action::RunStalled, RunState::Stalled),
    ];
    states.into_iter().find(|(action, _)| *action == event.action).map(|(_, state)| state)
}

/// Tells whether an alert, which says a summary alone, repeats the one that is known.
fn is_repeated(event: &Event, said: Option<&str>, known: Option<&str>) -> bool {
    event.is_alert() && said.is_some() && known == said
}

/// Puts the newest code of a repository in the place of its older code, unless that was said in full.
fn put_change(changes: &mut Vec<RepositoryChange>, change: &RepositoryChange, said_in_full: bool) {
    match changes.iter_mut().find(|known| known.repo == change.repo) {
        Some(_) if said_in_full => {}
        Some(known) => known.clone_from(change),
        None => changes.push(change.clone()),
    }
}

/// Puts what is said of a pull request over what was said of it before.
fn put_pull_request(known: &mut Vec<PullRequest>, said: &PullRequest, ready: bool) {
    let ready = (ready && !said.failed).then_some(true);
    if !said.failed {
        known.retain(|other| !other.failed || other.repo != said.repo);
    }
    match known.iter_mut().find(|other| is_same(other, said)) {
        Some(other) => {
            let newer = |new: &Option<String>, old: &mut Option<String>| new.clone().or_else(|| old.take());
            other.repo = newer(&said.repo, &mut other.repo);
            other.provider = newer(&said.provider, &mut other.provider);
            other.number = said.number.or(other.number);
            other.id = newer(&said.id, &mut other.id);
            other.url = newer(&said.url, &mut other.url);
            other.reason = newer(&said.reason, &mut other.reason);
            other.ready = ready.or(other.ready);
        }
        None => known.push(PullRequest { ready: ready.or(said.ready), ..said.clone() }),
    }
}

/// Tells whether two entries speak of one pull request: by address, else by repository and number, else by id. Failed
/// ones are one per repository.
fn is_same(one: &PullRequest, other: &PullRequest) -> bool {
    if one.failed || other.failed {
        return one.failed && other.failed && one.repo == other.repo;
    }
    if let (Some(one), Some(other)) = (&one.url, &other.url) {
        return one == other;
    }
    if let (Some(one_number), Some(other_number)) = (one.number, other.number) {
        return one.repo == other.repo && one_number == other_number;
    }
    one.id.is_some() && one.id == other.id && one.repo == other.repo
}

#[cfg(test)]
mod tests;
