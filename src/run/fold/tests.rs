//! What a run is after each of its events.

use proptest::prelude::*;

use super::*;
use crate::event::{
    Artifacts, EventId, FileChange, GroupId, Organization, RootCause, RunId, SentryRunId, Solution,
};

/// An event that was sent and received at this second.
fn at(second: i64, action: &str) -> Event {
    let time = Timestamp::from_second(second).unwrap();
    Event {
        id: EventId::new(format!("evt_{second}_{action}")),
        organization: Organization::new("acme"),
        resource: "seer".to_owned(),
        action: Action::from_name(action),
        run_id: Some(RunId::new("12345")),
        sentry_run_id: None,
        group_id: None,
        iteration: None,
        received_at: time,
        sent_at: Some(time),
        artifacts: Artifacts::default(),
    }
}

fn sent(event: Event, second: i64) -> Event {
    Event { sent_at: Timestamp::from_second(second).ok(), ..event }
}

fn unsent(event: Event) -> Event {
    Event { sent_at: None, ..event }
}

fn iteration(second: i64, action: &str, index: u64) -> Event {
    Event { iteration: Some(index), ..at(second, action) }
}

fn with_pull_requests(event: Event, pull_requests: &[PullRequest]) -> Event {
    let artifacts = Artifacts { pull_requests: Some(pull_requests.to_vec()), ..Artifacts::default() };
    Event { artifacts, ..event }
}

fn pull_request(repo: &str, number: u64) -> PullRequest {
    PullRequest {
        repo: Some(repo.to_owned()),
        number: Some(number),
        url: Some(format!("https://github.com/{repo}/pull/{number}")),
        ..PullRequest::default()
    }
}

fn failed(repo: &str) -> PullRequest {
    PullRequest { repo: Some(repo.to_owned()), failed: true, ..PullRequest::default() }
}

fn change(repo: &str, path: &str) -> RepositoryChange {
    let file = FileChange { path: Some(path.to_owned()), ..FileChange::default() };
    RepositoryChange { repo: Some(repo.to_owned()), files: vec![file], ..RepositoryChange::default() }
}

fn with_changes(event: Event, changes: &[RepositoryChange]) -> Event {
    Event { artifacts: Artifacts { changes: Some(changes.to_vec()), ..Artifacts::default() }, ..event }
}

fn state(events: &[Event]) -> RunState {
    Run::fold(events).unwrap().state
}

fn stage(events: &[Event], stage: Stage) -> StageProgress {
    Run::fold(events).unwrap().stages.into_iter().find(|progress| progress.stage == stage).unwrap()
}

#[test]
fn without_events_there_is_no_run() {
    assert_eq!(Run::fold([]), None);
}

#[test]
fn each_action_takes_the_run_to_its_state() {
    let mut events = Vec::new();
    let steps = [
        ("triage_started", RunState::Unknown),
        ("root_cause_started", RunState::RootCauseStarted),
        ("root_cause_completed", RunState::RootCauseCompleted),
        ("solution_started", RunState::SolutionStarted),
        ("solution_completed", RunState::SolutionCompleted),
        ("coding_started", RunState::CodingStarted),
        ("coding_completed", RunState::CodingCompleted),
        ("pr_created", RunState::PrCreated),
        ("pr_ready_for_review", RunState::PrReady),
        ("iteration_started", RunState::Iterating),
        ("iteration_completed", RunState::PrUpdated),
    ];
    for (second, (action, expected)) in (0..).zip(steps) {
        events.push(at(second, action));
        assert_eq!(state(&events), expected, "{action}");
    }
    let run = Run::fold(&events).unwrap();
    assert_eq!((run.started_at.as_second(), run.updated_at.as_second()), (0, 10));
    assert!(run.stages.iter().all(|stage| (stage.state, stage.times) == (StageState::Completed, 1)));
    assert_eq!(run.stages.map(|stage| stage.stage), STAGES);
    assert_eq!(run.iterations, 1);
}

#[test]
fn the_state_never_turns_back() {
    assert_eq!(state(&[at(0, "pr_created"), at(1, "root_cause_started")]), RunState::PrCreated);
    assert_eq!(state(&[at(0, "coding_completed"), at(900, "root_cause_started")]), RunState::CodingCompleted);
    assert_eq!(state(&[at(0, "pr_ready_for_review"), at(1, "pr_created")]), RunState::PrReady);
    assert_eq!(state(&[at(0, "iteration_completed"), at(1, "pr_ready_for_review")]), RunState::PrUpdated);
}

