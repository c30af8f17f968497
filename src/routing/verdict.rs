//! The reason for a routing decision, condition by condition, for people to read.
//!
//! Told of a decision that was just made and of one that was kept alike.

use schemars::JsonSchema;
use serde::Serialize;

use super::answers::{Answer, Answers, Seen, cut};
use super::condition::{Condition, Conditions, Field};
use super::pattern::Pattern;
use super::{Decision, Route, RoutingTable, is_own_notice};
use crate::delivery::DestinationName;
use crate::event::{Event, words};

/// What one route said to an event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RouteVerdict {
    /// The route's name.
    pub name: String,
    /// Whether it matched.
    pub matched: bool,
    /// Each of its conditions; it matched where all of them held.
    pub why: Vec<ConditionVerdict>,
    /// Where it sends to.
    pub to: Vec<DestinationName>,
}

/// Why one condition of a route held or did not. A route matched where all of its entries held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConditionVerdict {
    /// A condition's word (`action`, `repo` …), or `not`, `otherwise`, or `stop` where an earlier route ended the
    /// reading: then nothing else was asked.
    pub condition: &'static str,
    /// The pattern that matched, or all that were tried, parted by `, `; for `otherwise` the word `true`, for `stop`
    /// the route that ended the reading.
    pub pattern: String,
    /// The value that matched, or those that are known, parted by `, `, shortened where they are many; null where it is
    /// unknown.
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

impl RoutingTable {
    /// Returns what every route said to an event when this was decided of it. `issue_unknown` says that the issue was not
    /// known then.
    pub fn verdicts(&self, event: &Event, decision: &Decision, issue_unknown: bool) -> Vec<RouteVerdict> {
        let mut telling = Telling { event, answers: &decision.answers, issue_unknown, asked: 0 };
        let name_of = |place: usize| self.routes().get(place).map(|route| route.name.clone());
        let mut stopped_by: Option<String> = None;
        let mut verdicts = Vec::with_capacity(self.routes().len());
        for (place, route) in self.routes().iter().enumerate() {
            let matched = decision.matched.contains(&place);
            let first_match = decision.matched.first().filter(|first| **first < place);
            let why = match &stopped_by {
                Some(name) => vec![not_read(name)],
                None => telling.why(route, first_match.and_then(|first| name_of(*first))),
            };
            if matched && route.stop {
                stopped_by = Some(route.name.clone());
            }
            verdicts.push(RouteVerdict { name: route.name.clone(), matched, why, to: route.to.clone() });
        }
        verdicts
    }
}

fn not_read(stopped_by: &str) -> ConditionVerdict {
    ConditionVerdict {
        condition: "stop",
        pattern: stopped_by.to_owned(),
        value: None,
        held: false,
        note: None,
    }
}

/// Tells what routes said, one after the other.
struct Telling<'a> {
    event: &'a Event,
    answers: &'a Answers,
    issue_unknown: bool,
    /// How many conditions were told already.
    asked: usize,
}

impl Telling<'_> {
    /// Returns the verdict on each condition of a route that was read.
    fn why(&mut self, route: &Route, matched_above: Option<String>) -> Vec<ConditionVerdict> {
        let mut why = Vec::new();
        if route.otherwise {
            why.push(ConditionVerdict {
                condition: "otherwise",
                pattern: "true".to_owned(),
                held: matched_above.is_none(),
                value: matched_above,
                note: None,
            });
        }
        if is_own_notice(self.event) && route.when.get(Field::Action).is_none() {
            why.push(ConditionVerdict {
                condition: Field::Action.as_str(),
                pattern: String::new(),
                value: Some(cut(self.event.action.as_str())),
                held: false,
                note: None,
            });
        }
        why.extend(route.when.0.iter().map(|condition| self.verdict(condition)));
        why.extend(route.not.as_ref().map(|not| self.exclusion(not)));
        why
    }

    fn verdict(&mut self, condition: &Condition) -> ConditionVerdict {
        let answer = self.answers.list.get(self.asked).copied().unwrap_or(Answer::Failed);
        self.asked += 1;
        let (pattern, value) = match answer {
            Answer::Held { pattern, value } => {
                let pattern = condition.patterns.get(pattern).map(ToString::to_string);
                (pattern.unwrap_or_default(), self.value(condition.field, value))
            }
            Answer::Failed => (all_patterns(condition), self.known_values(condition.field)),
        };
        let note = (condition.field.is_of_issue() && self.issue_unknown).then_some(Note::IssueUnknown);
        let held = answer != Answer::Failed;
        ConditionVerdict { condition: condition.field.as_str(), pattern, value, held, note }
    }

    /// One entry for the whole of `not`: it holds where not all of its conditions do.
    fn exclusion(&mut self, not: &Conditions) -> ConditionVerdict {
        let verdicts: Vec<ConditionVerdict> = not.0.iter().map(|condition| self.verdict(condition)).collect();
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

    /// Returns what the event itself says of a field.
    fn own_value(&self, field: Field) -> Option<String> {
        match field {
            Field::Action => Some(cut(self.event.action.as_str())),
            Field::Organization => Some(self.event.organization.to_string()),
            Field::Repo
            | Field::Path
            | Field::Provider
            | Field::Classification
            | Field::Group
            | Field::Project
            | Field::Level
            | Field::Priority => None,
        }
    }

    fn value(&self, field: Field, place: usize) -> Option<String> {
        let kept = || self.answers.seen(field)?.values.get(place).cloned();
        self.own_value(field).or_else(kept)
    }

    fn known_values(&self, field: Field) -> Option<String> {
        if let Some(own) = self.own_value(field) {
            return Some(own);
        }
        let Seen { values, left_out, .. } = self.answers.seen(field)?;
        let more = (*left_out > 0).then(|| format!("and {left_out} more"));
        let texts: Vec<&str> = values.iter().map(String::as_str).chain(more.as_deref()).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

fn all_patterns(condition: &Condition) -> String {
    condition.patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ")
}
