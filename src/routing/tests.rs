//! The language of routes, with events and runs built by hand.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::event::{
    Action, Artifacts, EventId, FileChange, GroupId, Organization, PullRequest, RepositoryChange, RootCause,
};
use crate::issue::Project;

fn event(action: &str) -> Event {
    Event {
        id: EventId::new("evt_1"),
        organization: Organization::new("acme"),
        resource: "seer".to_owned(),
        action: Action::from_name(action),
        run_id: None,
        sentry_run_id: None,
        group_id: Some(GroupId::new("1170820242")),
        iteration: None,
        received_at: Timestamp::UNIX_EPOCH,
        sent_at: None,
        artifacts: Artifacts::default(),
    }
}

/// A run of which nothing but its event is known.
fn unknown_run(event: &Event) -> Run {
    Run::fold([event]).expect("an event makes a run")
}

/// A run that touches `acme/api` and `acme/web`, with a pull request on GitHub.
fn known_run(event: &Event) -> Run {
    let file = |path: &str| FileChange { path: Some(path.to_owned()), ..FileChange::default() };
    Run {
        root_cause: Some(RootCause { classification: Some("code_fix".to_owned()), ..RootCause::default() }),
        changes: vec![
            RepositoryChange {
                repo: Some("acme/api".to_owned()),
                files: vec![file("src/cart/totals.py"), file("tests/test_totals.py")],
                ..RepositoryChange::default()
            },
            RepositoryChange { repo: Some("acme/web".to_owned()), ..RepositoryChange::default() },
        ],
        pull_requests: vec![PullRequest {
            repo: Some("acme/api".to_owned()),
            provider: Some("github".to_owned()),
            ..PullRequest::default()
        }],
        ..unknown_run(event)
    }
}

fn conditions(list: &[(Field, &[&str])]) -> Conditions {
    let condition = |(field, patterns): &(Field, &[&str])| Condition {
        field: *field,
        patterns: patterns.iter().map(|pattern| Pattern::new(*pattern)).collect(),
    };
    Conditions(list.iter().map(condition).collect())
}

fn route(name: &str, when: &[(Field, &[&str])], to: &[&str]) -> Route {
    Route {
        name: name.to_owned(),
        when: conditions(when),
        to: to.iter().map(|name| DestinationName::new(*name)).collect(),
        ..Route::default()
    }
}

/// Routes an event, and reads the decision again from what is kept of it, which must agree.
fn decide(table: &RoutingTable, event: &Event, run: &Run, issue: Option<&Issue>) -> Decision {
    let decision = table.route(event, run, issue);
    let Answers { list, .. } = &decision.answers;
    let (text, seen) = (decision.answers.as_text(), decision.answers.seen_as_json());
    assert!(text.len() <= 4 * list.len(), "{text}");
    let kept = Basis::read(&table.basis().json).expect("it was written so");
    assert_eq!(&kept, table);
    let answers = Answers::read(&text, seen.as_deref()).expect("they were written so");
    let again = kept.decided(event, answers).expect("they are this table's");
    assert_eq!(again, decision);
    let told = |table: &RoutingTable, decision| table.verdicts(event, decision, issue.is_none());
    assert_eq!(told(&kept, &again), told(table, &decision));
    let matched = told(table, &decision).into_iter().filter(|verdict| verdict.matched);
    assert_eq!(matched.map(|verdict| verdict.name).collect::<Vec<_>>(), table.names_of(&decision));
    for verdict in told(table, &decision) {
        assert_eq!(verdict.matched, verdict.why.iter().all(|condition| condition.held), "{verdict:?}");
    }
    decision
}

/// Routes an event, and returns the names of the routes that matched.
fn matched(routes: Vec<Route>, event: &Event, run: &Run) -> Vec<String> {
    let table = RoutingTable::new(routes);
    let decision = decide(&table, event, run, None);
    table.names_of(&decision)
}

fn holds(when: &[(Field, &[&str])], event: &Event, run: &Run) -> bool {
    !matched(vec![route("r", when, &["d"])], event, run).is_empty()
}

