//! What the schemas say better than they are derived.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

/// Writes a closed set of words as one list, with what each means below it: many programs read no other form.
#[derive(Debug, Clone)]
pub(super) struct Words;

impl Transform for Words {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some((words, meanings)) =
            schema.get("oneOf").and_then(Value::as_array).and_then(|choices| words(choices))
        else {
            return;
        };
        schema.remove("oneOf");
        let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let about = format!("{about}\n\n{}", meanings.join("\n"));
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), json!(words));
        schema.insert("description".to_owned(), json!(about));
    }
}

/// Returns the words of a choice among single ones, and a line on each.
fn words(choices: &[Value]) -> Option<(Vec<String>, Vec<String>)> {
    let word = |choice: &Value| {
        let word = choice.get("const")?.as_str()?.to_owned();
        let meaning = choice.get("description").and_then(Value::as_str).unwrap_or_default();
        let line = format!("- `{word}`: {meaning}");
        Some((word, line))
    };
    choices.iter().map(word).collect()
}

/// Says of what is sent that times are times, and nothing of values that stand for fields which are left out: none is.
#[derive(Debug, Clone)]
pub(super) struct Answers;

impl Transform for Answers {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        for (name, property) in properties.iter_mut() {
            let Value::Object(property) = property else { continue };
            property.remove("default");
            if is_time(name) && property.contains_key("type") {
                property.insert("format".to_owned(), json!("date-time"));
            }
        }
    }
}

/// Tells by its name whether a field of the contract is a time.
fn is_time(name: &str) -> bool {
    name.ends_with("_at")
        || name.ends_with("until")
        || matches!(name, "since" | "gone_since" | "first_seen" | "last_seen")
}