#[test]
fn a_completed_step_was_started_whether_or_not_that_was_heard() {
    let progress = stage(&[at(5, "solution_completed")], Stage::Solution);
    assert_eq!(progress.state, StageState::Completed);
    assert_eq!(progress.started_at, None);
    assert_eq!(progress.completed_at, Timestamp::from_second(5).ok());
    assert_eq!(stage(&[at(5, "solution_completed")], Stage::RootCause).state, StageState::Pending);
}

#[test]
fn a_late_start_does_not_turn_its_stage_back() {
    for late in [at(1, "coding_started"), at(60, "coding_started"), unsent(at(900, "coding_started"))] {
        let progress = stage(&[at(0, "coding_completed"), late], Stage::Coding);
        assert_eq!((progress.state, progress.started_at), (StageState::Completed, None));
    }
    let unsent_end = [unsent(at(0, "coding_completed")), at(900, "coding_started")];
    assert_eq!(stage(&unsent_end, Stage::Coding).state, StageState::Completed);
}

#[test]
fn a_step_that_is_run_again_is_running_again() {
    let mut events =
        vec![at(0, "root_cause_started"), at(10, "root_cause_completed"), at(71, "root_cause_started")];
    let running = stage(&events, Stage::RootCause);
    assert_eq!((running.state, running.times), (StageState::Running, 1));
    assert_eq!(running.started_at, Timestamp::from_second(71).ok());
    events.push(at(90, "root_cause_completed"));
    let completed = stage(&events, Stage::RootCause);
    assert_eq!((completed.state, completed.times), (StageState::Completed, 2));
    assert_eq!(completed.completed_at, Timestamp::from_second(90).ok());
    events.push(sent(at(91, "root_cause_started"), 71));
    assert_eq!(stage(&events, Stage::RootCause).state, StageState::Completed);
}

#[test]
fn pull_requests_are_complete_by_any_word_of_them() {
    let by = |events: &[Event]| stage(events, Stage::PullRequest);
    assert_eq!(by(&[at(0, "coding_completed")]).state, StageState::Pending);
    let pair = by(&[at(0, "pr_created"), at(9, "pr_ready_for_review")]);
    assert_eq!((pair.state, pair.times), (StageState::Completed, 1));
    assert_eq!(pair.completed_at, Timestamp::from_second(0).ok());
    assert_eq!(by(&[at(9, "pr_ready_for_review")]).completed_at, Timestamp::from_second(9).ok());
    let implied = by(&[at(0, "iteration_started")]);
    assert_eq!((implied.state, implied.times, implied.completed_at), (StageState::Completed, 1, None));
    assert_eq!(by(&[at(0, "iteration_started"), at(1, "pr_created")]).times, 1);
    assert_eq!(by(&[at(0, "pr_ready_for_review"), at(1, "pr_created")]).times, 1);
    assert_eq!(by(&[at(0, "pr_created"), at(900, "pr_created")]).times, 2);
}

#[test]
fn iterations_go_on_by_their_index() {
    let mut events = vec![at(0, "pr_created"), iteration(1, "iteration_started", 1)];
    assert_eq!(state(&events), RunState::Iterating);
    events.push(iteration(2, "iteration_completed", 1));
    assert_eq!(state(&events), RunState::PrUpdated);
    events.push(iteration(3, "iteration_started", 2));
    assert_eq!(state(&events), RunState::Iterating);
    events.push(iteration(4, "iteration_completed", 2));
    events.push(iteration(5, "iteration_started", 1));
    events.push(iteration(6, "iteration_started", 2));
    assert_eq!(state(&events), RunState::PrUpdated);
    assert_eq!(Run::fold(&events).unwrap().iterations, 2);
    let overtaken = [
        iteration(0, "iteration_started", 1),
        iteration(1, "iteration_started", 2),
        iteration(2, "iteration_completed", 1),
    ];
    assert_eq!(state(&overtaken), RunState::Iterating);
}

