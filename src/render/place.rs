//! Places: where templates stand, and in which order they are looked up.

use crate::delivery::DestinationKind;

/// The folder name under which templates reach the built-in ones.
pub(super) const BUILT_IN: &str = "built-in";

/// A folder of templates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The user's folder or one below it.
    User {
        /// The template set, where the folder belongs to one.
        set: Option<String>,
        /// The kind of destination, where the folder is for one.
        kind: Option<DestinationKind>,
    },
    /// What comes with the relay.
    BuiltIn {
        /// The kind of destination, where the folder is for one.
        kind: Option<DestinationKind>,
    },
}

impl Place {
    /// Returns what the engine's names of its templates begin with.
    ///
    /// No template stands under a bare name, for an exact name would win over every nearer place.
    pub(super) fn prefix(&self) -> String {
        match self {
            Self::User { set: Some(set), kind: Some(kind) } => format!("{set}/{kind}/"),
            Self::User { set: Some(set), kind: None } => format!("{set}/"),
            Self::User { set: None, kind: Some(kind) } => format!("{kind}/"),
            Self::User { set: None, kind: None } => "./".to_owned(),
            Self::BuiltIn { kind: Some(kind) } => format!("{BUILT_IN}/{kind}/"),
            Self::BuiltIn { kind: None } => format!("{BUILT_IN}/"),
        }
    }
}

/// Returns the places of a destination, the nearest first.
pub(super) fn nearest_first(set: Option<&str>, kind: DestinationKind) -> Vec<Place> {
    let mut places = Vec::with_capacity(6);
    if let Some(set) = set {
        places.push(Place::User { set: Some(set.to_owned()), kind: Some(kind) });
        places.push(Place::User { set: Some(set.to_owned()), kind: None });
    }
    places.push(Place::User { set: None, kind: Some(kind) });
    places.push(Place::User { set: None, kind: None });
    places.push(Place::BuiltIn { kind: Some(kind) });
    places.push(Place::BuiltIn { kind: None });
    places
}

/// Returns how a template is called where people read it, from the engine's name of it.
pub(super) fn shown(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

/// Tells whether an engine's name is that of a template which came with the relay.
pub(super) fn is_built_in(name: &str) -> bool {
    name.strip_prefix(BUILT_IN).is_some_and(|name| name.starts_with('/'))
}

/// Returns a template's path in the templates folder, from the engine's name of it.
pub(super) fn path(name: &str) -> &str {
    let name = shown(name);
    name.strip_prefix(BUILT_IN).and_then(|name| name.strip_prefix('/')).unwrap_or(name)
}