#[test]
fn every_condition_looks_at_its_own_field() {
    let event = event("pr_created");
    let run = known_run(&event);
    for (field, yes, no) in [
        (Field::Action, "pr_*", "coding_*"),
        (Field::Organization, "ac?e", "other"),
        (Field::Repo, "acme/web", "acme/docs"),
        (Field::Path, "tests/*", "docs/*"),
        (Field::Provider, "github", "gitlab"),
        (Field::Classification, "code_fix", "rca_only"),
        (Field::Group, "11708*", "5"),
    ] {
        assert!(holds(&[(field, &[yes])], &event, &run), "{field:?} {yes}");
        assert!(holds(&[(field, &[no, yes])], &event, &run), "any of a list: {field:?}");
        assert!(!holds(&[(field, &[no])], &event, &run), "{field:?} {no}");
    }
}

/// An issue of project `api`.
fn issue() -> Issue {
    Issue {
        project: Some(Project {
            id: Some("7".to_owned()),
            slug: Some("api".to_owned()),
            name: Some("API".to_owned()),
        }),
        level: Some("error".to_owned()),
        priority: Some("high".to_owned()),
        ..Issue::unknown(GroupId::new("1170820242"))
    }
}

/// Routes an event by one route; returns whether it matched, and the last thing said of why.
fn routed(route: Route, issue: Option<&Issue>) -> (bool, ConditionVerdict) {
    let event = event("pr_created");
    let run = known_run(&event);
    let table = RoutingTable::new(vec![route]);
    let decision = decide(&table, &event, &run, issue);
    let mut verdicts = table.verdicts(&event, &decision, issue.is_none());
    (verdicts[0].matched, verdicts.remove(0).why.pop().expect("a reason"))
}

#[test]
fn the_conditions_on_the_issue_look_at_its_project_level_and_priority() {
    let known = issue();
    for (field, yes, no) in [
        (Field::Project, "ap?", "API"),
        (Field::Project, "api", "7"),
        (Field::Level, "err*", "fatal"),
        (Field::Priority, "high", "low"),
    ] {
        assert!(routed(route("r", &[(field, &[no, yes])], &["d"]), Some(&known)).0, "{field:?} {yes}");
        let (matched, why) = routed(route("r", &[(field, &[no])], &["d"]), Some(&known));
        assert!(!matched, "{field:?} {no}");
        assert_eq!((why.value.is_some(), why.note), (true, None));
    }
}

#[test]
fn an_issue_that_is_not_known_meets_no_condition_excludes_nothing_and_is_said_to_be_unknown() {
    for field in [Field::Project, Field::Level, Field::Priority] {
        let (matched, why) = routed(route("r", &[(field, &["*"])], &["d"]), None);
        assert!(!matched, "{field:?}");
        assert_eq!((why.value, why.note), (None, Some(Note::IssueUnknown)));

        let excluding = Route { not: Some(conditions(&[(field, &["*"])])), ..route("r", &[], &["d"]) };
        let (matched, why) = routed(excluding.clone(), None);
        assert!(matched, "{field:?}");
        assert_eq!((why.condition, why.note), ("not", Some(Note::IssueUnknown)));
        assert!(!routed(excluding.clone(), Some(&issue())).0, "{field:?}");

        let half_known = Issue::unknown(GroupId::new("1"));
        let (matched, why) = routed(excluding, Some(&half_known));
        assert_eq!((matched, why.note), (true, None), "the issue is known, and has none: {field:?}");
    }
    let (_, why) = routed(route("r", &[(Field::Repo, &["x"])], &["d"]), None);
    assert_eq!(why.note, None, "a repository is not the issue's");
}

#[test]
fn a_table_says_whether_it_needs_the_issue() {
    let needs = |route: Route| RoutingTable::new(vec![route]).needs_issue();
    for field in Field::ALL.iter().copied() {
        let of_issue = [Field::Project, Field::Level, Field::Priority].contains(&field);
        assert_eq!(needs(route("r", &[(field, &["x"])], &["d"])), of_issue, "{field:?}");
        let not = Some(conditions(&[(field, &["x"])]));
        assert_eq!(needs(Route { not, ..route("r", &[], &["d"]) }), of_issue, "{field:?}");
    }
    assert!(!RoutingTable::default().needs_issue());
}

#[test]
fn all_conditions_must_hold() {
    let event = event("pr_created");
    let run = known_run(&event);
    assert!(holds(&[(Field::Action, &["pr_created"]), (Field::Repo, &["acme/*"])], &event, &run));
    assert!(!holds(&[(Field::Action, &["pr_created"]), (Field::Repo, &["other/*"])], &event, &run));
    assert!(holds(&[], &event, &run), "without conditions everything matches");
}

