//! Variants of the samples: what may be absent, null or empty is, and what may be hostile or large is.

use serde_json::{Map, Value, json};

use super::{SampleIds, Shape, body};
use crate::event::Action;

/// The name of the variant with very much of everything.
pub const LARGE: &str = "large";
/// The name of the variant whose texts try to break out of their place.
pub const HOSTILE: &str = "hostile";

/// How often the lists of the large variant repeat what the sample holds.
pub(super) const LARGE_TIMES: usize = 20;

/// How many bytes each text of the large variant has at least; more than any platform takes in one field.
pub(super) const LARGE_TEXT: usize = 5000;

/// How many characters the hostile variant's longest word has.
const LONG_WORD: usize = 600;

/// Returns the bodies that a template has to stand, each with its name: the sample itself, every field of `data` absent
/// and null, every list empty, other ways in which a step may end, a hostile one and a large one.
pub fn variants(action: &Action, shape: Shape) -> Vec<(String, Value)> {
    let sample = body(action, shape, &SampleIds::default());
    let data = sample.get("data").cloned().unwrap_or_default();
    let mut places = Vec::new();
    collect_places(&data, &mut Vec::new(), &mut places);
    let mut variants = vec![("as Sentry sends it".to_owned(), data.clone())];
    variants.extend(places.into_iter().map(|place| {
        let mut changed = data.clone();
        place.change.apply(&mut changed, &place.path);
        (place.name(), changed)
    }));
    variants.extend(other_endings(&data));
    variants.push(("without anything".to_owned(), json!({})));
    variants.push((HOSTILE.to_owned(), hostile_value(&data)));
    variants.push((LARGE.to_owned(), large(&data)));
    variants.into_iter().map(|(name, data)| (name, with_data(&sample, data))).collect()
}

fn with_data(sample: &Value, data: Value) -> Value {
    let mut changed = sample.clone();
    if let Value::Object(fields) = &mut changed {
        fields.insert("data".to_owned(), data);
    }
    changed
}

/// Returns what Sentry may well send, but the story does not have: no fix in code, several repositories, a failed pull
/// request beside one that was opened.
fn other_endings(data: &Value) -> Vec<(String, Value)> {
    let mut endings = Vec::new();
    let mut add = |name: &str, place: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = data.clone();
        if let Some(value) = changed.pointer_mut(place) {
            change(value);
            endings.push((name.to_owned(), changed));
        }
    };
    add("no fix in code", "/root_cause/classification", &|classification| {
        *classification = json!("rca_only");
    });
    add("no fix in code, with the reason", "/root_cause", &|root_cause| {
        if let Value::Object(fields) = root_cause {
            fields.insert("classification".to_owned(), json!("action_recommended"));
            fields
                .insert("no_code_fix_reason".to_owned(), json!("The coupon service must be **restarted**."));
        }
    });
    let added =
        json!({"diff": "@@ -0,0 +1 @@\n+Ä\n", "path": "docs/new.md", "type": "A", "added": 1, "removed": 0});
    let deleted =
        json!({"diff": "@@ -1 +0,0 @@\n-b\n", "path": "docs/old.md", "type": "D", "added": 0, "removed": 1});
    add("several repositories", "/code_changes", &|changes| {
        if let Value::Object(repositories) = changes {
            repositories.insert("acme/docs".to_owned(), json!([added, deleted]));
        }
    });
    add("several repositories", "/changes", &|changes| {
        if let Value::Array(items) = changes {
            items.push(json!({"repo_name": "acme/docs", "title": "docs: Tell of it", "diff": "+a\n"}));
        }
    });
    add("one pull request opened, one failed", "/pull_requests", &|pull_requests| {
        if let Value::Array(items) = pull_requests {
            items.push(json!({"provider": "github", "repo_name": "acme/docs", "pull_request": null}));
        }
    });
    endings
}

/// A change to one field of `data`.
struct Place {
    /// The names that lead there; `None` stands for every item of a list.
    path: Vec<Option<String>>,
    change: Change,
}

#[derive(Clone, Copy)]
enum Change {
    Absent,
    Null,
    Empty,
}

impl Place {
    fn name(&self) -> String {
        let mut path = "data".to_owned();
        for step in &self.path {
            match step {
                Some(name) => path = format!("{path}.{name}"),
                None => path.push_str("[]"),
            }
        }
        match self.change {
            Change::Absent => format!("without `{path}`"),
            Change::Null => format!("`{path}` is null"),
            Change::Empty => format!("`{path}` is empty"),
        }
    }
}

