//! The issue that the samples are about, as Sentry's API and its activity alerts describe it, and what may be missing,
//! hostile or too long in it.

use serde_json::{Value, json};

use super::variants::{HOSTILE, LARGE, hostile_text};
use crate::event::GroupId;
use crate::issue::{Issue, Project};
use crate::sentry::issue::read;

/// How many characters each text of the large variant has at least.
const LARGE_TEXT: usize = 10_000;

/// Returns the issue as Sentry writes it.
// Source: the sample of docs.sentry.io/integrations/integration-platform/webhooks/activity-alerts/, read 2026-11-25.
pub(super) fn fields(group_id: &str) -> Value {
    json!({
        "url": format!("https://sentry.io/api/0/organizations/acme/issues/{group_id}/"),
        "web_url": format!("https://acme.sentry.io/issues/{group_id}/"),
        "project_url": "https://acme.sentry.io/issues/?project=4507",
        "id": group_id,
        "shareId": null,
        "shortId": "API-1X",
        "title": "TypeError: unsupported operand type(s) for -=: 'decimal.Decimal' and 'NoneType'",
        "culprit": "app.checkout.totals in cart_total",
        "permalink": format!("https://acme.sentry.io/issues/{group_id}/"),
        "logger": null,
        "level": "error",
        "status": "unresolved",
        "statusDetails": {},
        "substatus": "escalating",
        "isPublic": false,
        "platform": "python",
        "project": {"id": "4507", "name": "Acme API", "slug": "api", "platform": "python-django"},
        "type": "error",
        "metadata": {
            "type": "TypeError",
            "value": "unsupported operand type(s) for -=: 'decimal.Decimal' and 'NoneType'",
            "filename": "app/checkout/totals.py",
            "function": "cart_total",
        },
        "numComments": 0,
        "assignedTo": null,
        "issueType": "error",
        "issueCategory": "error",
        "priority": "high",
        "seerFixabilityScore": 0.81,
        "isUnhandled": true,
        "count": "214",
        "userCount": 37,
        "firstSeen": "2026-11-23T07:41:12.373000Z",
        "lastSeen": "2026-11-23T09:58:40.120000Z",
    })
}

/// Returns what is known of the issue with this id.
pub fn issue(group_id: &str) -> Issue {
    read(&fields(group_id), None).unwrap_or_else(|| Issue::unknown(GroupId::new(group_id)))
}

/// Returns the issues that a template has to stand beside none at all, each with its name: each field unknown in turn,
/// a title of blanks, a hostile one and one with very long texts.
pub fn issue_variants(group_id: &str) -> Vec<(String, Issue)> {
    let whole = issue(group_id);
    let mut variants = Vec::new();
    let mut add = |name: String, change: &dyn Fn(&mut Issue)| {
        let mut changed = whole.clone();
        change(&mut changed);
        variants.push((name, changed));
    };
    for (name, field) in TEXTS {
        add(format!("without `issue.{name}`"), &|issue| *field(issue) = None);
    }
    add("without `issue.project`".to_owned(), &|issue| issue.project = None);
    add("without the times and counts of `issue`".to_owned(), &|issue| {
        (issue.first_seen, issue.last_seen) = (None, None);
        (issue.event_count, issue.user_count) = (None, None);
    });
    add("with a blank `issue.title`".to_owned(), &|issue| {
        issue.title = Some(" \u{200b}\u{202e}\n ".to_owned());
    });
    add("of which an id alone is known".to_owned(), &|issue| *issue = Issue::unknown(issue.id.clone()));
    add(HOSTILE.to_owned(), &|issue| change_texts(issue, &|text| format!("{text}\n{}", hostile_text())));
    add(LARGE.to_owned(), &|issue| {
        change_texts(issue, &|text| format!("{text} ").repeat(LARGE_TEXT / text.len() + 1));
    });
    variants
}

/// A text of an issue.
type Text = fn(&mut Issue) -> &mut Option<String>;

/// Every text of an issue that is no address, by its name.
const TEXTS: [(&str, Text); 8] = [
    ("short_id", |issue| &mut issue.short_id),
    ("title", |issue| &mut issue.title),
    ("culprit", |issue| &mut issue.culprit),
    ("level", |issue| &mut issue.level),
    ("priority", |issue| &mut issue.priority),
    ("status", |issue| &mut issue.status),
    ("substatus", |issue| &mut issue.substatus),
    ("platform", |issue| &mut issue.platform),
];

/// Changes every text, those of the project too, but for the address.
fn change_texts(issue: &mut Issue, change: &dyn Fn(&str) -> String) {
    for (_, field) in TEXTS {
        let text = field(issue);
        *text = text.as_deref().map(change);
    }
    if let Some(Project { id, slug, name }) = &mut issue.project {
        for text in [id, slug, name] {
            *text = text.as_deref().map(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everything_of_the_sample_is_known() {
        let known = serde_json::to_value(issue("5")).unwrap();
        let fields = known.as_object().unwrap();
        assert!(fields.values().all(|value| !value.is_null()), "{known:#}");
        assert!(known["project"].as_object().unwrap().values().all(|value| !value.is_null()), "{known:#}");
        assert_eq!(known["id"], "5");
    }

    #[test]
    fn each_variant_has_a_name_and_an_issue_of_its_own() {
        let variants = issue_variants("5");
        let names: HashSet<&String> = variants.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), variants.len());
        for (name, one) in &variants {
            assert_eq!(variants.iter().filter(|(_, other)| other == one).count(), 1, "{name}");
            assert_ne!(*one, issue("5"), "{name}");
        }
        let hostile = &variants.iter().find(|(name, _)| name == HOSTILE).unwrap().1;
        assert!(hostile.project.as_ref().unwrap().slug.as_ref().unwrap().contains("<!channel>"));
    }
}
