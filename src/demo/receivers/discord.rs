//! What a Discord webhook refuses, and how it says so.
//!
//! Source: <https://discord.com/developers/docs/resources/message> and
//! <https://discord.com/developers/docs/resources/webhook#execute-webhook>, read 2026-09-20.

pub(super) mod channel;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::preview::body::{list_at, nested_text_at, text_at};

const CONTENT: usize = 2_000;
const EMBEDS: usize = 10;
const EMBEDS_TOTAL: usize = 6_000;
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const FIELDS: usize = 25;
const FIELD_NAME: usize = 256;
const FIELD_VALUE: usize = 1_024;
const FOOTER: usize = 2_048;
const AUTHOR: usize = 256;
const URL: usize = 2_048;
const ROWS: usize = 5;
const BUTTONS: usize = 5;
const LABEL: usize = 80;
const BUTTON_URL: usize = 512;
const MAX_COLOUR: u64 = 0x00ff_ffff;

const INVALID_FORM_BODY: u32 = 50_035;
const EMPTY_MESSAGE: u32 = 50_006;

/// Returns the value of a query's parameter.
fn value_of(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns what is to be said of a body that lets somebody be pinged whom its first line does not mention: a webhook's
/// message pings by default, and an edit forgets what the message was sent with.
// Source: https://docs.discord.com/developers/resources/message#allowed-mentions-object, read 2026-11-30.
pub(super) fn fault(body: &Value) -> Option<String> {
    let allowed = body.get("allowed_mentions");
    let first = text_at(body, "content").lines().next().unwrap_or_default();
    let says = |word: &str| first.split(' ').any(|said| said == word);
    let is_mentioned = |(list, allowed): (&String, &Value)| {
        allowed.as_array().into_iter().flatten().filter_map(Value::as_str).all(|name| match list.as_str() {
            "parse" => name == "everyone" && (says("@here") || says("@everyone")),
            "users" => says(&format!("<@{name}>")),
            "roles" => says(&format!("<@&{name}>")),
            _ => false,
        })
    };
    let is_told =
        |allowed: &Map<String, Value>| allowed.contains_key("parse") && allowed.iter().all(is_mentioned);
    (!allowed.and_then(Value::as_object).is_some_and(is_told))
        .then(|| format!("`allowed_mentions` is {}", allowed.unwrap_or(&Value::Null)))
}

/// Returns the body of a 429.
pub(super) fn rate_limited(pause: Duration) -> Value {
    json!({ "message": "You are being rate limited.", "retry_after": pause.as_secs_f64(), "global": false })
}

/// Returns a refusal in one line.
pub(super) fn words(refusal: &Value) -> String {
    let code = refusal.get("code").and_then(Value::as_u64).unwrap_or_default();
    format!("{code} {}", text_at(refusal, "message"))
}

/// Returns what is wrong with a body, in Discord's form; `None` where it takes it.
pub(super) fn refusal(body: &Value) -> Option<Value> {
    if !body.is_object() {
        return Some(json!({ "code": 50_109, "message": "The request body contains invalid JSON." }));
    }
    let embeds = list_at(body, "embeds");
    if text_at(body, "content").trim().is_empty()
        && embeds.is_empty()
        && list_at(body, "components").is_empty()
    {
        return Some(json!({ "code": EMPTY_MESSAGE, "message": "Cannot send an empty message" }));
    }
    let mut form = Form::default();
    form.at_most("content", text_at(body, "content"), CONTENT);
    form.no_more_than("embeds", embeds, EMBEDS);
    for (at, embed) in embeds.iter().enumerate() {
        form.embed(&format!("embeds.{at}"), embed);
    }
    if embeds.iter().map(embed_length).sum::<usize>() > EMBEDS_TOTAL {
        form.fault("embeds", format!("Embed size exceeds maximum size of {EMBEDS_TOTAL}"));
    }
    form.rows(list_at(body, "components"));
    form.refusal()
}

/// Faults of a form, each with the path of its field.
#[derive(Default)]
struct Form {
    faults: Vec<(String, String)>,
}

impl Form {
    fn fault(&mut self, path: &str, message: String) {
        self.faults.push((path.to_owned(), message));
    }

    fn at_most(&mut self, path: &str, text: &str, length: usize) {
        if text.trim().chars().count() > length {
            self.fault(path, format!("Must be {length} or fewer in length."));
        }
    }

    fn between(&mut self, path: &str, text: &str, length: usize) {
        if text.trim().is_empty() {
            self.fault(path, "This field is required".to_owned());
        }
        self.at_most(path, text, length);
    }

    fn no_more_than(&mut self, path: &str, items: &[Value], count: usize) {
        if items.len() > count {
            self.fault(path, format!("Must be {count} or fewer in length."));
        }
    }

    fn web(&mut self, path: &str, url: &str, length: usize) {
        self.at_most(path, url, length);
        if !url.starts_with("https://") && !url.starts_with("http://") {
            self.fault(path, "Not a well formed URL.".to_owned());
        }
    }

    fn embed(&mut self, path: &str, embed: &Value) {
        self.at_most(&format!("{path}.title"), text_at(embed, "title"), TITLE);
        self.at_most(&format!("{path}.description"), text_at(embed, "description"), DESCRIPTION);
        self.at_most(&format!("{path}.footer.text"), nested_text_at(embed, "footer", "text"), FOOTER);
        self.at_most(&format!("{path}.author.name"), nested_text_at(embed, "author", "name"), AUTHOR);
        if embed.get("url").is_some() {
            self.web(&format!("{path}.url"), text_at(embed, "url"), URL);
        }
        if embed.get("color").is_some_and(|colour| colour.as_u64().is_none_or(|colour| colour > MAX_COLOUR)) {
            self.fault(&format!("{path}.color"), format!("int value should be between 0 and {MAX_COLOUR}."));
        }
        let fields = list_at(embed, "fields");
        self.no_more_than(&format!("{path}.fields"), fields, FIELDS);
        for (at, field) in fields.iter().enumerate() {
            self.between(&format!("{path}.fields.{at}.name"), text_at(field, "name"), FIELD_NAME);
            self.between(&format!("{path}.fields.{at}.value"), text_at(field, "value"), FIELD_VALUE);
        }
    }

    fn rows(&mut self, rows: &[Value]) {
        self.no_more_than("components", rows, ROWS);
        for (at, row) in rows.iter().enumerate() {
            let path = format!("components.{at}.components");
            let buttons = list_at(row, "components");
            self.no_more_than(&path, buttons, BUTTONS);
            for (at, button) in buttons.iter().enumerate() {
                self.between(&format!("{path}.{at}.label"), text_at(button, "label"), LABEL);
                self.web(&format!("{path}.{at}.url"), text_at(button, "url"), BUTTON_URL);
            }
        }
    }

    /// Nests the faults by path, as Discord's `errors` does.
    fn refusal(self) -> Option<Value> {
        if self.faults.is_empty() {
            return None;
        }
        let mut errors = Map::new();
        for (path, message) in self.faults {
            let fault = json!([{ "code": "BASE_TYPE_BAD_LENGTH", "message": message }]);
            insert(&mut errors, &path.split('.').collect::<Vec<_>>(), fault);
        }
        Some(json!({ "code": INVALID_FORM_BODY, "message": "Invalid Form Body", "errors": errors }))
    }
}

fn insert(tree: &mut Map<String, Value>, path: &[&str], fault: Value) {
    let Some((key, deeper)) = path.split_first() else {
        tree.insert("_errors".to_owned(), fault);
        return;
    };
    if let Value::Object(branch) = tree.entry(*key).or_insert_with(|| Value::Object(Map::new())) {
        insert(branch, deeper, fault);
    }
}

fn embed_length(embed: &Value) -> usize {
    let fields =
        list_at(embed, "fields").iter().flat_map(|field| [text_at(field, "name"), text_at(field, "value")]);
    let own = [text_at(embed, "title"), text_at(embed, "description")];
    let inner = [nested_text_at(embed, "footer", "text"), nested_text_at(embed, "author", "name")];
    own.into_iter().chain(inner).chain(fields).map(|text| text.trim().chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embed(embed: &Value) -> Value {
        json!({ "embeds": [embed] })
    }

    #[test]
    fn a_body_within_the_limits_is_taken() {
        assert_eq!(refusal(&json!({ "content": "x".repeat(2_000) })), None);
        let fields = vec![json!({ "name": "n", "value": "v", "inline": true }); 25];
        assert_eq!(refusal(&embed(&json!({ "title": "t", "color": 0x00ff_ffff, "fields": fields }))), None);
    }

    #[test]
    fn each_fault_is_named_by_its_path() {
        let refused =
            refusal(&embed(&json!({ "title": "t".repeat(257), "fields": [{ "name": "", "value": "v" }] })));
        insta::assert_json_snapshot!(refused, @r#"
        {
          "code": 50035,
          "errors": {
            "embeds": {
              "0": {
                "fields": {
                  "0": {
                    "name": {
                      "_errors": [
                        {
                          "code": "BASE_TYPE_BAD_LENGTH",
                          "message": "This field is required"
                        }
                      ]
                    }
                  }
                },
                "title": {
                  "_errors": [
                    {
                      "code": "BASE_TYPE_BAD_LENGTH",
                      "message": "Must be 256 or fewer in length."
                    }
                  ]
                }
              }
            }
          },
          "message": "Invalid Form Body"
        }
        "#);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let link = |url: &str| json!({ "type": 2, "style": 5, "label": "Open", "url": url });
        let rows = |buttons: Vec<Value>| json!({ "content": "x", "components": [{ "components": buttons }] });
        let cases = [
            json!({ "content": "x".repeat(2_001) }),
            json!({ "embeds": vec![json!({ "title": "t" }); 11] }),
            json!({ "embeds": vec![json!({ "description": "d".repeat(3_001) }); 2] }),
            embed(&json!({ "description": "d".repeat(4_097) })),
            embed(&json!({ "title": "t", "url": "ftp://a.dev" })),
            embed(&json!({ "title": "t", "color": 0x0100_0000 })),
            embed(&json!({ "fields": vec![json!({ "name": "n", "value": "v" }); 26] })),
            embed(&json!({ "fields": [{ "name": "n", "value": "v".repeat(1_025) }] })),
            rows(vec![link("https://a.dev"); 6]),
            rows(vec![link(&format!("https://a.dev/{}", "x".repeat(512)))]),
        ];
        for body in cases {
            let code = refusal(&body).and_then(|refusal| refusal["code"].as_u64());
            assert_eq!(code, Some(50_035), "{body}");
        }
    }

    #[test]
    fn an_empty_message_has_a_code_of_its_own() {
        assert_eq!(words(&refusal(&json!({})).unwrap()), "50006 Cannot send an empty message");
    }
}
