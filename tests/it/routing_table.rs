//! No event is in two minds: what `route` says before, what is delivered, and what `explain` says afterwards are one.

mod rows;

use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Runs, TestRunner};
use seer_relay::app;
use seer_relay::check::Checked;
use seer_relay::cli::{self, Arguments, Terminal};
use seer_relay::clock::Clock;
use seer_relay::config::{Config, Environment};
use seer_relay::delivery::Part;
use seer_relay::demo::receivers::sentry::{SentryStandIn, issue};
use seer_relay::event::{Action, Organization};
use seer_relay::issue::Issue;
use seer_relay::render::Renderer;
use seer_relay::run::Run;
use seer_relay::sample::{self, SampleIds, Shape};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Receiver, SECRET, Sentry};

/// A run's steps, in order, as the samples have them.
const STEPS: [Action; 7] = [
    Action::RootCauseStarted,
    Action::RootCauseCompleted,
    Action::SolutionStarted,
    Action::SolutionCompleted,
    Action::CodingStarted,
    Action::CodingCompleted,
    Action::PrCreated,
];

/// Those of them of which the rows tell.
const TOLD: [Action; 4] =
    [Action::RootCauseStarted, Action::RootCauseCompleted, Action::CodingCompleted, Action::PrCreated];

const DESTINATIONS: [&str; 4] = ["a", "b", "c", "own"];
const SETS: [&str; 2] = ["oncall", "own"];
const TOKEN: &str = "hunter2-hunter2-hunter2";

/// What is known of the issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nobody is asked.
    Nothing,
    /// Sentry knows it.
    Everything,
    /// Sentry is asked, and knows no such issue.
    InVain,
}

/// A folder of settings with these routes; every destination is the receiver.
struct Folder(TempDir);

