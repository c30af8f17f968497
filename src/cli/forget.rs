//! `forget`: removes runs for good, after it has said how much that is, and tells what was removed before.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::Path;
use std::pin::pin;

use serde_json::{Value, json};

use super::serve::signals::Stops;
use super::settings::{OpenStore, json, store, store_alone};
use super::table::table;
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::render::context::rfc3339;
use crate::store::{Doomed, ForgetEnd, ForgetTarget, Forgotten, History, Queue, Store};
use crate::words::quoted;

/// Remove runs for good: events, payloads, deliveries, what is known of their issues. What waits of them is not sent. Works
/// beside a running relay.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["run", "repo", "list"])))]
pub(super) struct Forget {
    /// The run as `runs` shows it (`acme/12345`), or its id alone where that is unique
    #[arg(value_name = "RUN", conflicts_with = "repo")]
    run: Option<String>,
    /// Every run that is about this repository (`acme/api`)
    #[arg(long, value_name = "REPO", conflicts_with = "list")]
    repo: Option<String>,
    /// List what was removed, and when; with RUN, or a repository in its place, what was removed under that name
    #[arg(long)]
    list: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Forget {
    pub(super) async fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        if self.list {
            return self.show(dir, terminal).await;
        }
        let target = match (&self.run, &self.repo) {
            (Some(run), _) => ForgetTarget::Run(run.clone()),
            (None, repo) => ForgetTarget::Repo(repo.clone().unwrap_or_default()),
        };
        let store = store(dir).await?;
        let doomed = store.doomed(target).await?;
        if doomed.runs() == 0 {
            return Ok(self.nothing().into());
        }
        if !self.yes && !is_wanted(&doomed)? {
            return Ok(Output { code: 1, warning: "nothing was removed\n".to_owned(), ..Output::default() });
        }
        let end = to_its_end(&store, doomed).await?;
        let text = if self.json { json(&as_json(&end.forgotten)) } else { as_text(&end.forgotten) };
        Ok(Output { warning: warning(&end), ..text.into() })
    }

    fn nothing(&self) -> String {
        if self.json { json(&Value::Null) } else { "there is nothing to remove\n".to_owned() }
    }

    async fn show(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let OpenStore { store, warning, .. } = store_alone(dir).await?;
        let names_one = self.run.is_some();
        let forgotten = store.forgotten(self.run).await?;
        let text = if self.json {
            json(&forgotten.iter().map(as_json).collect::<Vec<_>>())
        } else if forgotten.is_empty() {
            let by = if names_one { " by this name" } else { "" };
            format!("nothing was removed{by}\n")
        } else {
            let rows = forgotten.iter().map(|each| {
                let Forgotten { at, kind, fingerprint, runs, events, deliveries } = each;
                let numbers = [runs, events, deliveries].map(ToString::to_string);
                let [runs, events, deliveries] = numbers;
                let short = fingerprint.get(..12).unwrap_or(fingerprint).to_owned();
                [rfc3339(*at), kind.clone(), short, runs, events, deliveries]
            });
            table(terminal, ["REMOVED", "WHAT", "FINGERPRINT", "RUNS", "EVENTS", "DELIVERIES"], rows)
        };
        Ok(Output { warning, ..text.into() })
    }
}

/// Removes it. A signal ends that only when it comes twice: what was written must not be left behind what is removed.
async fn to_its_end(store: &Store, doomed: Doomed) -> Result<ForgetEnd, Failure> {
    let mut stops = Stops::listen_for_command()?;
    let mut work = pin!(store.forget(doomed, Clock::system().now()));
    tokio::select! {
        end = &mut work => return Ok(end?),
        () = stops.next() => {}
    }
    let going_on =
        "going on to the end: what is removed is still being overwritten; a second signal ends that, too\n";
    // Where nobody reads it, it goes on all the same.
    let _ = stderr().write_all(going_on.as_bytes());
    tokio::select! {
        end = &mut work => Ok(end?),
        () = stops.next() => Err(Failure::new(
            "it was interrupted: not all of it is removed, and what is may still stand in the file",
            "run it again; where nothing is left to remove, `forget` of any other run overwrites the rest, and so does a stop of the relay",
        )),
    }
}

/// Says how much it is, and asks.
fn is_wanted(doomed: &Doomed) -> Result<bool, Failure> {
    let what = amount(doomed);
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::new(
            format!("{what} would be removed for good, and nobody can be asked"),
            "say `--yes` where that is meant",
        ));
    }
    let asked =
        write!(stderr(), "{what} will be removed for good. Go on? [y/N] ").and_then(|()| stderr().flush());
    let mut answer = String::new();
    asked.and_then(|()| stdin().lock().read_line(&mut answer)).map_err(anyhow::Error::from)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn amount(doomed: &Doomed) -> String {
    let numbers = numbers(doomed.runs(), doomed.events, doomed.deliveries);
    match &doomed.target {
        ForgetTarget::Run(name) => format!("{} ({numbers})", quoted(name)),
        ForgetTarget::Repo(name) => format!("everything about {} ({numbers})", quoted(name)),
    }
}

fn numbers(runs: u64, events: u64, deliveries: u64) -> String {
    let counted = |number: u64, one: &str, many: &str| {
        if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
    };
    format!(
        "{}, {} and {}",
        counted(runs, "run", "runs"),
        counted(events, "event", "events"),
        counted(deliveries, "delivery", "deliveries")
    )
}

fn as_json(forgotten: &Forgotten) -> Value {
    let Forgotten { at, kind, fingerprint, runs, events, deliveries } = forgotten;
    json!({
        "at": rfc3339(*at), "kind": kind, "fingerprint": fingerprint,
        "runs": runs, "events": events, "deliveries": deliveries,
    })
}

fn as_text(forgotten: &Forgotten) -> String {
    format!("removed {}\n", numbers(forgotten.runs, forgotten.events, forgotten.deliveries))
}

fn warning(end: &ForgetEnd) -> String {
    if end.is_overwritten {
        return String::new();
    }
    "warning: somebody reads the store all the while, so that its log still holds what was removed\n\n\
     hint: the relay empties the log when it stops; `seer-relay forget` on another run does so, too\n"
        .to_owned()
}
