//! Encoding: JSON to the byte as Sentry's writer makes it, because the signature is over the bytes.

use serde_json::{Map, Value};

/// The order in which Sentry writes fields. A field that is not named here comes after these, by its name.
// Source: getsentry/sentry src/sentry/sentry_apps/api/serializers/app_platform_event.py and
// src/sentry/seer/autofix/{on_completion_hook,artifact_schemas}.py, read 2026-11-24.
const FIELD_ORDER: &[&str] = &[
    "action",
    "installation",
    "data",
    "actor",
    "issue",
    "activity",
    "alert",
    "details",
    "summary",
    "run_id",
    "sentry_run_id",
    "group_id",
    "root_cause",
    "one_line_description",
    "five_whys",
    "reproduction_steps",
    "relevant_repo",
    "classification",
    "no_code_fix_reason",
    "solution",
    "one_line_summary",
    "title",
    "description",
    "steps",
    "code_snippet_and_analysis",
    "timeline_item_type",
    "relevant_code_file",
    "file_path",
    "pull_requests",
    "code_changes",
    "changes",
    "iteration_index",
    "provider",
    "repo_name",
    "repo_external_id",
    "pull_request",
    "pr_id",
    "pr_number",
    "pr_url",
    "is_most_important_event",
    "diff",
    "branch_name",
    "path",
    "type",
    "id",
    "name",
    "added",
    "removed",
];

/// Writes a body as Sentry does: its order of fields, no blanks, everything beyond ASCII as `\uXXXX`.
// Source: getsentry/sentry src/sentry/utils/json.py (simplejson, separators "," and ":", ensure_ascii), read
// 2026-11-24.
pub fn encode(body: &Value) -> Vec<u8> {
    let mut text = String::with_capacity(1024);
    write(body, &mut text);
    text.into_bytes()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => write_object(fields, text),
    }
}

fn write_object(fields: &Map<String, Value>, text: &mut String) {
    let rank = |name: &str| FIELD_ORDER.iter().position(|known| *known == name).unwrap_or(FIELD_ORDER.len());
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| (rank(name), *name));
    text.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        separate(index, text);
        write_string(name, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let [high, low] = unit.to_be_bytes();
                    text.push_str("\\u");
                    text.push_str(&hex::encode([high, low]));
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::sentry::vectors::{V1, V2, V3};

    #[test]
    fn bodies_are_written_to_the_byte_as_sentry_writes_them() {
        for (text, bytes) in [(V1, V1), (V2, V2), (V3, V2)] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(String::from_utf8(encode(&value)).unwrap(), bytes);
        }
    }

    #[test]
    fn every_escape_is_pythons() {
        let value = json!("\"\\/\n\r\t\u{8}\u{c}\0\u{1f}\u{7f} ~é\u{2028}💥");
        let expected = r#""\"\\/\n\r\t\b\f\u0000\u001f\u007f ~\u00e9\u2028\ud83d\udca5""#;
        assert_eq!(String::from_utf8(encode(&value)).unwrap(), expected);
    }

    #[test]
    fn unknown_fields_come_last_by_name() {
        let value = json!({"zeta": 1, "alpha": [true, null, 1.5, -7], "data": {}, "action": "x"});
        assert_eq!(encode(&value), br#"{"action":"x","data":{},"alpha":[true,null,1.5,-7],"zeta":1}"#);
    }

    proptest! {
        #[test]
        fn it_is_json_of_the_same_value_in_ascii(text in any::<String>()) {
            let value = json!({ text.clone(): [text] });
            let bytes = encode(&value);
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}
