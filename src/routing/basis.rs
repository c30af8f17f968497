//! The written form of a table: what a decision rested on, kept once beside all events that were routed by it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Condition, Conditions, Field, Pattern, Route, RoutingTable};
use crate::delivery::DestinationName;

/// How many bytes of a digest tell one table from all others.
const DIGEST_BYTES: usize = 16;

/// A routing table as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Tells it from every other one.
    pub digest: [u8; DIGEST_BYTES],
    /// The table, as JSON.
    pub json: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenTable {
    routes: Vec<WrittenRoute>,
    /// The template sets that destinations ask for themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    templates: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct WrittenRoute {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    when: Vec<WrittenCondition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not: Option<Vec<WrittenCondition>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    otherwise: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stop: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    to: Vec<String>,
}

/// A field's word, and the patterns.
type WrittenCondition = (String, Vec<String>);

impl Basis {
    /// Writes a table.
    pub(super) fn of(routes: &[Route], own_sets: &[(DestinationName, String)]) -> Self {
        let table = WrittenTable {
            routes: routes.iter().map(written).collect(),
            templates: own_sets.iter().map(|(name, set)| (name.to_string(), set.clone())).collect(),
        };
        // Texts and lists of texts can always be written.
        let json = serde_json::to_string(&table).unwrap_or_default();
        let digest: [u8; 32] = Sha256::digest(&json).into();
        Self { digest: digest.first_chunk().copied().unwrap_or_default(), json }
    }

    /// Reads a table back; `None` where it is none, or asks for a field that this version does not know.
    pub fn read(json: &str) -> Option<RoutingTable> {
        let WrittenTable { routes, templates } = serde_json::from_str(json).ok()?;
        let routes = routes.into_iter().map(read).collect::<Option<_>>()?;
        let own_sets = templates.into_iter().map(|(name, set)| (DestinationName::new(name), set)).collect();
        Some(RoutingTable::new(routes).with_own_sets(own_sets))
    }
}

fn written(route: &Route) -> WrittenRoute {
    let conditions = |conditions: &Conditions| {
        let written = |condition: &Condition| {
            let patterns = condition.patterns.iter().map(ToString::to_string).collect();
            (condition.field.as_str().to_owned(), patterns)
        };
        conditions.0.iter().map(written).collect()
    };
    WrittenRoute {
        name: route.name.clone(),
        when: conditions(&route.when),
        not: route.not.as_ref().map(conditions),
        otherwise: route.otherwise,
        stop: route.stop,
        template: route.template_set.clone(),
        to: route.to.iter().map(ToString::to_string).collect(),
    }
}

fn read(written: WrittenRoute) -> Option<Route> {
    let conditions = |list: Vec<WrittenCondition>| -> Option<Conditions> {
        let read = |(field, patterns): WrittenCondition| {
            let patterns = patterns.into_iter().map(Pattern::new).collect();
            Some(Condition { field: Field::from_word(&field)?, patterns })
        };
        list.into_iter().map(read).collect::<Option<_>>().map(Conditions)
    };
    let not = match written.not {
        None => None,
        Some(list) => Some(conditions(list)?),
    };
    Some(Route {
        name: written.name,
        when: conditions(written.when)?,
        not,
        otherwise: written.otherwise,
        to: written.to.into_iter().map(DestinationName::new).collect(),
        template_set: written.template,
        stop: written.stop,
        // When it goes out, and whom it mentions, is no part of the decision: each delivery tells of it.
        ..Route::default()
    })
}
