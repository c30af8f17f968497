//! `demo`: the whole relay on this machine.

use std::io::stdout;

use super::{Failure, Output, Terminal};
use crate::config::Environment;
use crate::demo::DemoOptions;
use crate::preview::terminal::Style;

/// See the whole relay at work on this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Play fast, print a summary, and leave: exit code 0 only if every message arrived
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) async fn run(self, terminal: Terminal) -> Result<Output, Failure> {
        let once = self.once;
        let style = Style { colour: terminal.colour, width: terminal.width };
        let options = DemoOptions { once, style, program: Environment::program() };
        let summary = crate::demo::run(options, &mut stdout()).await.map_err(anyhow::Error::from)?;
        Ok(Output { code: u8::from(once && !summary.all_arrived()), ..Output::default() })
    }
}
