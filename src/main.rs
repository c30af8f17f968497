//! The program: parses arguments, runs the command, prints what it returns, sets the exit code.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use seer_relay::cli::{self, Arguments, Terminal};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("error: cannot start the runtime: {error}\n")),
    };
    let result = runtime.block_on(cli::run(arguments, Terminal::of_process()));
    // Nothing is waited for: whatever must be finished was finished by the command.
    runtime.shutdown_background();
    match result {
        Ok(output) => {
            let _ = stderr().write_all(output.warning.as_bytes());
            match stdout().write_all(output.text.as_bytes()).and_then(|()| stdout().flush()) {
                // A closed pipe (`| head`) is no fault of ours.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    fail(&format!("error: cannot write the result: {error}\n"))
                }
                Ok(()) | Err(_) => ExitCode::from(output.code),
            }
        }
        Err(failure) => fail(&failure.report(stderr().is_terminal() && cli::colour_is_wanted())),
    }
}

fn fail(text: &str) -> ExitCode {
    let _ = stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
