//! The command line: one small file per subcommand, each a function that returns what to print.
//!
//! Knows no logic of its own: every command is a view on the rooms below.

mod backtest;
mod check;
mod dashboard;
mod demo;
mod doctor;
mod draw;
mod explain;
mod export;
mod failure;
mod forecast;
mod forget;
mod history;
mod init;
mod moment;
mod render;
mod replay;
mod report;
mod route;
mod schema;
mod send;
mod serve;
mod settings;
mod story;
mod table;
mod test;

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, Parser, Subcommand};

pub use failure::Failure;

/// The folder where nobody names another one.
const CONFIG_DIR: &str = "config";

/// A variable that is empty counts as not set, as everywhere.
fn config_dir(text: OsString) -> PathBuf {
    if text.is_empty() { PathBuf::from(CONFIG_DIR) } else { PathBuf::from(text) }
}

/// What a user types.
#[derive(Debug, Parser)]
#[command(name = "seer-relay", version, about, long_about = None, max_term_width = 100)]
pub struct Arguments {
    /// The folder with relay.toml, routes.toml and templates/
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SEER_RELAY_CONFIG_DIR",
        default_value = CONFIG_DIR,
        value_parser = OsStringValueParser::new().map(config_dir)
    )]
    config_dir: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay (this is what happens without a command, too)
    Serve(serve::Serve),
    /// See the whole relay at work on this machine: no account, no secret, nothing to set up
    Demo(demo::Demo),
    /// Write a commented starter folder and say what to do in Sentry
    Init(init::Init),
    /// Load settings, routes and templates, and show every fault with its place and a hint
    Check(check::Check),
    /// Look for what keeps webhooks from coming in and messages from going out, and say what to do
    Doctor(doctor::Doctor),
    /// Show which routes match an event, why, and where it would go
    Route(route::Route),
    /// Send the stored events through today's routes and through new ones, and show what would change
    Backtest(backtest::Backtest),
    /// Show the exact request body that would be sent to a destination, or draw all of them on one page
    Render(render::Render),
    /// Sign a webhook as Sentry does and post it to a running relay
    Send(send::Send),
    /// Send one test message to a real destination now, and say how it went
    Test(test::Test),
    /// Print the address of the dashboard, with a key that logs in
    Dashboard(dashboard::Dashboard),
    /// List runs, the newest first
    Runs(history::Runs),
    /// Show one run: its events, their routes, their deliveries
    Show(history::Show),
    /// Tell what became of one event, and why: its routes, its deliveries, every attempt
    Explain(explain::Explain),
    /// List deliveries, the newest first
    Deliveries(history::Deliveries),
    /// Take the record away: every event with its deliveries, as JSON lines or CSV
    Export(export::Export),
    /// Count: how far runs came, how long they took, what became of the messages
    Report(report::Report),
    /// Send again: deliveries, events, runs, or all dead letters
    Replay(replay::Replay),
    /// Remove runs for good, with everything that was written of them
    Forget(forget::Forget),
    /// Print the JSON Schema of relay.toml or routes.toml, for editors
    Schema(schema::Schema),
    /// Print a shell's completion script
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What a command prints, and its exit code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// What to print.
    pub text: String,
    /// What to print on standard error.
    pub warning: String,
    /// 0 fine, 1 it found a fault.
    pub code: u8,
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// What is known of the place where the output goes.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// Whether to use colours.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

impl Terminal {
    /// Asks the process' standard output.
    pub fn of_process() -> Self {
        let is_terminal = stdout().is_terminal();
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Self { is_terminal, colour: is_terminal && colour_is_wanted(), width }
    }
}

/// Returns whether the user did not ask for plain text by `NO_COLOR`.
pub fn colour_is_wanted() -> bool {
    !crate::config::Environment::of_process().is_set("NO_COLOR")
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]: what went wrong, where, how to mend it.
pub async fn run(arguments: Arguments, terminal: Terminal) -> Result<Output, Failure> {
    let dir = arguments.config_dir.as_path();
    match arguments.command.unwrap_or_else(|| Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => serve.run(dir).await,
        Command::Demo(demo) => demo.run(terminal).await,
        Command::Init(init) => init.run(dir),
        Command::Check(check) => Ok(check.run(dir)),
        Command::Doctor(doctor) => doctor.run(dir, terminal).await,
        Command::Route(route) => route.run(dir, terminal),
        Command::Backtest(backtest) => backtest.run(dir, terminal).await,
        Command::Render(render) => render.run(dir),
        Command::Send(send) => send.run(dir).await,
        Command::Test(test) => test.run(dir).await,
        Command::Dashboard(dashboard) => dashboard.run(dir),
        Command::Runs(runs) => runs.run(dir, terminal).await,
        Command::Show(show) => show.run(dir, terminal).await,
        Command::Explain(explain) => explain.run(dir, terminal).await,
        Command::Deliveries(deliveries) => deliveries.run(dir, terminal).await,
        Command::Export(export) => export.run(dir).await,
        Command::Report(report) => report.run(dir, terminal).await,
        Command::Replay(replay) => replay.run(dir).await,
        Command::Forget(forget) => forget.run(dir, terminal).await,
        Command::Schema(schema) => Ok(schema.run()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "seer-relay", &mut script);
            Ok(Output::from(String::from_utf8_lossy(&script).into_owned()))
        }
    }
}