#[test]
fn iterations_without_an_index_are_counted() {
    let mut events = vec![at(0, "iteration_started"), at(5, "iteration_completed")];
    assert_eq!(Run::fold(&events).unwrap().iterations, 1);
    events.push(at(6, "iteration_started"));
    assert_eq!(state(&events), RunState::PrUpdated, "it came late");
    events.push(at(300, "iteration_started"));
    assert_eq!(state(&events), RunState::Iterating);
    events.push(at(400, "iteration_completed"));
    events.push(at(800, "iteration_completed"));
    let run = Run::fold(&events).unwrap();
    assert_eq!((run.state, run.iterations), (RunState::PrUpdated, 3));
}

#[test]
fn the_newest_artifacts_stand_and_silence_takes_nothing_away() {
    let artifacts = |summary: &str| Artifacts {
        root_cause: Some(RootCause { summary: Some(summary.to_owned()), ..RootCause::default() }),
        solution: Some(Solution { summary: Some(summary.to_owned()), ..Solution::default() }),
        ..Artifacts::default()
    };
    let events = [
        Event { artifacts: artifacts("old"), ..at(0, "root_cause_completed") },
        Event { artifacts: artifacts("new"), ..at(1, "root_cause_completed") },
        at(2, "solution_completed"),
    ];
    let run = Run::fold(&events).unwrap();
    assert_eq!(run.root_cause.unwrap().summary.as_deref(), Some("new"));
    assert_eq!(run.solution.unwrap().summary.as_deref(), Some("new"));
}

#[test]
fn code_is_replaced_by_repository_and_keeps_its_place() {
    let events = [
        with_changes(at(0, "coding_completed"), &[change("acme/api", "a"), change("acme/web", "b")]),
        with_changes(at(1, "iteration_completed"), &[change("acme/docs", "c"), change("acme/api", "d")]),
    ];
    let expected = [change("acme/api", "d"), change("acme/web", "b"), change("acme/docs", "c")];
    let run = Run::fold(&events).unwrap();
    assert_eq!(run.changes, expected);
    assert_eq!(run.paths(), ["d", "b", "c"]);
}

#[test]
fn pull_requests_are_merged_and_the_later_word_wins() {
    let flat = PullRequest { url: None, provider: Some("old".to_owned()), ..pull_request("acme/api", 1) };
    let full = PullRequest { provider: None, id: Some("9".to_owned()), ..pull_request("acme/api", 1) };
    let github = PullRequest { provider: Some("github".to_owned()), number: None, ..full.clone() };
    let events = [
        with_pull_requests(at(0, "pr_created"), &[flat, pull_request("acme/api", 2)]),
        with_pull_requests(at(1, "iteration_completed"), std::slice::from_ref(&full)),
        with_pull_requests(at(2, "pr_ready_for_review"), &[github]),
        with_pull_requests(at(3, "iteration_completed"), std::slice::from_ref(&full)),
    ];
    let run = Run::fold(&events).unwrap();
    let merged = PullRequest { provider: Some("github".to_owned()), ready: Some(true), ..full };
    assert_eq!(run.pull_requests, [merged, pull_request("acme/api", 2)]);
    assert_eq!(run.providers(), ["github"]);
}

#[test]
fn a_failed_pull_request_is_one_per_repository_until_it_is_opened() {
    let ok = pull_request("acme/api", 1);
    let both = [ok.clone(), failed("acme/web")];
    let mut events = vec![
        with_pull_requests(at(0, "pr_created"), &both),
        with_pull_requests(at(1, "pr_ready_for_review"), &both),
    ];
    let run = Run::fold(&events).unwrap();
    assert_eq!(run.pull_requests, [PullRequest { ready: Some(true), ..ok.clone() }, failed("acme/web")]);
    events.push(with_pull_requests(at(2, "pr_created"), &[pull_request("acme/web", 7)]));
    let run = Run::fold(&events).unwrap();
    assert_eq!(run.pull_requests, [PullRequest { ready: Some(true), ..ok }, pull_request("acme/web", 7)]);
}

#[test]
fn ids_are_known_once_an_event_named_them() {
    let events = [
        Event { run_id: None, sentry_run_id: Some(SentryRunId::new("5c2a")), ..at(0, "root_cause_started") },
        Event { group_id: Some(GroupId::new("1")), ..at(1, "root_cause_completed") },
        Event { run_id: None, ..at(2, "solution_started") },
    ];
    assert_eq!(Run::fold(&events[..1]).unwrap().label(), "acme/5c2a");
    let run = Run::fold(&events).unwrap();
    assert_eq!(run.label(), "acme/12345");
    assert_eq!(run.group_id, Some(GroupId::new("1")));
    let nameless = Event { run_id: None, ..at(0, "root_cause_started") };
    assert_eq!(Run::fold([&nameless]).unwrap().label(), "acme/evt_0_root_cause_started");
}

