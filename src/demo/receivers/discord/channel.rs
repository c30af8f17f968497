//! A Discord channel behind a webhook: messages are posted, in a forum each in a thread of its own, and edited.
//!
//! Source: <https://discord.com/developers/docs/resources/webhook#execute-webhook>, `#edit-webhook-message` beside it, and
//! <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>, read 2026-11-30.

use serde_json::{Map, Value, json};

use super::{refusal, value_of};
use crate::demo::receivers::Deed;
use crate::demo::receivers::channel::{Channel, Message};
use crate::preview::body::text_at;

/// The channel's id.
const CHANNEL: &str = "1400000000000000002";
/// The first message's id; the next ones count up.
const FIRST_ID: u64 = 1_400_000_000_000_100_000;

/// A refusal: the status and the body.
pub(in crate::demo::receivers) type Refusal = (u16, Value);

/// What is answered, where anything is, the body as it stands there, and what was done.
pub(in crate::demo::receivers) type Outcome = Result<(Option<Value>, Value, Deed), Refusal>;

/// Takes a new message.
///
/// # Errors
/// [`Refusal`] with Discord's code.
pub(in crate::demo::receivers) fn post(
    channel: &mut Channel,
    is_forum: bool,
    query: &str,
    mut body: Value,
) -> Outcome {
    drop_unasked(query, &mut body);
    if let Some(refusal) = refusal(&body) {
        return Err((400, refusal));
    }
    let asked = value_of(query, "thread_id");
    let named = body.get("thread_name").is_some();
    let fault = match (is_forum, named, &asked) {
        (_, true, Some(_)) => Some((220_002, "Webhooks can't have both a thread_name and thread_id")),
        (true, false, None) => {
            Some((220_001, "Webhooks posted to forum channels must have a thread_name or thread_id"))
        }
        (false, true, None) => Some((220_003, "Webhooks can only create threads in forum channels")),
        (_, _, _) => None,
    };
    if let Some((code, words)) = fault {
        return Err((400, json!({ "code": code, "message": words })));
    }
    let is_known =
        |thread: &str| channel.messages().iter().any(|message| message.thread.as_deref() == Some(thread));
    if asked.as_deref().is_some_and(|thread| !is_known(thread)) {
        return Err((404, json!({ "code": 10_003, "message": "Unknown Channel" })));
    }
    let id = (FIRST_ID + channel.messages().len() as u64).to_string();
    // A forum's thread has the id of the message that begins it.
    let thread = asked.or_else(|| named.then(|| id.clone()));
    channel.post(id.clone(), thread.clone(), body.clone());
    let answer =
        (value_of(query, "wait").as_deref() == Some("true")).then(|| shown(&id, thread.as_deref(), &body));
    Ok((answer, body, Deed::Posted))
}

/// Changes a message; what is not named stays.
///
/// # Errors
/// [`Refusal`] with Discord's code.
pub(in crate::demo::receivers) fn edit(
    channel: &mut Channel,
    id: &str,
    query: &str,
    mut body: Value,
) -> Outcome {
    drop_unasked(query, &mut body);
    let in_thread = |message: &&Message| message.thread == value_of(query, "thread_id");
    let Some(standing) = channel.find(id).filter(in_thread) else {
        return Err((404, json!({ "code": 10_008, "message": "Unknown Message" })));
    };
    if standing.closed {
        let words = "Maximum number of edits to messages older than 1 hour reached. Try again later";
        return Err((429, json!({ "code": 30_046, "message": words })));
    }
    if !body.is_object() {
        return Err((400, refusal(&body).unwrap_or_default()));
    }
    let (edited, thread) = (edited(&standing.body, &body), standing.thread.clone());
    if let Some(refusal) = refusal(&edited) {
        return Err((400, refusal));
    }
    let answer = shown(id, thread.as_deref(), &edited);
    let before = channel.edit(id, edited.clone()).unwrap_or_default();
    Ok((Some(answer), edited, Deed::Edited { before }))
}

/// Forgets the components, as Discord does silently where nobody asked for them.
fn drop_unasked(query: &str, body: &mut Value) {
    if value_of(query, "with_components").as_deref() != Some("true")
        && let Some(body) = body.as_object_mut()
    {
        body.remove("components");
    }
}

