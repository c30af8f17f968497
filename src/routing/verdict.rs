//! The reason for a routing decision, condition by condition, for people to read.

use serde::Serialize;

use crate::event::words;

use super::condition::{Condition, Conditions, Facts, Field};
use super::pattern::Pattern;
use super::{Reading, Route, is_own_notice};

/// Why one condition of a route held or did not. A route matched where all of its entries held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionVerdict {
    /// A condition's word (`action`, `repo` …), or `not`, `otherwise`, or `stop` where an earlier route ended the
    /// reading.
    pub condition: &'static str,
    /// The pattern that matched, or all that were tried, parted by `, `; for `otherwise` the word `true`, for `stop`
    /// the route that ended the reading.
    pub pattern: String,
    /// The value that matched, or all that are known, parted by `, `; null where it is unknown.
    pub value: Option<String>,
    /// Whether it held.
    pub held: bool,
    /// What else there is to say of it.
    pub note: Option<Note>,
}

words! {
    /// What a verdict says beside what was compared.
    Note {
        /// It looks at the issue, which is not known: Sentry was not asked, did not answer in time, or knows no such
        /// issue.
        IssueUnknown = "issue_unknown",
    }
}

/// Returns the verdict on each condition of a route.
pub(super) fn explain(route: &Route, facts: Facts<'_>, reading: Reading<'_>) -> Vec<ConditionVerdict> {
    let mut why = Vec::new();
    if let Some(stop) = reading.stopped_by {
        why.push(ConditionVerdict {
            condition: "stop",
            pattern: stop.name.clone(),
            value: None,
            held: false,
            note: None,
        });
    }
    if route.otherwise {
        why.push(ConditionVerdict {
            condition: "otherwise",
            pattern: "true".to_owned(),
            value: reading.first_match.map(|first| first.name.clone()),
            held: reading.first_match.is_none(),
            note: None,
        });
    }
    if is_own_notice(facts.event) && route.when.get(Field::Action).is_none() {
        why.push(ConditionVerdict {
            condition: Field::Action.as_str(),
            pattern: String::new(),
            value: Some(facts.event.action.as_str().to_owned()),
            held: false,
            note: None,
        });
    }
    why.extend(route.when.0.iter().map(|condition| verdict(condition, facts)));
    why.extend(route.not.as_ref().map(|not| exclusion(not, facts)));
    why
}

fn verdict(condition: &Condition, facts: Facts<'_>) -> ConditionVerdict {
    let (pattern, value, held) = match condition.first_hit(facts) {
        Some((pattern, value)) => (pattern.as_str().to_owned(), Some(value.to_owned()), true),
        None => (all_patterns(condition), known_values(condition.field, facts), false),
    };
    let is_unknown = condition.field.is_of_issue() && facts.issue.is_none();
    let note = is_unknown.then_some(Note::IssueUnknown);
    ConditionVerdict { condition: condition.field.as_str(), pattern, value, held, note }
}

/// One entry for the whole of `not`: it holds where not all of its conditions do.
fn exclusion(not: &Conditions, facts: Facts<'_>) -> ConditionVerdict {
    let verdicts: Vec<ConditionVerdict> = not.0.iter().map(|condition| verdict(condition, facts)).collect();
    let patterns: Vec<String> =
        verdicts.iter().map(|inner| format!("{} = {}", inner.condition, inner.pattern)).collect();
    let values: Vec<&str> = verdicts.iter().filter_map(|inner| inner.value.as_deref()).collect();
    ConditionVerdict {
        condition: "not",
        pattern: patterns.join(", "),
        value: (!values.is_empty()).then(|| values.join(", ")),
        held: !verdicts.iter().all(|inner| inner.held),
        note: verdicts.iter().find_map(|inner| inner.note),
    }
}

fn all_patterns(condition: &Condition) -> String {
    condition.patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ")
}

fn known_values(field: Field, facts: Facts<'_>) -> Option<String> {
    let values = field.values(facts);
    (!values.is_empty()).then(|| values.join(", "))
}