#[test]
fn a_start_is_late_after_the_end_of_its_own_step_only() {
    let completed = [at(0, "coding_completed")];
    assert!(is_late_start(&at(1, "coding_started"), &completed));
    assert!(is_late_start(&at(60, "coding_started"), &completed));
    assert!(!is_late_start(&at(61, "coding_started"), &completed));
    assert!(is_late_start(&unsent(at(900, "coding_started")), &completed));
    assert!(is_late_start(&sent(at(900, "coding_started"), 5), &completed));
    assert!(!is_late_start(&at(1, "solution_started"), &completed));
    assert!(!is_late_start(&at(1, "coding_completed"), &completed));
    assert!(!is_late_start(&at(1, "triage_started"), &completed));
    assert!(!is_late_start(&at(1, "coding_started"), &[at(0, "coding_started")]));
    let twice = [at(0, "coding_completed"), at(600, "coding_completed")];
    assert!(is_late_start(&sent(at(601, "coding_started"), 300), &twice));
}

#[test]
fn a_start_of_an_iteration_is_late_by_its_index() {
    let completed = [iteration(0, "iteration_completed", 2)];
    assert!(is_late_start(&iteration(1, "iteration_started", 2), &completed));
    assert!(is_late_start(&iteration(1, "iteration_started", 1), &completed));
    assert!(!is_late_start(&iteration(1, "iteration_started", 3), &completed));
    assert!(!is_late_start(&iteration(61, "iteration_started", 2), &completed));
    assert!(is_late_start(&at(1, "iteration_started"), &completed));
    assert!(!is_late_start(&at(61, "iteration_started"), &completed));
}

#[test]
fn a_ready_pull_request_is_paired_with_its_creation_a_minute_ago() {
    let one = [pull_request("acme/api", 1)];
    let created = [with_pull_requests(at(0, "pr_created"), &one)];
    let ready = |second: i64, pull_requests: &[PullRequest]| {
        with_pull_requests(at(second, "pr_ready_for_review"), pull_requests)
    };
    assert_eq!(pair_of_ready(&ready(60, &one), &created), Some(&created[0]));
    assert_eq!(pair_of_ready(&ready(61, &one), &created), None);
    assert_eq!(pair_of_ready(&ready(1, &[pull_request("acme/api", 2)]), &created), None);
    assert_eq!(pair_of_ready(&ready(1, &[pull_request("acme/api", 1), failed("acme/web")]), &created), None);
    assert_eq!(pair_of_ready(&ready(1, &[]), &created), None);
    assert_eq!(pair_of_ready(&created[0], &created), None);
    assert_eq!(pair_of_ready(&ready(1, &one), &[at(0, "coding_completed")]), None);
}

/// A notice of the relay's own at this second.
fn notice(second: i64, action: &Action) -> Event {
    let resource = crate::event::RELAY_RESOURCE.to_owned();
    Event { resource, ..unsent(at(second, action.as_str())) }
}

#[test]
fn a_notice_holds_until_the_next_step() {
    let mut events =
        vec![at(0, "root_cause_completed"), at(1, "coding_started"), notice(1800, &Action::RunFailed)];
    let coding = |events: &[Event]| stage(events, Stage::Coding);
    assert_eq!((state(&events), coding(&events).state), (RunState::Failed, StageState::Stalled));
    assert_eq!(coding(&events).started_at, Timestamp::from_second(1).ok());
    assert_eq!(stage(&events, Stage::RootCause).state, StageState::Completed);
    events.push(notice(1900, &Action::RunWaiting));
    assert_eq!((state(&events), coding(&events).state), (RunState::WaitingForUser, StageState::Stalled));
    events.push(Event { resource: "activity_alert".to_owned(), ..at(1000, "coding_started") });
    assert_eq!(state(&events), RunState::WaitingForUser, "it tells of the same step once more");
    events.push(at(2000, "brand_new"));
    assert_eq!((state(&events), coding(&events).state), (RunState::CodingStarted, StageState::Running));
    events.push(at(2001, "coding_completed"));
    assert_eq!((state(&events), coding(&events).state), (RunState::CodingCompleted, StageState::Completed));
}