#[test]
fn what_is_unknown_matches_nothing_not_even_a_star() {
    let event = Event { group_id: None, ..event("root_cause_started") };
    let run = unknown_run(&event);
    for field in [Field::Repo, Field::Path, Field::Provider, Field::Classification, Field::Group] {
        assert!(!holds(&[(field, &["*"])], &event, &run), "{field:?}");
    }
}

#[test]
fn the_group_is_the_runs_where_the_event_names_none() {
    let named = event("pr_created");
    let run = known_run(&named);
    let silent = Event { group_id: None, ..named };
    assert!(holds(&[(Field::Group, &["1170820242"])], &silent, &run));
}

#[test]
fn not_excludes_the_events_for_which_all_of_its_conditions_hold() {
    let event = event("pr_created");
    let run = known_run(&event);
    let excluding =
        |not: &[(Field, &[&str])]| Route { not: Some(conditions(not)), ..route("r", &[], &["d"]) };
    assert!(matched(vec![excluding(&[(Field::Repo, &["acme/api"])])], &event, &run).is_empty());
    let both: &[(Field, &[&str])] = &[(Field::Repo, &["acme/api"]), (Field::Action, &["coding_*"])];
    assert_eq!(matched(vec![excluding(both)], &event, &run), ["r"]);
    let unknown = unknown_run(&event);
    assert_eq!(matched(vec![excluding(&[(Field::Repo, &["*"])])], &event, &unknown), ["r"]);
}

#[test]
fn the_relays_own_notices_go_only_where_an_action_names_them() {
    let notice = event("relay.stalled");
    let run = known_run(&notice);
    assert!(holds(&[(Field::Action, &["relay.*"])], &notice, &run));
    assert!(holds(&[(Field::Action, &["pr_*", "relay.stalled"])], &notice, &run));
    for when in [
        &[][..],
        &[(Field::Action, &["*"][..])],
        &[(Field::Action, &["r*", "?elay.*"])],
        &[(Field::Repo, &["acme/*"])],
    ] {
        assert!(!holds(when, &notice, &run), "{when:?}");
    }
    let otherwise = Route { otherwise: true, ..route("rest", &[], &["d"]) };
    assert!(matched(vec![otherwise], &notice, &run).is_empty());
    let careless = Route {
        not: Some(conditions(&[(Field::Action, &["*"])])),
        ..route("r", &[(Field::Action, &["relay.*"])], &["d"])
    };
    assert_eq!(matched(vec![careless], &notice, &run), ["r"], "a star excludes no notice either");
}

#[test]
fn each_destination_is_named_once_with_the_first_routes_template() {
    let event = event("pr_created");
    let first = Route { template_set: Some("oncall".to_owned()), ..route("a", &[], &["x", "y"]) };
    let second = Route { template_set: Some("other".to_owned()), ..route("b", &[], &["z", "x"]) };
    let table = RoutingTable::new(vec![first, second]);
    let decision = decide(&table, &event, &unknown_run(&event), None);
    let sets: Vec<_> =
        decision.destinations.iter().map(|each| (each.name.as_str(), each.template_set.as_deref())).collect();
    assert_eq!(sets, [("x", Some("oncall")), ("y", Some("oncall")), ("z", Some("other"))]);
}

#[test]
fn stop_ends_the_reading_only_where_its_route_matches() {
    let event = event("pr_created");
    let run = unknown_run(&event);
    let stop =
        |pattern: &'static str| Route { stop: true, ..route("stop", &[(Field::Action, &[pattern])], &[]) };
    let all = || route("all", &[], &["d"]);
    assert_eq!(matched(vec![stop("pr_*"), all()], &event, &run), ["stop"]);
    assert_eq!(matched(vec![stop("coding_*"), all()], &event, &run), ["all"]);
    assert_eq!(matched(vec![all(), stop("pr_*"), all()], &event, &run), ["all", "stop"]);
}