impl Folder {
    fn new(routes: &str, receiver: &Receiver, api: Option<&SentryStandIn>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let api = api.map(|api| format!("api_token = \"{TOKEN}\"\napi_url = \"{}\"\n", api.url()));
        let relay = format!(
            "http.listen = \"127.0.0.1:0\"\nstore.url = \"sqlite:{}\"\ndelivery.stop_grace = \"5s\"\n\
             [sentry.acme]\nclient_secrets = [\"{SECRET}\"]\n{}",
            folder.path().join("relay.db").display(),
            api.unwrap_or_default(),
        );
        let destination = |name: &str| {
            let own = if name == "own" { "template = \"own\"\n" } else { "" };
            format!("[webhook.{name}]\nurl = \"{}\"\n{own}", receiver.url(&format!("/{name}")))
        };
        let is_named = |name: &&&str| routes.contains(&format!("{name:?}"));
        let named: Vec<_> = DESTINATIONS.iter().filter(is_named).chain(&["end"]).collect();
        let destinations: String = named.iter().map(|name| destination(name)).collect();
        // What comes last says that everything before it was planned.
        let end = r#"{ name = "the end", when = { action = "the_end" }, to = ["end"], stop = true }"#;
        let routes = format!("route = [\n{end},\n{routes}\n]\n{destinations}");
        std::fs::write(folder.path().join("relay.toml"), relay).unwrap();
        std::fs::write(folder.path().join("routes.toml"), routes).unwrap();
        // To try a set that nobody asks for takes as long as to try the built-in templates.
        for set in SETS.iter().filter(is_named) {
            let set_folder = folder.path().join("templates").join(set).join("webhook");
            std::fs::create_dir_all(&set_folder).unwrap();
            let template = format!(r#"{{ "set": "{set}", "action": "{{{{ event.action }}}}" }}"#);
            std::fs::write(set_folder.join("default.json.tera"), template).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> Config {
        Config::load(self.path(), &Environment::default()).unwrap_or_else(|report| panic!("{report}"))
    }

    /// Runs a command, and reads its `--json`.
    async fn json(&self, arguments: &[&str]) -> Value {
        let dir = self.path().to_str().unwrap();
        let whole = [&["seer-relay", "--config-dir", dir], arguments, &["--json"]].concat();
        let terminal = Terminal { is_terminal: false, colour: false, width: 80 };
        let output = cli::run(Arguments::try_parse_from(whole).unwrap(), terminal).await;
        let output = output.unwrap_or_else(|failure| panic!("{arguments:?}: {}", failure.report(false)));
        serde_json::from_str(&output.text).unwrap()
    }
}

/// What somebody says of where an event goes: each destination, with its template set behind a colon, in order of names.
fn line(mut places: Vec<String>) -> String {
    places.sort();
    if places.is_empty() { "-".to_owned() } else { places.join(" ") }
}

fn place(destination: &Value, set: &Value) -> String {
    let name = destination.as_str().unwrap();
    set.as_str().map_or_else(|| name.to_owned(), |set| format!("{name}:{set}"))
}

fn lines_of(deliveries: &Value) -> String {
    let rows = deliveries.as_array().unwrap().iter();
    line(rows.map(|row| place(&row["destination"], &row["template_set"])).collect())
}

/// Sends a run through a relay with these routes, and has `route`, the receiver and `explain` say where each of its events
/// goes. They must agree; returns what they say, by action.
async fn agree(routes: &str, known: Known, asked: &[Action]) -> BTreeMap<String, String> {
    let api = (known != Known::Nothing).then(|| SentryStandIn::start("acme", Clock::system()).unwrap());
    if let Some(api) = &api {
        api.grant(TOKEN, &["event:read"]);
    }
    if let (Some(api), Known::Everything) = (&api, known) {
        api.put("1170820242", issue("1170820242", "API-1X", "boom", "api"));
    }
    let receiver = Receiver::start();
    let folder = Folder::new(routes, &receiver, api.as_ref());
    let forecast = forecast(&folder, known);
    let expected: usize =
        forecast.values().map(|(line, _)| line.split(' ').filter(|word| *word != "-").count()).sum();
    let ids = run_through(&folder, &receiver, expected).await;

    let mut delivered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in receiver.taken() {
        let (document, name) = (message.json(), message.target.trim_start_matches('/').to_owned());
        let action = document["action"].as_str().or(document["data"]["event"]["action"].as_str()).unwrap();
        delivered.entry(action.to_owned()).or_default().push(place(&json!(name), &document["set"]));
    }
    let mut told = BTreeMap::new();
    for (action, id) in ids {
        let (expected, verdicts) = &forecast[&action];
        let was_delivered = line(delivered.remove(&action).unwrap_or_default());
        assert_eq!(
            &was_delivered, expected,
            "what was delivered of {action}, and what `route` says: {routes}"
        );
        let explained = folder.json(&["explain", &id]).await;
        assert_eq!(&lines_of(&explained["deliveries"]), expected, "explain {action}: {routes}");
        assert_eq!(&explained["reasons"], verdicts, "why {action}: {routes}");
        if asked.iter().any(|asked| asked.as_str() == action) {
            let more: &[&str] = if known == Known::Everything { &[] } else { &["--no-issue"] };
            let route = folder.json(&[&["route", action.as_str()], more].concat()).await;
            assert_eq!(&lines_of(&route["deliveries"]), expected, "route {action}: {routes}");
            assert_eq!(&route["routes"], verdicts, "route {action}: {routes}");
        }
        told.insert(action, was_delivered);
    }
    told
}

/// Returns what the routes say of each event of the sample run: where it goes, and why.
fn forecast(folder: &Folder, known: Known) -> BTreeMap<String, (String, Value)> {
    let routing = folder.config().routing;
    let forecast = |action: &Action| {
        let organization = Organization::new("acme");
        let telling = sample::telling(action, Shape::Present, &organization, Clock::system().now()).unwrap();
        let issue: Option<Issue> = telling.issue.filter(|_| known == Known::Everything);
        let event = telling.events.last().unwrap();
        let decision = routing.route(event, &Run::fold(&telling.events).unwrap(), issue.as_ref());
        let places = decision.destinations.iter().map(|to| {
            let set = routing.set_for(&decision, &to.name, Part::Message).map(|(set, _)| set);
            place(&json!(to.name), &json!(set))
        });
        let verdicts = json!(routing.verdicts(event, &decision, issue.is_none()));
        (action.to_string(), (line(places.collect()), verdicts))
    };
    STEPS.iter().map(forecast).collect()
}

/// Sends the sample run through a relay, to its end; returns the events by action.
async fn run_through(folder: &Folder, receiver: &Receiver, expected: usize) -> Vec<(String, String)> {
    let config = folder.config();
    let renderer = Renderer::load(&config.templates).unwrap();
    let checked = Checked { config, renderer, digest: String::new() };
    let relay = app::start(checked, Clock::system()).await.unwrap();
    let sentry = Sentry::new(&relay.address().to_string());
    let mut ids = Vec::new();
    // Of the same run, so that the last one is planned behind all others, however long these wait for the issue.
    for action in STEPS.into_iter().chain([Action::from_name("the_end")]) {
        let body = sample::body(&action, Shape::Present, &SampleIds::default());
        ids.push((action.to_string(), sentry.accepted(action.as_str(), &body["data"]).await));
    }
    ids.pop();
    receiver.took(expected + 1).await;
    relay.stop().await;
    ids
}

async fn table(rows: &[(&str, [&str; 4])], known: Known) {
    for (number, (routes, expected)) in rows.iter().enumerate() {
        // The command loads and tries all templates each time, so every third file asks it, of one step, in turn; the
        // others ask the function that it asks.
        let asked = (number % 3 == 0).then(|| STEPS[number % STEPS.len()].clone());
        let told = agree(routes, known, asked.as_slice()).await;
        let told = TOLD.map(|action| told[action.as_str()].clone());
        assert_eq!(told, expected.map(str::to_owned), "{routes}");
    }
}

#[tokio::test]
async fn route_explain_and_what_is_delivered_agree_on_the_first_half_of_the_files() {
    table(&rows::UNKNOWN_ISSUE[..26], Known::Nothing).await;
}

#[tokio::test]
async fn route_explain_and_what_is_delivered_agree_on_the_other_half_of_the_files() {
    table(&rows::UNKNOWN_ISSUE[26..], Known::Nothing).await;
}

#[tokio::test]
async fn route_explain_and_what_is_delivered_agree_on_conditions_on_the_issue() {
    table(rows::KNOWN_ISSUE, Known::Everything).await;
    table(rows::ISSUE_ASKED_FOR_IN_VAIN, Known::InVain).await;
    let files = [rows::UNKNOWN_ISSUE.len(), rows::KNOWN_ISSUE.len(), rows::ISSUE_ASKED_FOR_IN_VAIN.len()];
    assert_eq!(files.iter().sum::<usize>(), 60);
}

/// A `when` of some conditions.
fn any_when() -> impl Strategy<Value = String> {
    let conditions = [
        ("action", &["pr_*", "*_completed", "coding_started", "relay.*", "*"][..]),
        ("repo", &["acme/*", "acme/web", "*"]),
        ("path", &["tests/*", "*.py", "docs/*"]),
        ("provider", &["github", "gitlab"]),
        ("classification", &["code_fix", "rca_only"]),
        ("group", &["1170820242", "5"]),
        ("organization", &["acme"]),
    ];
    let condition = conditions.map(|(field, patterns)| {
        let some = prop::sample::subsequence(patterns.to_vec(), 1..=patterns.len().min(2));
        prop::option::weighted(0.25, some.prop_map(move |patterns| format!("{field} = {patterns:?}")))
    });
    condition.to_vec().prop_map(|some| some.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// A file of up to six routes.
fn any_routes() -> impl Strategy<Value = String> {
    let not = prop::option::weighted(0.3, any_when());
    let to = prop::sample::subsequence(DESTINATIONS.to_vec(), 1..=DESTINATIONS.len());
    let set = prop::option::weighted(0.3, prop::sample::select(SETS.to_vec()));
    let flags = (prop::bool::weighted(0.25), prop::bool::weighted(0.2));
    let route = (any_when(), not, to, set, flags).prop_map(|(when, not, to, set, (otherwise, stop))| {
        let not = not.filter(|not| !not.is_empty()).map(|not| format!("not = {{ {not} }}"));
        let when: Vec<String> = Some(when).filter(|when| !when.is_empty()).into_iter().chain(not).collect();
        let set = set.map(|set| format!(", template = \"{set}\"")).unwrap_or_default();
        let when = when.join(", ");
        format!("{{ when = {{ {when} }}, to = {to:?}, otherwise = {otherwise}, stop = {stop}{set} }}")
    });
    prop::collection::vec(route, 0..6).prop_map(|routes| routes.join(",\n"))
}

#[tokio::test]
async fn no_event_is_in_two_minds_whatever_the_routes() {
    let mut runner = TestRunner::new(Runs::default());
    for _ in 0..12 {
        let routes = any_routes().new_tree(&mut runner).unwrap().current();
        agree(&routes, Known::Nothing, &[Action::CodingCompleted]).await;
    }
}
