//! Issues as Sentry writes them, in its API's answers and in activity alerts alike. Pure.
//!
//! Read as tolerantly as webhooks are: a field may be missing, null, new or of another type. Knows neither who asked
//! nor where the issue is kept.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::reading::{cut, id, line, name, object, web_address, whole_number};
use crate::event::GroupId;
use crate::issue::{Issue, Project};

/// How much of a title or culprit is kept; Sentry cuts a culprit at 200 itself.
// Source: getsentry/sentry src/sentry/constants.py, MAX_CULPRIT_LENGTH, read 2026-11-25.
const LONGEST_TEXT_CHARS: usize = 500;
/// How much of a name or a word is kept.
const LONGEST_NAME_CHARS: usize = 200;
/// A longer id is none of Sentry's.
const LONGEST_ID_BYTES: usize = 200;
/// A longer address is not kept: cut, it would lead elsewhere.
const LONGEST_ADDRESS_BYTES: usize = 2048;

/// Reads an issue; `asked` is its id where the object has none of its own.
///
/// None where it is no object, or one that names neither itself by an id nor the issue by a title or a short id.
pub fn read(value: &Value, asked: Option<&GroupId>) -> Option<Issue> {
    let fields = value.as_object()?;
    let own_id = bounded_id(fields.get("id")).map(GroupId::new);
    let title = line(fields.get("title"), LONGEST_TEXT_CHARS);
    let short_id = word(fields.get("shortId"));
    let is_named = title.is_some() || short_id.is_some();
    let id = own_id.or_else(|| asked.filter(|_| is_named).cloned())?;
    let project = object(fields.get("project"));
    Some(Issue {
        id,
        short_id,
        title,
        culprit: line(fields.get("culprit"), LONGEST_TEXT_CHARS),
        permalink: address(fields.get("permalink")),
        level: word(fields.get("level")),
        priority: word(fields.get("priority")),
        status: word(fields.get("status")),
        substatus: word(fields.get("substatus")),
        platform: word(fields.get("platform"))
            .or_else(|| project.and_then(|project| word(project.get("platform")))),
        project: project.and_then(read_project),
        first_seen: time(fields.get("firstSeen")),
        last_seen: time(fields.get("lastSeen")),
        event_count: whole_number(fields.get("count")),
        user_count: whole_number(fields.get("userCount")),
    })
}

fn read_project(fields: &Map<String, Value>) -> Option<Project> {
    let project = Project {
        id: bounded_id(fields.get("id")),
        slug: word(fields.get("slug")),
        name: word(fields.get("name")),
    };
    (project != Project::default()).then_some(project)
}

fn bounded_id(value: Option<&Value>) -> Option<String> {
    id(value).filter(|id| id.len() <= LONGEST_ID_BYTES)
}

/// Returns a name or a word without control characters, cut.
fn word(value: Option<&Value>) -> Option<String> {
    name(value).map(|name| cut(name, LONGEST_NAME_CHARS))
}

