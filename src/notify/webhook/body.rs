//! The body that an HTTP service gets: the documented JSON in an envelope, whole or thin.
//!
//! Knows no HTTP; pure. A document with a diff of megabytes is written without being copied.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Value, json};

use crate::delivery::Rung;
use crate::message::Message;
use crate::notify::{summary, written};
use crate::render::Rendered;
use crate::render::context::Head;

/// Returns the exact request body.
pub(crate) fn body(thin: bool, rendered: &Rendered, rung: Rung) -> Bytes {
    let thin = thin || rung != Rung::Whole;
    match rendered {
        Rendered::Document(document) if thin => {
            let whole = document.value();
            written(&StandardBody { head: document.head(), data: Part { value: &whole, thin, root: true } })
        }
        Rendered::Document(document) => written(&StandardBody { head: document.head(), data: document }),
        Rendered::Body(body) => written(&Part { value: body, thin: rung != Rung::Whole, root: true }),
        Rendered::Message(message) => written(&of_message(message)),
    }
}

/// The envelope of Standard Webhooks.
struct StandardBody<'a, D> {
    head: Head<'a>,
    data: D,
}

impl<D: Serialize> Serialize for StandardBody<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Head { kind, id, timestamp } = &self.head;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("type", kind)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("timestamp", timestamp)?;
        map.serialize_entry("data", &self.data)?;
        map.end()
    }
}

/// A part of the document; in a thin one diffs are null, as all that is not known, and its root has no payload.
struct Part<'a> {
    value: &'a Value,
    thin: bool,
    root: bool,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |value| Part { value, thin: self.thin, root: false };
        match self.value {
            Value::Object(object) if self.thin => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in object {
                    match name.as_str() {
                        "payload" if self.root => {}
                        "diff" => map.serialize_entry(name, &Value::Null)?,
                        _other => map.serialize_entry(name, &inner(value))?,
                    }
                }
                map.end()
            }
            Value::Array(array) if self.thin => {
                let mut list = serializer.serialize_seq(Some(array.len()))?;
                for value in array {
                    list.serialize_element(&inner(value))?;
                }
                list.end()
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => self.value.serialize(serializer),
        }
    }
}

/// Makes do with a message, which is not meant for a service.
fn of_message(message: &Message) -> Value {
    let links: Vec<Value> = message
        .buttons
        .iter()
        .map(|button| json!({ "label": button.label, "url": button.url.as_str() }))
        .collect();
    let data = json!({
        "title": summary::title(message),
        "text": summary::first_words(message),
        "links": links,
    });
    json!({ "type": "seer.message", "data": data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Inline;

    fn document() -> Value {
        json!({
            "event": { "id": "evt_1", "action": "coding_completed", "received_at": "2026-11-23T12:00:00.000Z" },
            "run": { "changes": [{ "repo": "acme/api", "files": [{ "path": "a.py", "diff": "+x" }] }] },
            "payload": { "action": "coding_completed" },
        })
    }

    fn made(thin: bool, rendered: &Rendered, rung: Rung) -> Value {
        serde_json::from_slice(&body(thin, rendered, rung)).unwrap()
    }

    #[test]
    fn the_whole_body_is_the_document_in_an_envelope() {
        assert_eq!(
            made(false, &Rendered::Document(document().into()), Rung::Whole),
            json!({
                "type": "seer.coding_completed",
                "id": "evt_1",
                "timestamp": "2026-11-23T12:00:00.000Z",
                "data": document(),
            })
        );
    }

    #[test]
    fn a_thin_body_has_neither_payload_nor_diffs() {
        for (thin, rung) in [(true, Rung::Whole), (false, Rung::Brief), (true, Rung::Brief)] {
            let body = made(thin, &Rendered::Document(document().into()), rung);
            assert_eq!(
                body["data"]["run"]["changes"][0]["files"][0],
                json!({ "path": "a.py", "diff": null })
            );
            assert!(body["data"].get("payload").is_none());
            assert_eq!(body["data"]["event"], document()["event"]);
        }
    }

    #[test]
    fn the_relay_s_own_events_keep_their_name() {
        let document = json!({ "event": { "id": "evt_1", "action": "relay.stalled" } });
        assert_eq!(made(false, &Rendered::Document(document.into()), Rung::Whole)["type"], "relay.stalled");
    }

    #[test]
    fn a_digest_is_known_by_its_own_id_and_the_time_up_to_which_it_gathered() {
        let document =
            json!({ "digest": { "id": "dlv_1", "until": "2026-11-23T13:00:00.000Z", "total": 3 } });
        assert_eq!(
            made(false, &Rendered::Document(document.clone().into()), Rung::Whole),
            json!({
                "type": "relay.digest",
                "id": "dlv_1",
                "timestamp": "2026-11-23T13:00:00.000Z",
                "data": document,
            })
        );
    }

    #[test]
    fn an_alert_is_told_from_the_webhook_of_its_step() {
        let mut document = document();
        document["event"]["resource"] = json!("seer");
        let kind = |document: &Value| {
            made(false, &Rendered::Document(document.clone().into()), Rung::Whole)["type"].clone()
        };
        assert_eq!(kind(&document), "seer.coding_completed");
        document["event"]["resource"] = json!("activity_alert");
        assert_eq!(kind(&document), "activity_alert.seer_coding_completed");
    }

    #[test]
    fn a_template_s_own_body_goes_out_as_it_is() {
        let own = json!({ "payload": 1, "diff": [{ "diff": 2, "x": 3 }] });
        assert_eq!(made(true, &Rendered::Body(own.clone()), Rung::Whole), own);
        assert_eq!(made(false, &Rendered::Body(own), Rung::Brief), json!({ "diff": null }));
        assert_eq!(made(false, &Rendered::Body(json!([1])), Rung::Whole), json!([1]));
    }

    #[test]
    fn a_message_makes_do() {
        let message = Message { title: vec![Inline::Text("T".to_owned())], ..Message::default() };
        assert_eq!(made(false, &Rendered::Message(message), Rung::Whole)["data"]["title"], "T");
    }
}
