//! The process environment as a value, and the settings it holds: `SEER_RELAY__HTTP__LISTEN` and its like.
//!
//! Only [`Environment::of_process`] reads the process; everything else takes the value.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Names of ours begin so. `SEER_RELAY_CONFIG_DIR` and other names with a single underscore are not settings.
pub(crate) const PREFIX: &str = "SEER_RELAY__";

/// Environment variables.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Variable>);

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup<'a> {
    /// Text, maybe empty.
    Text(&'a str),
    /// Bytes that are not UTF-8.
    NotText,
    /// There is no such variable.
    Unset,
}

#[derive(Clone)]
enum Variable {
    Text(String),
    NotText,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().map_or(Variable::NotText, Variable::Text);
            OsString::into_string(name).ok().map(|name| (name, value))
        });
        Self(variables.collect())
    }

    /// Returns the program as it was called: after `cargo run` there is no `seer-relay` on the path.
    pub fn program() -> String {
        std::env::args().next().unwrap_or_else(|| "seer-relay".to_owned())
    }

    /// Makes an environment of names and values.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), Variable::Text(value.into()))).collect())
    }

    /// Returns whether a variable has a value that is not empty.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.lookup(name), Lookup::Text(text) if !text.is_empty())
    }

    /// Looks a variable up.
    pub(crate) fn lookup(&self, name: &str) -> Lookup<'_> {
        match self.0.get(name) {
            Some(Variable::Text(text)) => Lookup::Text(text),
            Some(Variable::NotText) => Lookup::NotText,
            None => Lookup::Unset,
        }
    }

    /// Returns the variables that claim to be settings: name, what follows [`PREFIX`], value. Empty ones count as
    /// not set.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str, Lookup<'_>)> {
        self.0.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(PREFIX)?;
            match value {
                Variable::Text(text) if text.is_empty() => None,
                Variable::Text(text) => Some((name.as_str(), rest, Lookup::Text(text))),
                Variable::NotText => Some((name.as_str(), rest, Lookup::NotText)),
            }
        })
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_two_underscores_are_settings() {
        let environment = Environment::from_pairs([
            ("SEER_RELAY_CONFIG_DIR", "elsewhere"),
            ("SEER_RELAY_TOKEN", "x"),
            ("SEER_RELAY__HTTP__LISTEN", "0.0.0.0:80"),
            ("SEER_RELAY__LOG__LEVEL", ""),
            ("PATH", "/bin"),
        ]);
        let names: Vec<&str> = environment.settings().map(|(_, rest, _)| rest).collect();
        assert_eq!(names, ["HTTP__LISTEN"]);
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let environment = Environment::from_pairs([("SLACK_WEBHOOK_URL", "hidden")]);
        assert_eq!(format!("{environment:?}"), "[\"SLACK_WEBHOOK_URL\"]");
    }
}