#[test]
fn the_stage_at_work_is_the_one_that_began_last_and_of_which_nothing_later_was_heard() {
    let at_work = |events: &[(i64, &str)]| {
        let events: Vec<Event> = events.iter().map(|(second, action)| unsent(at(*second, action))).collect();
        Run::fold(&events).unwrap().at_work
    };
    for (events, expected) in [
        (&[(0, "root_cause_started")][..], Some(Stage::RootCause)),
        (&[(0, "root_cause_started"), (1, "root_cause_completed")], None),
        (&[(0, "root_cause_started"), (1, "solution_started")], Some(Stage::Solution)),
        (&[(0, "root_cause_started"), (1, "solution_completed")], None),
        (&[(0, "solution_started"), (1, "root_cause_completed")], Some(Stage::Solution)),
        (&[(0, "coding_started"), (1, "pr_created")], None),
        (&[(0, "coding_completed"), (1, "pr_created"), (2, "coding_started")], None),
        (&[(0, "pr_created"), (1, "iteration_started")], Some(Stage::Iteration)),
        (&[(0, "pr_created"), (1, "iteration_started"), (2, "iteration_completed")], None),
        (&[(0, "coding_started"), (1, "iteration_started"), (2, "iteration_completed")], None),
        (&[(0, "pr_created"), (1, "root_cause_started")], Some(Stage::RootCause)),
        (&[(0, "coding_started"), (1, "root_cause_started")], Some(Stage::RootCause)),
        (&[(0, "triage_started")], None),
    ] {
        assert_eq!(at_work(events), expected, "{events:?}");
    }
}

#[test]
fn only_the_stage_at_work_is_stalled_and_a_late_end_turns_it_back() {
    let mut events = vec![
        at(0, "root_cause_started"),
        at(1, "solution_completed"),
        at(2, "coding_started"),
        notice(1800, &Action::RunStalled),
    ];
    let states = |events: &[Event]| Run::fold(events).unwrap().stages.map(|stage| stage.state);
    assert_eq!(state(&events), RunState::Stalled);
    assert_eq!(
        states(&events),
        [StageState::Running, StageState::Completed, StageState::Stalled, StageState::Pending]
    );
    events.push(at(1900, "coding_completed"));
    assert_eq!((state(&events), states(&events)[2]), (RunState::CodingCompleted, StageState::Completed));

    let iterating = [at(0, "pr_created"), at(1, "iteration_started"), notice(1800, &Action::RunStalled)];
    assert_eq!(state(&iterating), RunState::Stalled);
    assert!(states(&iterating).iter().all(|state| *state != StageState::Stalled));
}

#[test]
fn a_webhook_with_the_name_of_a_notice_is_none() {
    assert_eq!(state(&[at(0, "coding_started"), at(1, "relay.failed")]), RunState::CodingStarted);
}

#[test]
fn a_notice_says_why_a_pull_request_failed() {
    let why = PullRequest { reason: Some("no right".to_owned()), ..failed("acme/api") };
    let told = with_pull_requests(notice(2, &Action::RunFailed), std::slice::from_ref(&why));
    for (events, expected) in [
        (vec![told.clone()], &why),
        (vec![with_pull_requests(at(0, "pr_created"), &[failed("acme/api")]), told.clone()], &why),
        (vec![told.clone(), with_pull_requests(at(3, "pr_created"), &[failed("acme/api")])], &why),
        (
            vec![told, with_pull_requests(at(3, "pr_created"), &[pull_request("acme/api", 7)])],
            &pull_request("acme/api", 7),
        ),
    ] {
        assert_eq!(Run::fold(&events).unwrap().pull_requests, std::slice::from_ref(expected));
    }
}