#[test]
fn otherwise_takes_what_no_route_above_it_took() {
    let event = event("pr_created");
    let run = unknown_run(&event);
    let taken = || route("fixes", &[(Field::Action, &["pr_*"])], &["d"]);
    let other = || route("code", &[(Field::Action, &["coding_*"])], &["d"]);
    let rest = || Route { otherwise: true, ..route("rest", &[], &["d"]) };
    let narrow = || Route { otherwise: true, ..route("narrow", &[(Field::Repo, &["acme/*"])], &["d"]) };
    assert_eq!(matched(vec![taken(), rest()], &event, &run), ["fixes"]);
    assert_eq!(matched(vec![other(), rest()], &event, &run), ["rest"]);
    assert_eq!(matched(vec![rest(), taken()], &event, &run), ["rest", "fixes"], "routes below do not count");
    assert_eq!(
        matched(vec![other(), narrow(), rest()], &event, &run),
        ["rest"],
        "its own conditions count as well"
    );
    assert_eq!(matched(vec![rest(), rest()], &event, &run), ["rest"]);
    assert!(matched(vec![], &event, &run).is_empty());
}

#[test]
fn a_decision_says_of_every_route_why() {
    let event = event("pr_created");
    let run = known_run(&event);
    let table = RoutingTable::new(vec![
        Route {
            not: Some(conditions(&[(Field::Repo, &["acme/legacy"]), (Field::Action, &["pr_*"])])),
            stop: true,
            ..route(
                "fixes",
                &[(Field::Action, &["pr_created", "pr_ready_for_review"]), (Field::Repo, &["acme/*"])],
                &["d"],
            )
        },
        Route { otherwise: true, ..route("rest", &[(Field::Classification, &["rca_only", "none"])], &["d"]) },
    ]);
    let decision = decide(&table, &event, &run, None);
    assert_eq!(
        decision.destinations,
        [RoutedDestination { name: DestinationName::new("d"), template_set: None, routes: vec![0] }]
    );
    assert_eq!(decision.answers.as_text(), "++-+");
    assert_eq!(
        serde_json::to_value(table.verdicts(&event, &decision, true)).expect("serialises"),
        json!([
            { "name": "fixes", "matched": true, "to": ["d"], "why": [
                { "condition": "action", "pattern": "pr_created", "value": "pr_created", "held": true, "note": null },
                { "condition": "repo", "pattern": "acme/*", "value": "acme/api", "held": true, "note": null },
                { "condition": "not", "pattern": "repo = acme/legacy, action = pr_*",
                  "value": "acme/api, acme/web, pr_created", "held": true, "note": null },
            ]},
            { "name": "rest", "matched": false, "to": ["d"], "why": [
                { "condition": "stop", "pattern": "fixes", "value": null, "held": false, "note": null },
            ]},
        ])
    );
}

#[test]
fn a_route_that_failed_says_of_each_condition_what_was_seen() {
    let event = event("pr_created");
    let run = known_run(&event);
    let table = RoutingTable::new(vec![
        route("fixes", &[(Field::Action, &["pr_*"])], &["d"]),
        Route { otherwise: true, ..route("rest", &[(Field::Classification, &["rca_only", "none"])], &["d"]) },
    ]);
    let decision = decide(&table, &event, &run, None);
    let rest = serde_json::to_value(&table.verdicts(&event, &decision, true)[1].why).expect("serialises");
    assert_eq!(
        rest,
        json!([
            { "condition": "otherwise", "pattern": "true", "value": "fixes", "held": false, "note": null },
            { "condition": "classification", "pattern": "rca_only, none", "value": "code_fix", "held": false, "note": null },
        ])
    );
}

#[test]
fn of_many_values_the_first_are_kept_and_those_that_matched() {
    let event = event("pr_created");
    let file =
        |number: usize| FileChange { path: Some(format!("src/{number:03}.py")), ..FileChange::default() };
    let files = (0..500).map(file).collect();
    let changes = vec![RepositoryChange { files, ..RepositoryChange::default() }];
    let run = Run { changes, ..unknown_run(&event) };
    let hit = || route("hit", &[(Field::Path, &["src/4*9.py"])], &["d"]);
    let miss = || route("miss", &[(Field::Path, &["docs/*"])], &["d"]);
    let kept = |routes| {
        let table = RoutingTable::new(routes);
        let Answers { seen, .. } = decide(&table, &event, &run, None).answers;
        let [path] = seen.as_slice() else { panic!("{seen:?}") };
        (path.values.len(), path.values.last().cloned().expect("some"), path.left_out)
    };
    assert_eq!(kept(vec![hit()]), (1, "src/409.py".to_owned(), 499), "all held: what matched is enough");
    assert_eq!(kept(vec![miss()]), (20, "src/019.py".to_owned(), 480));
    assert_eq!(kept(vec![miss(), hit()]), (21, "src/409.py".to_owned(), 479));
}