/// Lists every field at any depth, by the first item of each list: its siblings look alike.
fn collect_places(value: &Value, path: &mut Vec<Option<String>>, places: &mut Vec<Place>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push(Some(name.clone()));
                let empty = value.is_array() || value.is_object() || value.is_string();
                let changes = [Some(Change::Absent), Some(Change::Null), empty.then_some(Change::Empty)];
                places
                    .extend(changes.into_iter().flatten().map(|change| Place { path: path.clone(), change }));
                collect_places(value, path, places);
                path.pop();
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                path.push(None);
                collect_places(first, path, places);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Change {
    fn apply(self, value: &mut Value, path: &[Option<String>]) {
        match (value, path) {
            (Value::Object(fields), [Some(last)]) => self.apply_to_field(fields, last),
            (Value::Object(fields), [Some(name), rest @ ..]) => {
                if let Some(value) = fields.get_mut(name) {
                    self.apply(value, rest);
                }
            }
            (Value::Array(items), [None, rest @ ..]) => {
                for item in items {
                    self.apply(item, rest);
                }
            }
            _ => {}
        }
    }

    fn apply_to_field(self, fields: &mut Map<String, Value>, name: &str) {
        let value = match (self, fields.get(name)) {
            (_, None) => return,
            (Self::Absent, Some(_)) => {
                fields.remove(name);
                return;
            }
            (Self::Null, Some(_)) => Value::Null,
            (Self::Empty, Some(Value::Array(_))) => json!([]),
            (Self::Empty, Some(Value::Object(_))) => json!({}),
            (Self::Empty, Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => {
                json!("")
            }
        };
        fields.insert(name.to_owned(), value);
    }
}

/// Puts hostile text wherever a model, or whoever named a branch or a file, may put text.
fn hostile_value(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("https://") => {
            json!(format!("{text}?a=<!channel>|b)*c*`@everyone`"))
        }
        Value::String(text) => json!(format!("{text}\n{}", hostile_text())),
        Value::Array(items) => items.iter().map(hostile_value).collect(),
        Value::Object(fields) => {
            let hostile = |(name, value): (&String, &Value)| {
                let name =
                    if name.contains('/') { format!("{name}|<!here>`@everyone`") } else { name.clone() };
                (name, hostile_value(value))
            };
            Value::Object(fields.iter().map(hostile).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns text that tries to break out of wherever it stands.
pub(super) fn hostile_text() -> String {
    let word = "W".repeat(LONG_WORD);
    format!(
        "<!channel> <@U0123ABCD> <https://evil.example|docs> @everyone @here <@&1234> &lt;!here&gt; \"quotes\" 'too'\n\
         ```\nout of the fence\n~~~~\n````rust\n# heading\n| table | breaker |\n|---|\n- list\n1. list\n    indented\n> quote\n\
         [words](javascript:alert(1)) ![image](https://evil.example/x.png \"button\") <img src=x onerror=alert(1)>\n\
         {{{{ 7*7 }}}} {{% raw %}} {{# comment #}} `code` **bold *nested*** _under_ ~~strike~~ \\ \\n $x^2$ ---\n\
         ===\n\r\r\n\t\u{b}NUL\0BEL\u{7}ESC\u{1b}[31m C1\u{85}\u{9b} \u{2028}\u{2029} \u{202e}rtl\u{202c} \u{200b}zero\u{feff}\n\
         \u{e000}\u{f8ff}\u{f0000}\u{10fffd} e\u{301}\u{301}\u{301} 👩‍👩‍👧‍👦 ﷽ {word}"
    )
}

/// Repeats lists and texts until they pass every platform's limits.
fn large(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains(' ') => {
            json!(format!("{text}\n").repeat(LARGE_TEXT / text.len() + 1))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(large).collect();
            std::iter::repeat_n(items, LARGE_TIMES).flatten().collect()
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), large(value))).collect())
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;
    use crate::event::Organization;
    use crate::sample::{accept, encode};

    #[test]
    fn every_variant_is_a_webhook_with_a_name_and_a_body_of_its_own() {
        for shape in Shape::ALL {
            for action in Action::OF_SEER.into_iter().chain([Action::Other("triage_started".to_owned())]) {
                let variants = variants(&action, shape);
                let names: HashSet<&String> = variants.iter().map(|(name, _)| name).collect();
                assert_eq!(names.len(), variants.len());
                for (name, body) in &variants {
                    let accepted =
                        accept(encode(body).into(), &Organization::new("acme"), Timestamp::UNIX_EPOCH);
                    assert_eq!(accepted.unwrap().action(), &action, "{name}");
                }
            }
        }
    }

    #[test]
    fn each_field_is_absent_null_and_empty_in_turn() {
        let variants = variants(&Action::PrCreated, Shape::Present);
        let data = |wanted: &str| &variants.iter().find(|(name, _)| name == wanted).unwrap().1["data"];
        assert!(data("without `data.sentry_run_id`").get("sentry_run_id").is_none());
        assert_eq!(data("`data.pull_requests` is empty")["pull_requests"], json!([]));
        assert_eq!(data("`data.pull_requests` is null")["pull_requests"], json!(null));
        assert_eq!(
            data("`data.pull_requests[].pull_request` is null")["pull_requests"][0]["pull_request"],
            json!(null)
        );
        let flat = data("without `data.pull_requests[].pull_request.pr_url`");
        assert_eq!(flat["pull_requests"][0]["pull_request"]["pr_number"], json!(128));
        assert!(flat["pull_requests"][0]["pull_request"].get("pr_url").is_none());
    }

    #[test]
    fn the_hostile_one_has_what_breaks_other_relays() {
        let variants = variants(&Action::RootCauseCompleted, Shape::Present);
        let (_, hostile) = variants.iter().find(|(name, _)| name == "hostile").unwrap();
        let text = hostile["data"]["root_cause"]["one_line_description"].as_str().unwrap();
        for breaker in
            ["<!channel>", "@everyone", "\n```\n", "| table |", "{{ 7*7 }}", "\0", "\u{e000}", "\u{f8ff}"]
        {
            assert!(text.contains(breaker), "{breaker:?}");
        }
    }

    #[test]
    fn the_large_one_passes_the_limits_of_every_platform() {
        for shape in Shape::ALL {
            let variants = variants(&Action::CodingCompleted, shape);
            let (_, large) = variants.iter().find(|(name, _)| name == "large").unwrap();
            let accepted =
                accept(Bytes::from(encode(large)), &Organization::new("acme"), Timestamp::UNIX_EPOCH)
                    .unwrap();
            let files = accepted.artifacts().changes.clone().unwrap().remove(0).files;
            assert!(files.len() >= LARGE_TIMES, "{}", files.len());
            let diffs: usize = files.iter().filter_map(|file| file.diff.as_ref()).map(String::len).sum();
            assert!(diffs > LARGE_TEXT);
        }
    }
}