proptest! {
    #[test]
    fn notices_change_nothing_but_the_state_until_the_next_step(
        actions in prop::collection::vec((0..14_usize, 0..400_i64), 1..30),
    ) {
        let event = |(index, second): (usize, i64)| match Action::OF_SEER.get(index) {
            Some(action) => at(second, action.as_str()),
            None if index == 13 => at(second, "triage_started"),
            None => notice(second, &Action::NOTICES[index - 10]),
        };
        let events: Vec<Event> = actions.into_iter().map(event).collect();
        let steps: Vec<Event> = events.iter().filter(|event| !event.is_notice()).cloned().collect();
        let run = Run::fold(&events).unwrap();
        let expected = match &events.last().unwrap() {
            last if !last.is_notice() => state(&steps),
            last if last.action == Action::RunFailed => RunState::Failed,
            last if last.action == Action::RunWaiting => RunState::WaitingForUser,
            _ => RunState::Stalled,
        };
        prop_assert_eq!(run.state, expected);
        prop_assert_eq!(run.at_work, Run::fold(&steps).and_then(|run| run.at_work));
        let is_noticed = events.last().unwrap().is_notice();
        for (position, progress) in run.stages.iter().enumerate() {
            let without = Run::fold(&steps).map_or(StageState::Pending, |run| run.stages[position].state);
            let is_meant = run.state != RunState::Stalled || run.at_work == Some(progress.stage);
            let stalls = is_noticed && is_meant && without == StageState::Running;
            prop_assert_eq!(progress.state, if stalls { StageState::Stalled } else { without });
        }
    }

    #[test]
    fn a_run_only_goes_on(actions in prop::collection::vec((0..12_usize, 0..400_i64, prop::option::of(0..4_u64)), 1..30)) {
        let name = |index: usize| Action::OF_SEER.get(index).map_or("triage_started", Action::as_str).to_owned();
        let events: Vec<Event> = actions.into_iter().map(|(index, second, iteration)| {
            Event { iteration, ..at(second, &name(index)) }
        }).collect();
        let mut before = Run::fold(&events[..1]).unwrap();
        for end in 1..=events.len() {
            let run = Run::fold(&events[..end]).unwrap();
            let turned_back = run.state < before.state && run.state != RunState::Iterating;
            prop_assert!(!turned_back, "{:?} after {:?}", run.state, before.state);
            prop_assert!(run.iterations >= before.iterations);
            prop_assert!(run.started_at <= run.updated_at);
            for (now, then) in run.stages.iter().zip(&before.stages) {
                prop_assert!(now.times >= then.times);
                prop_assert!(now.state != StageState::Pending || then.state == StageState::Pending);
            }
            before = run;
        }
    }
}

#[test]
fn an_alert_never_takes_away_what_a_webhook_said_in_full() {
    let cause = |summary: &str, repo: Option<&str>| {
        let (summary, repo) = (Some(summary.to_owned()), repo.map(str::to_owned));
        let root_cause = Some(RootCause { summary, repo, ..RootCause::default() });
        Artifacts { root_cause, ..Artifacts::default() }
    };
    let webhook =
        |second| Event { artifacts: cause("a", Some("acme/api")), ..at(second, "root_cause_completed") };
    let alert = |second, summary| Event {
        resource: "activity_alert".to_owned(),
        artifacts: cause(summary, None),
        ..at(second, "root_cause_completed")
    };
    let known = |events: &[Event]| {
        let root_cause = Run::fold(events).unwrap().root_cause.unwrap();
        (root_cause.summary.unwrap(), root_cause.repo)
    };
    let full = ("a".to_owned(), Some("acme/api".to_owned()));
    assert_eq!(known(&[webhook(1), alert(2, "a")]), full);
    assert_eq!(known(&[alert(1, "a"), webhook(2)]), full);
    assert_eq!(known(&[alert(1, "a")]), ("a".to_owned(), None));
    assert_eq!(known(&[webhook(1), alert(2, "b")]), full, "one step, whatever the alert made of it");
    assert_eq!(
        known(&[webhook(1), alert(2, "a"), alert(3, "b")]),
        ("b".to_owned(), None),
        "it was run again"
    );
}

#[test]
fn a_step_that_an_alert_tells_as_well_is_one_step() {
    let webhook = |second| at(second, "coding_completed");
    let alert = |second| Event { resource: "activity_alert".to_owned(), ..at(second, "coding_completed") };
    let coding = |events: &[Event]| {
        let coding = stage(events, Stage::Coding);
        (coding.times, coding.completed_at.map(Timestamp::as_second))
    };
    assert_eq!(coding(&[alert(1)]), (1, Some(1)));
    assert_eq!(coding(&[webhook(1), alert(2)]), (1, Some(1)));
    assert_eq!(coding(&[alert(1), webhook(2)]), (1, Some(1)));
    assert_eq!(coding(&[webhook(1), alert(2), webhook(3), alert(4)]), (2, Some(3)));
}
