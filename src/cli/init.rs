//! `init`: a commented starter folder, and what to do in Sentry.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Failure, Output};
use crate::config::starter;

/// What is left to do, in the order in which it is done.
const NEXT_STEPS: &str = "\
In Sentry (you need to be an owner or manager of the organization):

  1. Settings > Developer Settings > Custom Integrations > Create New Integration > Internal Integration
  2. Webhook URL: https://YOUR-HOST/webhooks/sentry, an address that Sentry reaches from the internet
  3. Permissions: Issue & Event: Read. Webhooks: tick seer
  4. Save, and copy the Client Secret

When Sentry adds new Seer events, save the integration once more: only then does it send them.

Here:

  5. In relay.toml, name your organization by its slug (the acme of acme.sentry.io)
  6. Set the secrets that the two files name:
       export SENTRY_CLIENT_SECRET=...    the Client Secret
       export SLACK_WEBHOOK_URL=...       Slack > your app > Incoming Webhooks > Add New Webhook
     For Discord take the # away from [discord.dev] in routes.toml, and name `dev` in a route:
       export DISCORD_WEBHOOK_URL=...     Discord > Edit Channel > Integrations > Webhooks > Copy Webhook URL
  7. seer-relay check{flag}
  8. seer-relay test team{flag}           one message to Slack
  9. seer-relay serve{flag}

From another terminal, with the same variables:

 10. seer-relay send pr_created{flag}     signs and posts a sample, as Sentry has no test button
";

/// Write a starter folder; what is there already is never overwritten.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Where to write it [default: the config folder]
    dir: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(self, config_dir: &Path) -> Result<Output, Failure> {
        let dir = self.dir.as_deref().unwrap_or(config_dir);
        let written = starter::write(dir).map_err(|error| {
            Failure::new(
                error.to_string(),
                "name another folder, `seer-relay init DIR`, or go on with this one",
            )
        })?;
        let mut text = String::new();
        for path in written {
            let _ = writeln!(text, "wrote {}", path.display());
        }
        let flag = if dir == Path::new("config") {
            String::new()
        } else {
            format!(" --config-dir {}", dir.display())
        };
        let _ = write!(text, "\n{}", NEXT_STEPS.replace("{flag}", &flag));
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_writes_what_check_takes_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("config");
        Init { dir: Some(dir.clone()) }.run(Path::new("unused")).unwrap();
        let report = crate::check::check(&dir, &crate::config::Environment::from_pairs([("A", "b")]));
        assert!(report.faults.is_empty(), "{:?}", report.faults);
        std::fs::write(dir.join("routes.toml"), "mine").unwrap();
        let again = Init { dir: Some(dir.clone()) }.run(Path::new("unused")).unwrap_err();
        assert!(again.report(false).contains("overwrites nothing"), "{}", again.report(false));
        assert_eq!(std::fs::read_to_string(dir.join("routes.toml")).unwrap(), "mine");
    }
}
