//! Root cause and solution: the present shape (`one_line_description`, `five_whys`, `one_line_summary`) and the
//! documented one (`description`, `steps` with code files) are read alike.

use serde_json::{Map, Value};

use super::super::reading::{first_text, items, name, object, text};
use crate::event::{RootCause, Solution, Step};

/// Reads `data.root_cause`; `None` where it says nothing.
pub(super) fn root_cause(value: Option<&Value>) -> Option<RootCause> {
    let root_cause = match object(value) {
        Some(fields) => {
            let whys = items(fields.get("five_whys"));
            let whys = if whys.is_empty() { items(fields.get("steps")) } else { whys };
            RootCause {
                summary: first_text(fields, &["one_line_description", "description"]),
                reasons: whys.iter().filter_map(step).collect(),
                reproduction: items(fields.get("reproduction_steps")).iter().filter_map(plain_step).collect(),
                repo: name(fields.get("relevant_repo")),
                classification: name(fields.get("classification")),
                no_code_fix_reason: text(fields.get("no_code_fix_reason")),
            }
        }
        None => RootCause { summary: text(value), ..RootCause::default() },
    };
    (root_cause != RootCause::default()).then_some(root_cause)
}

/// Reads `data.solution`; `None` where it says nothing.
pub(super) fn solution(value: Option<&Value>) -> Option<Solution> {
    let solution = match object(value) {
        Some(fields) => Solution {
            summary: first_text(fields, &["one_line_summary", "description"]),
            steps: items(fields.get("steps")).iter().filter_map(step).collect(),
        },
        None => Solution { summary: text(value), ..Solution::default() },
    };
    (solution != Solution::default()).then_some(solution)
}

/// Reads an item of any list of steps: a bare text, or an object of either shape.
fn step(item: &Value) -> Option<Step> {
    let step = match item.as_object() {
        Some(fields) => {
            let (file, repo) = code_file(fields);
            Step {
                title: text(fields.get("title")),
                text: first_text(fields, &["code_snippet_and_analysis", "description", "text"]),
                file,
                repo,
                important: fields.get("is_most_important_event").and_then(Value::as_bool).unwrap_or(false),
            }
        }
        None => Step { text: text(Some(item)), ..Step::default() },
    };
    let says_nothing = step.title.is_none() && step.text.is_none() && step.file.is_none();
    (!says_nothing).then_some(step)
}

/// Reads `relevant_code_file`: an object, or a bare path.
fn code_file(fields: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let value = fields.get("relevant_code_file");
    match object(value) {
        Some(file) => (name(file.get("file_path")), name(file.get("repo_name"))),
        None => (name(value), None),
    }
}

/// Reads a step that is wanted as one text.
fn plain_step(item: &Value) -> Option<String> {
    let step = step(item)?;
    match (step.title, step.text) {
        (Some(title), Some(text)) => Some(format!("{title}: {text}")),
        (title, text) => title.or(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_present_root_cause_is_read() {
        let value = json!({
            "one_line_description": "Café 💥 `x`", "five_whys": ["a", "", "b"], "reproduction_steps": ["c"],
            "relevant_repo": "acme/api", "classification": "rca_only", "no_code_fix_reason": "third party",
            "analyzed_window": {"start": 1}
        });
        let why = |text: &str| Step { text: Some(text.to_owned()), ..Step::default() };
        let expected = RootCause {
            summary: Some("Café 💥 `x`".to_owned()),
            reasons: vec![why("a"), why("b")],
            reproduction: vec!["c".to_owned()],
            repo: Some("acme/api".to_owned()),
            classification: Some("rca_only".to_owned()),
            no_code_fix_reason: Some("third party".to_owned()),
        };
        assert_eq!(root_cause(Some(&value)), Some(expected));
    }

    #[test]
    fn the_documented_root_cause_is_read_and_a_file_that_is_not_available_is_none() {
        let value = json!({"description": "Woah", "steps": [
            {"title": "User navigates", "code_snippet_and_analysis": "GET", "timeline_item_type": "human_action",
             "relevant_code_file": {"file_path": "N/A", "repo_name": "N/A"}, "is_most_important_event": false},
            {"title": "Renders", "code_snippet_and_analysis": "bug", "timeline_item_type": "internal_code",
             "relevant_code_file": {"file_path": "src/app/page.ts", "repo_name": "owner/repo"},
             "is_most_important_event": true},
            {"title": "No file", "relevant_code_file": null}
        ]});
        let read = root_cause(Some(&value)).unwrap();
        assert_eq!(read.summary.as_deref(), Some("Woah"));
        assert_eq!(read.reasons[0].file, None);
        assert_eq!(read.reasons[0].repo, None);
        assert_eq!(read.reasons[1].file.as_deref(), Some("src/app/page.ts"));
        assert_eq!(read.reasons[1].repo.as_deref(), Some("owner/repo"));
        assert_eq!(read.reasons[1].text.as_deref(), Some("bug"));
        assert!(read.reasons[1].important && !read.reasons[0].important);
        assert_eq!(read.reasons[2].title.as_deref(), Some("No file"));
    }

    #[test]
    fn both_solutions_are_read() {
        let present = json!({"one_line_summary": "Guard", "steps": [{"title": "A", "description": "b"}]});
        let documented =
            json!({"description": "Guard", "steps": [{"title": "A", "code_snippet_and_analysis": "b"}]});
        let step = Step { title: Some("A".to_owned()), text: Some("b".to_owned()), ..Step::default() };
        let expected = Solution { summary: Some("Guard".to_owned()), steps: vec![step] };
        assert_eq!(solution(Some(&present)), Some(expected.clone()));
        assert_eq!(solution(Some(&documented)), Some(expected));
    }

    #[test]
    fn what_says_nothing_is_none_and_what_has_another_type_is_read_as_far_as_it_goes() {
        for value in
            [json!(null), json!({}), json!([]), json!(5), json!(""), json!({"five_whys": null, "steps": 3})]
        {
            assert_eq!(root_cause(Some(&value)), None, "{value}");
            assert_eq!(solution(Some(&value)), None, "{value}");
        }
        assert_eq!(root_cause(None), None);
        assert_eq!(root_cause(Some(&json!("just text"))).unwrap().summary.as_deref(), Some("just text"));
        let odd = json!({"description": 5, "steps": [null, 1, "bare", {"title": ["x"]}, {"title": "t"}]});
        assert_eq!(solution(Some(&odd)).unwrap().steps.len(), 2);
        let reproduction =
            json!({"reproduction_steps": [{"title": "Open", "description": "the cart"}, "Pay"]});
        assert_eq!(root_cause(Some(&reproduction)).unwrap().reproduction, ["Open: the cart", "Pay"]);
    }
}
