//! Settings that are fixed once the relay runs: another value counts from its next start on.

use std::fmt;

use crate::config::Config;

/// A setting that was changed and waits for the next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsRestart {
    /// The setting, `table.key`.
    pub key: &'static str,
    /// The value in force.
    pub in_force: String,
    /// The value in the files, or in the environment.
    pub wanted: String,
}

impl fmt::Display for NeedsRestart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, in_force, wanted } = self;
        write!(
            formatter,
            "`{key}` is `{wanted}` now, but stays `{in_force}` until the relay is started again"
        )
    }
}

/// The fixed settings, as text; none of them is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed([(&'static str, String); 3]);

impl Fixed {
    /// Takes them out of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        Self([
            ("http.listen", config.http.listen.to_string()),
            ("store.url", format!("sqlite:{}", config.store.path.display())),
            ("log.format", config.log.format.as_str().to_owned()),
        ])
    }

    /// Returns what another configuration would change of them.
    pub(super) fn changed_by(&self, other: &Self) -> Vec<NeedsRestart> {
        let pairs = self.0.iter().zip(&other.0).filter(|(own, other)| own != other);
        let changed = |((key, in_force), (_, wanted)): (&(&'static str, String), &(_, String))| {
            NeedsRestart { key, in_force: in_force.clone(), wanted: wanted.clone() }
        };
        pairs.map(changed).collect()
    }
}