#[test]
fn answers_of_another_table_are_not_taken_for_this_ones() {
    let event = event("pr_created");
    let table = RoutingTable::new(vec![route("r", &[(Field::Action, &["pr_*"])], &["d"])]);
    for other in ["", "++", "+-"] {
        let answers = Answers::read(other, None).expect("answers");
        assert_eq!(table.decided(&event, answers), None, "{other:?}");
    }
}

#[test]
fn the_template_set_is_the_first_routes_else_the_destinations_own() {
    let event = event("pr_created");
    let plain = route("plain", &[], &["a"]);
    let oncall = Route { template_set: Some("oncall".to_owned()), ..route("oncall", &[], &["a", "b"]) };
    let own = ["a", "c"].map(|name| (DestinationName::new(name), "own".to_owned())).to_vec();
    let table = RoutingTable::new(vec![plain, oncall]).with_own_sets(own);
    let decision = decide(&table, &event, &unknown_run(&event), None);
    let set = |name: &str| table.set_for(&decision, &DestinationName::new(name), Part::Message);
    assert_eq!(set("a"), Some(("own", SetFrom::Destination)), "the first route names none");
    assert_eq!(set("b"), Some(("oncall", SetFrom::Route("oncall".to_owned()))));
    assert_eq!(set("z"), None);
}

#[test]
fn what_is_unknown_is_null_in_the_reasons() {
    let event = event("root_cause_started");
    let table = RoutingTable::new(vec![route("r", &[(Field::Repo, &["*"])], &["d"])]);
    let run = unknown_run(&event);
    let decision = decide(&table, &event, &run, None);
    assert_eq!(table.verdicts(&event, &decision, true)[0].why[0].value, None);
    assert!(decision.matched.is_empty());
    let notice = Event { action: Action::from_name("relay.stalled"), ..event };
    let table = RoutingTable::new(vec![route("all", &[], &["d"])]);
    let decision = decide(&table, &notice, &unknown_run(&notice), None);
    let why = &table.verdicts(&notice, &decision, true)[0].why;
    assert_eq!((why[0].condition, why[0].held), ("action", false));
}

fn any_route() -> impl Strategy<Value = Route> {
    let field = prop::sample::select(Field::ALL);
    let pattern = prop::sample::select(vec![
        "*",
        "pr_*",
        "relay.*",
        "acme/api",
        "acme/*",
        "code_fix",
        "1170820242",
        "api",
        "error",
        "high",
        "x",
    ]);
    let list = || prop::collection::vec((field.clone(), prop::collection::vec(pattern.clone(), 1..3)), 0..3);
    let to = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..3);
    (list(), prop::option::of(list()), any::<bool>(), any::<bool>(), to).prop_map(
        |(when, not, otherwise, stop, to)| {
            let conditions = |list: Vec<(Field, Vec<&str>)>| {
                let condition = |(field, patterns): (Field, Vec<&str>)| Condition {
                    field,
                    patterns: patterns.into_iter().map(Pattern::new).collect(),
                };
                Conditions(list.into_iter().map(condition).collect())
            };
            Route {
                when: conditions(when),
                not: not.map(conditions),
                otherwise,
                stop,
                ..route("r", &[], &to)
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_kept_of_a_decision_tells_the_same_as_the_decision(
        routes in prop::collection::vec(any_route(), 0..6),
        action in prop::sample::select(vec!["pr_created", "coding_started", "relay.stalled", "new_one"]),
        is_known in any::<bool>(),
        is_issue_known in any::<bool>(),
    ) {
        let issue = is_issue_known.then(issue);
        let issue = issue.as_ref();
        let event = event(action);
        let run = if is_known { known_run(&event) } else { unknown_run(&event) };
        let table = RoutingTable::new(routes);
        let decision = decide(&table, &event, &run, issue);
        let sends = |verdict: &RouteVerdict, name: &DestinationName| verdict.matched && verdict.to.contains(name);
        let verdicts = table.verdicts(&event, &decision, issue.is_none());
        for name in ["a", "b", "c"].map(DestinationName::new) {
            let is_told = verdicts.iter().any(|verdict| sends(verdict, &name));
            let is_sent = decision.destinations.iter().any(|to| to.name == name);
            prop_assert_eq!(is_told, is_sent);
        }
    }
}
