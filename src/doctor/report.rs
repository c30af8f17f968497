//! What the doctor found, as plain values.

use serde::Serialize;

use crate::event::words;

words! {
    /// What a check is about.
    Group {
        /// The config folder.
        Settings = "settings",
        /// The relay that runs beside the doctor.
        Relay = "relay",
        /// Signatures that did not hold.
        Signatures = "signatures",
        /// Where people, and Sentry, reach the relay.
        PublicUrl = "public_url",
        /// The store and its disk.
        Store = "store",
        /// Sentry's API.
        Sentry = "sentry",
        /// The places that messages go to.
        Destinations = "destinations",
        /// This machine's clock.
        Clock = "clock",
    }
}

impl Group {
    /// Returns its title for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Relay => "Relay",
            Self::Signatures => "Signatures",
            Self::PublicUrl => "Public address",
            Self::Store => "Store",
            Self::Sentry => "Sentry's API",
            Self::Destinations => "Destinations",
            Self::Clock => "Clock",
        }
    }
}

words! {
    /// How a check came out.
    State {
        /// Nothing to do.
        Ok = "ok",
        /// It could not be found out from here.
        Unknown = "unknown",
        /// Something to look at.
        Warning = "warning",
        /// Something to mend.
        Fault = "fault",
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about.
    pub group: Group,
    /// How it came out.
    pub state: State,
    /// What was found: lower case, no final full stop, no secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Check {
    fn new(group: Group, state: State, message: impl Into<String>) -> Self {
        Self { group, state, message: message.into(), hint: None }
    }

    /// Nothing to do.
    pub(super) fn ok(group: Group, message: impl Into<String>) -> Self {
        Self::new(group, State::Ok, message)
    }

    /// It could not be found out.
    pub(super) fn unknown(group: Group, message: impl Into<String>) -> Self {
        Self::new(group, State::Unknown, message)
    }

    /// Something to look at.
    pub(super) fn warning(group: Group, message: impl Into<String>) -> Self {
        Self::new(group, State::Warning, message)
    }

    /// Something to mend.
    pub(super) fn fault(group: Group, message: impl Into<String>) -> Self {
        Self::new(group, State::Fault, message)
    }

    /// Adds what to do.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Everything that was looked at, group by group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Report {
    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    pub(super) fn extend(&mut self, checks: Vec<Check>) {
        self.checks.extend(checks);
    }

    /// Counts the checks that came out so.
    pub fn count(&self, state: State) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }
}