fn edited(before: &Value, body: &Value) -> Value {
    let mut edited: Map<String, Value> = before.as_object().cloned().unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        edited.insert(name.clone(), value.clone());
    }
    edited.retain(|_, value| !value.is_null());
    Value::Object(edited)
}

/// Returns the message as Discord shows it to who posted it.
fn shown(id: &str, thread: Option<&str>, body: &Value) -> Value {
    json!({
        "id": id,
        "channel_id": thread.unwrap_or(CHANNEL),
        "type": 0,
        "content": text_at(body, "content"),
        "embeds": body.get("embeds").cloned().unwrap_or_else(|| json!([])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(outcome: Outcome) -> u64 {
        outcome.unwrap_err().1["code"].as_u64().unwrap()
    }

    fn posted(channel: &mut Channel, is_forum: bool, body: Value) -> (String, String) {
        let (answer, ..) = post(channel, is_forum, "wait=true", body).unwrap();
        let answer = answer.unwrap();
        (text_at(&answer, "id").to_owned(), text_at(&answer, "channel_id").to_owned())
    }

    #[test]
    fn an_edit_changes_what_it_names_and_the_result_must_still_be_a_message() {
        let mut channel = Channel::default();
        let (id, _) = posted(&mut channel, false, json!({ "content": "a", "embeds": [{ "title": "t" }] }));
        let (_, _, deed) = edit(&mut channel, &id, "", json!({ "content": "b" })).unwrap();
        assert!(matches!(deed, Deed::Edited { before } if before["content"] == "a"));
        assert_eq!(channel.messages()[0].body, json!({ "content": "b", "embeds": [{ "title": "t" }] }));
        edit(&mut channel, &id, "", json!({ "content": null })).unwrap();
        assert_eq!(channel.messages()[0].body, json!({ "embeds": [{ "title": "t" }] }));
        assert_eq!(code(edit(&mut channel, &id, "", json!({ "embeds": [] }))), 50_006);
        assert_eq!(code(edit(&mut channel, &id, "", json!({ "content": "x".repeat(2_001) }))), 50_035);
        assert_eq!(channel.messages()[0].edits, 2);
    }

    #[test]
    fn a_message_that_is_gone_elsewhere_or_too_old_is_not_edited() {
        let mut channel = Channel::default();
        let (id, _) = posted(&mut channel, false, json!({ "content": "a" }));
        let body = || json!({ "content": "b" });
        assert_eq!(code(edit(&mut channel, "7", "", body())), 10_008);
        assert_eq!(code(edit(&mut channel, &id, "thread_id=7", body())), 10_008);
        channel.close(&id);
        assert_eq!(code(edit(&mut channel, &id, "", body())), 30_046);
        channel.delete(&id);
        assert_eq!(code(edit(&mut channel, &id, "", body())), 10_008);
    }

    #[test]
    fn in_a_forum_a_message_begins_a_thread_or_stands_in_one() {
        let mut channel = Channel::default();
        let body = || json!({ "content": "a" });
        let named = || json!({ "content": "a", "thread_name": "n" });
        assert_eq!(code(post(&mut channel, true, "", body())), 220_001);
        assert_eq!(code(post(&mut channel, false, "", named())), 220_003);
        let (id, thread) = posted(&mut channel, true, named());
        assert_eq!(id, thread, "the reply's channel is the thread");
        let there = format!("thread_id={thread}");
        assert_eq!(code(post(&mut channel, true, &there, named())), 220_002);
        assert_eq!(code(post(&mut channel, true, "thread_id=7", body())), 10_003);
        post(&mut channel, true, &there, body()).unwrap();
        assert_eq!(code(edit(&mut channel, &id, "", body())), 10_008);
        edit(&mut channel, &id, &there, body()).unwrap();
    }

    #[test]
    fn components_come_only_where_they_are_asked_for_and_the_message_only_where_it_is_waited_for() {
        let mut channel = Channel::default();
        let body = || json!({ "content": "a", "components": [{ "type": 1, "components": [] }] });
        assert_eq!(post(&mut channel, false, "", body()).unwrap().0, None);
        let (answer, ..) = post(&mut channel, false, "wait=true&with_components=true", body()).unwrap();
        assert_eq!(answer.unwrap()["channel_id"], CHANNEL);
        let has = |message: &Message| message.body.get("components").is_some();
        assert_eq!(channel.messages().iter().map(has).collect::<Vec<_>>(), [false, true]);
    }
}