fn address(value: Option<&Value>) -> Option<String> {
    web_address(value).map(String::from).filter(|address| address.len() <= LONGEST_ADDRESS_BYTES)
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    value.and_then(Value::as_str)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// As the API answers, with fields that are not read.
    fn whole() -> Value {
        json!({
            "id": "1170820242", "shortId": "API-1X", "title": "TypeError: 'NoneType' object is not iterable",
            "culprit": "api.views in totals", "permalink": "https://acme.sentry.io/issues/1170820242/",
            "level": "error", "priority": "high", "status": "unresolved", "substatus": "escalating",
            "platform": "python", "project": {"id": "7", "slug": "api", "name": "The API", "platform": "python"},
            "firstSeen": "2026-11-20T08:00:00.123456Z", "lastSeen": "2026-11-24T09:30:00Z",
            "count": "1204", "userCount": 31, "metadata": {"type": "TypeError"}, "assignedTo": null, "stats": {}
        })
    }

    fn of(fields: &Value) -> Issue {
        read(fields, Some(&GroupId::new("1"))).unwrap()
    }

    #[test]
    fn what_sentry_says_of_an_issue_is_read() {
        let issue = of(&whole());
        let text = |text: &str| Some(text.to_owned());
        let expected = Issue {
            id: GroupId::new("1170820242"),
            short_id: text("API-1X"),
            title: text("TypeError: 'NoneType' object is not iterable"),
            culprit: text("api.views in totals"),
            permalink: text("https://acme.sentry.io/issues/1170820242/"),
            level: text("error"),
            priority: text("high"),
            status: text("unresolved"),
            substatus: text("escalating"),
            platform: text("python"),
            project: Some(Project { id: text("7"), slug: text("api"), name: text("The API") }),
            first_seen: "2026-11-20T08:00:00.123456Z".parse().ok(),
            last_seen: "2026-11-24T09:30:00Z".parse().ok(),
            event_count: Some(1204),
            user_count: Some(31),
        };
        assert_eq!(issue, expected);
    }

    #[test]
    fn ids_and_counts_may_be_numbers_or_text() {
        let issue = of(&json!({"id": 5, "count": 7, "userCount": "8", "project": {"id": 9}}));
        assert_eq!((issue.id.as_str(), issue.event_count, issue.user_count), ("5", Some(7), Some(8)));
        assert_eq!(issue.project.and_then(|project| project.id).as_deref(), Some("9"));
    }

    #[test]
    fn any_field_may_be_missing_or_of_another_type() {
        let fields = whole();
        for name in fields.as_object().unwrap().keys() {
            for other in [json!(null), json!(true), json!([1]), json!({"a": 1}), json!(1.5), json!("")] {
                let mut fields = fields.clone();
                fields[name] = other;
                of(&fields);
                fields.as_object_mut().unwrap().remove(name);
                of(&fields);
            }
        }
        let issue =
            of(&json!({"id": "5", "project": "api", "firstSeen": "yesterday", "permalink": "javascript:1"}));
        assert_eq!((issue.project, issue.first_seen, issue.permalink), (None, None, None));
        assert_eq!(of(&json!({"id": "5", "project": {"slug": null}})).project, None);
        assert_eq!(of(&json!({"id": "5", "project": {"platform": "go"}})).platform.as_deref(), Some("go"));
    }

    #[test]
    fn an_object_without_an_id_is_the_issue_that_was_asked_for_where_it_names_one() {
        let asked = GroupId::new("77");
        for named in
            [json!({"title": "boom"}), json!({"shortId": "API-1"}), json!({"id": null, "title": "boom"})]
        {
            assert_eq!(read(&named, Some(&asked)).unwrap().id, asked);
            assert_eq!(read(&named, None), None);
        }
        for stranger in
            [json!({}), json!({"detail": "Internal Error"}), json!([whole()]), json!("x"), json!(null)]
        {
            assert_eq!(read(&stranger, Some(&asked)), None, "{stranger}");
        }
        let endless = json!({"id": "9".repeat(201), "title": "boom"});
        assert_eq!(read(&endless, Some(&asked)).unwrap().id, asked);
    }

    #[test]
    fn texts_are_one_line_without_control_characters_and_bounded() {
        let issue = of(&json!({
            "id": "5", "title": " a\u{0}b\r\n\tc\u{1b}[31m\u{9b}d ", "culprit": "x".repeat(5000),
            "level": "er\u{0}ror\n", "shortId": "S".repeat(201), "permalink": format!("https://a/{}", "é".repeat(400)),
        }));
        assert_eq!(issue.title.as_deref(), Some("a b c [31m d"));
        assert_eq!(issue.culprit, Some(format!("{}…", "x".repeat(499))));
        assert_eq!(issue.level.as_deref(), Some("error"));
        assert_eq!(issue.short_id.map(|id| id.chars().count()), Some(200));
        assert_eq!(issue.permalink, None, "longer than is kept once it is encoded");
        assert_eq!(of(&json!({"id": "5", "title": "é".repeat(500)})).title, Some("é".repeat(500)));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_or_keep_a_control_character(
            title in any::<String>(),
            id in prop_oneof![any::<String>().prop_map(Value::from), any::<f64>().prop_map(Value::from)],
        ) {
            let fields = json!({"id": id, "title": title, "level": title, "project": {"slug": title}});
            if let Some(issue) = read(&fields, None) {
                let texts = [issue.title, issue.level, issue.project.and_then(|project| project.slug)];
                let mut characters = texts.iter().flatten().flat_map(|text| text.chars());
                prop_assert!(!characters.any(char::is_control));
            }
        }
    }
}
