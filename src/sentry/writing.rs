//! How Sentry writes JSON: the order of its fields, and its escapes. Knows no payload.

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

/// Returns the place of a field in Sentry's order; of one that it does not name, the place behind all others.
pub(crate) fn field_rank(name: &str) -> usize {
    FIELD_ORDER.iter().position(|known| *known == name).unwrap_or(FIELD_ORDER.len())
}

/// Adds a text in quotes, everything beyond printable ASCII escaped.
// Source: getsentry/sentry src/sentry/utils/json.py (simplejson, `ensure_ascii`), read 2026-11-24.
pub(crate) fn write_string(string: &str, text: &mut String) {
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
