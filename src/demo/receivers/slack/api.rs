//! Slack's Web API, as far as a bot needs it that keeps its messages: one channel, and a memory of what stands there.
//!
//! Source: <https://docs.slack.dev/reference/methods/chat.postMessage>, `chat.update`, `conversations.history`,
//! `conversations.replies` and `conversations.list` beside it, read 2026-11-30. Every answer is JSON with status 200, a
//! refusal too.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::refusal;
use crate::demo::receivers::channel::{Channel, Message};
use crate::demo::receivers::{Deed, NAME};
use crate::preview::body::{list_at, text_at};

/// The channel's id.
pub(in crate::demo) const CHANNEL: &str = "C0SEERFIXES";
/// `chat.update` takes no more of `text`; a new message is only cut.
const MAX_UPDATED_TEXT: usize = 4_000;
/// Messages on a page, where nobody asks for fewer.
const PAGE: usize = 100;

/// What a method answers, and what it did.
pub(in crate::demo::receivers) type Outcome = Result<(Value, Option<Deed>), &'static str>;

/// One call of a method.
pub(in crate::demo::receivers) struct Call<'a> {
    /// Its name.
    pub(in crate::demo::receivers) method: &'a str,
    /// The header that lets it in.
    pub(in crate::demo::receivers) authorization: Option<&'a str>,
    /// The body, or the query as an object of texts.
    pub(in crate::demo::receivers) arguments: &'a Value,
    /// When it came.
    pub(in crate::demo::receivers) now: Timestamp,
}

/// Tells whether a method only looks.
pub(in crate::demo::receivers) fn only_reads(method: &str) -> bool {
    method.starts_with("conversations.")
}

/// Answers a call, for whoever knows the token.
///
/// # Errors
/// Slack's word for why not.
pub(in crate::demo::receivers) fn answer(channel: &mut Channel, token: &str, call: &Call<'_>) -> Outcome {
    match call.authorization.map(|header| header.strip_prefix("Bearer ")) {
        None => return Err("not_authed"),
        Some(given) if given != Some(token) => return Err("invalid_auth"),
        Some(_) => {}
    }
    let read = |answer: Value| Ok((answer, None));
    match call.method {
        "chat.postMessage" => post(channel, call),
        "chat.update" => update(channel, call.arguments),
        "conversations.list" => read(list()),
        "conversations.history" => read(history(channel, call.arguments)?),
        "conversations.replies" => read(replies(channel, call.arguments)?),
        _ => Err("unknown_method"),
    }
}

fn post(channel: &mut Channel, call: &Call<'_>) -> Outcome {
    let body = call.arguments;
    if let Some(word) = refusal(body) {
        return Err(word);
    }
    let name = text_at(body, "channel");
    if name != CHANNEL && name.trim_start_matches('#') != NAME {
        return Err("channel_not_found");
    }
    let parent = body.get("thread_ts").map(|_| text_at(body, "thread_ts"));
    if parent.is_some_and(|parent| channel.find(parent).is_none_or(|parent| parent.thread.is_some())) {
        return Err("thread_not_found");
    }
    let shown = body.get("reply_broadcast").and_then(Value::as_bool).unwrap_or(false);
    let ts = timestamp(call.now, channel.messages().last());
    channel.post(ts.clone(), parent.map(str::to_owned), body.clone());
    let deed = if parent.is_some() { Deed::Replied { shown } } else { Deed::Posted };
    let answer =
        json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": { "text": text_at(body, "text") } });
    Ok((answer, Some(deed)))
}

/// Returns a time that no message has: microseconds, which go on where the clock does not.
fn timestamp(now: Timestamp, last: Option<&Message>) -> String {
    let last = last.and_then(|last| micros(&last.id)).unwrap_or_default();
    let micros = now.as_microsecond().max(last + 1);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn micros(ts: &str) -> Option<i64> {
    let (seconds, micros) = ts.split_once('.').unwrap_or((ts, "0"));
    Some(seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?)
}

fn update(channel: &mut Channel, body: &Value) -> Outcome {
    // Here a channel has no name.
    if text_at(body, "channel") != CHANNEL {
        return Err("channel_not_found");
    }
    let ts = text_at(body, "ts");
    let Some(standing) = channel.find(ts) else { return Err("message_not_found") };
    if standing.closed {
        return Err("edit_window_closed");
    }
    if let Some(word) = refusal(body) {
        return Err(word);
    }
    if text_at(body, "text").chars().count() > MAX_UPDATED_TEXT {
        return Err("msg_too_long");
    }
    let is_rich =
        |body: &Value| list_at(body, "blocks").iter().any(|block| text_at(block, "type") == "rich_text");
    if is_rich(&standing.body) && !list_at(body, "blocks").is_empty() && !is_rich(body) {
        return Err("block_mismatch");
    }
    let edited = updated(&standing.body, body);
    let Some(before) = channel.edit(ts, edited) else { return Err("message_not_found") };
    let answer = json!({ "ok": true, "channel": CHANNEL, "ts": ts, "text": text_at(body, "text") });
    Ok((answer, Some(Deed::Edited { before })))
}

/// Text, blocks and attachments are replaced by what is given, or by nothing; the rest stays where nothing is given.
fn updated(before: &Value, body: &Value) -> Value {
    let mut updated = before.as_object().cloned().unwrap_or_default();
    for name in ["text", "blocks", "attachments"] {
        updated.remove(name);
    }
    let given = body.as_object().into_iter().flatten().filter(|(name, _)| name.as_str() != "ts");
    updated.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(updated)
}

fn list() -> Value {
    let channel =
        |id: &str, name: &str| json!({ "id": id, "name": name, "is_channel": true, "is_archived": false });
    let channels = [channel("C0GENERAL00", "general"), channel(CHANNEL, NAME)];
    json!({ "ok": true, "channels": channels, "response_metadata": { "next_cursor": "" } })
}

/// Tells the channel's messages, the newest first, with those replies that it shows.
fn history(channel: &Channel, arguments: &Value) -> Result<Value, &'static str> {
    if text_at(arguments, "channel") != CHANNEL {
        return Err("channel_not_found");
    }
    let is_shown = |message: &&Message| {
        message.thread.is_none() || message.body.get("reply_broadcast").and_then(Value::as_bool) == Some(true)
    };
    Ok(page(channel.standing().rev().filter(is_shown), arguments))
}

/// Tells a message and its replies, the oldest first.
fn replies(channel: &Channel, arguments: &Value) -> Result<Value, &'static str> {
    if text_at(arguments, "channel") != CHANNEL {
        return Err("channel_not_found");
    }
    let ts = text_at(arguments, "ts");
    if channel.find(ts).is_none() {
        return Err("thread_not_found");
    }
    let is_in = |message: &&Message| message.id == ts || message.thread.as_deref() == Some(ts);
    Ok(page(channel.standing().filter(is_in), arguments))
}

fn page<'a>(messages: impl Iterator<Item = &'a Message>, arguments: &Value) -> Value {
    let oldest = micros(text_at(arguments, "oldest")).unwrap_or_default();
    let limit = text_at(arguments, "limit").parse().unwrap_or(PAGE).max(1);
    let with_metadata = text_at(arguments, "include_all_metadata") == "true";
    let after = text_at(arguments, "cursor").strip_prefix("after:");
    let mut messages = messages.filter(|message| micros(&message.id) > Some(oldest)).peekable();
    if let Some(after) = after {
        while messages.next().is_some_and(|message| message.id != after) {}
    }
    let shown: Vec<&Message> = messages.by_ref().take(limit).collect();
    let has_more = messages.peek().is_some();
    let next = shown.last().filter(|_| has_more).map(|last| format!("after:{}", last.id)).unwrap_or_default();
    let shown: Vec<Value> = shown.into_iter().map(|message| told(message, with_metadata)).collect();
    json!({ "ok": true, "messages": shown, "has_more": has_more, "response_metadata": { "next_cursor": next } })
}

fn told(message: &Message, with_metadata: bool) -> Value {
    let mut told = Map::new();
    told.insert("type".to_owned(), json!("message"));
    told.insert("ts".to_owned(), json!(message.id));
    told.insert("text".to_owned(), json!(text_at(&message.body, "text")));
    if let Some(thread) = &message.thread {
        told.insert("thread_ts".to_owned(), json!(thread));
    }
    if let Some(metadata) = message.body.get("metadata").filter(|_| with_metadata) {
        told.insert("metadata".to_owned(), metadata.clone());
    }
    Value::Object(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "known-here-alone";

    fn call(channel: &mut Channel, method: &str, arguments: &Value) -> Outcome {
        let authorization = Some("Bearer known-here-alone");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        answer(channel, TOKEN, &Call { method, authorization, arguments, now })
    }

    fn posted(channel: &mut Channel, arguments: &Value) -> String {
        let (answer, _) = call(channel, "chat.postMessage", arguments).unwrap();
        assert_eq!(answer["channel"], CHANNEL);
        text_at(&answer, "ts").to_owned()
    }

    /// Which messages are told, and the whole answer.
    fn told(channel: &mut Channel, method: &str, arguments: &Value) -> (Vec<String>, Value) {
        let (answer, _) = call(channel, method, arguments).unwrap();
        let texts = list_at(&answer, "messages").iter().map(|message| text_at(message, "text").to_owned());
        (texts.collect(), answer.clone())
    }

    #[test]
    fn nobody_is_let_in_without_the_token() {
        let arguments = json!({ "channel": CHANNEL, "text": "hello" });
        for (authorization, word) in
            [(None, "not_authed"), (Some("Bearer other"), "invalid_auth"), (Some(TOKEN), "invalid_auth")]
        {
            let call = Call {
                method: "chat.postMessage",
                authorization,
                arguments: &arguments,
                now: Timestamp::UNIX_EPOCH,
            };
            let mut channel = Channel::default();
            assert_eq!(answer(&mut channel, TOKEN, &call).unwrap_err(), word);
            assert!(channel.messages().is_empty());
        }
        assert_eq!(call(&mut Channel::default(), "chat.unheardOf", &json!({})), Err("unknown_method"));
    }

    #[test]
    fn a_message_is_posted_by_id_or_name_and_answered_only_where_it_stands() {
        let mut channel = Channel::default();
        let first = posted(&mut channel, &json!({ "channel": "#seer-fixes", "text": "a" }));
        let second = posted(&mut channel, &json!({ "channel": CHANNEL, "text": "b" }));
        assert!(second > first, "{second}");
        let reply = |thread: &str| json!({ "channel": CHANNEL, "text": "c", "thread_ts": thread });
        let (_, deed) = call(&mut channel, "chat.postMessage", &reply(&first)).unwrap();
        assert_eq!(deed, Some(Deed::Replied { shown: false }));
        assert_eq!(call(&mut channel, "chat.postMessage", &reply("1.0")), Err("thread_not_found"));
        channel.delete(&first);
        assert_eq!(call(&mut channel, "chat.postMessage", &reply(&first)), Err("thread_not_found"));
        let elsewhere = json!({ "channel": "#general2", "text": "a" });
        assert_eq!(call(&mut channel, "chat.postMessage", &elsewhere), Err("channel_not_found"));
        assert_eq!(call(&mut channel, "chat.postMessage", &json!({ "channel": CHANNEL })), Err("no_text"));
    }

    #[test]
    fn an_edit_replaces_text_and_blocks_and_keeps_the_metadata() {
        let mut channel = Channel::default();
        let rich =
            json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [] }] }]);
        let body =
            json!({ "channel": CHANNEL, "text": "a", "blocks": rich, "metadata": { "event_type": "x" } });
        let ts = posted(&mut channel, &body);
        let edit = |text: &str, blocks: Value| json!({ "channel": CHANNEL, "ts": ts, "text": text, "blocks": blocks });

        let (_, deed) = call(&mut channel, "chat.update", &edit("b", rich.clone())).unwrap();
        assert!(matches!(deed, Some(Deed::Edited { before }) if before["text"] == "a"));
        let divider = json!([{ "type": "divider" }]);
        for (body, word) in [
            (edit("b", divider), "block_mismatch"),
            (edit(&"x".repeat(4_001), rich.clone()), "msg_too_long"),
            (json!({ "channel": "#seer-fixes", "ts": ts, "text": "b" }), "channel_not_found"),
            (json!({ "channel": CHANNEL, "ts": "1.0", "text": "b" }), "message_not_found"),
            (json!({ "channel": CHANNEL, "ts": ts }), "no_text"),
        ] {
            assert_eq!(call(&mut channel, "chat.update", &body), Err(word));
        }
        call(&mut channel, "chat.update", &json!({ "channel": CHANNEL, "ts": ts, "text": "c" })).unwrap();
        let kept = &channel.messages()[0];
        assert_eq!(
            (kept.edits, &kept.body["text"], &kept.body["metadata"]["event_type"]),
            (2, &json!("c"), &json!("x"))
        );
        assert_eq!(kept.body.get("blocks"), None, "an edit without blocks takes them away");
        channel.close(&ts);
        assert_eq!(call(&mut channel, "chat.update", &edit("d", rich)), Err("edit_window_closed"));
        channel.delete(&ts);
        let gone = json!({ "channel": CHANNEL, "ts": ts, "text": "d" });
        assert_eq!(call(&mut channel, "chat.update", &gone), Err("message_not_found"));
    }

    #[test]
    fn history_is_told_newest_first_and_page_by_page_and_metadata_only_where_it_is_asked_for() {
        let mut channel = Channel::default();
        let body =
            |text: &str| json!({ "channel": CHANNEL, "text": text, "metadata": { "event_type": text } });
        let first = posted(&mut channel, &body("a"));
        posted(&mut channel, &body("b"));
        let answer = |text: &str, shown: bool| json!({ "channel": CHANNEL, "text": text, "thread_ts": first, "reply_broadcast": shown });
        posted(&mut channel, &answer("c", true));
        posted(&mut channel, &answer("d", false));

        let mut ask = json!({ "channel": CHANNEL, "limit": "2" });
        let (texts, page) = told(&mut channel, "conversations.history", &ask);
        assert_eq!(
            (texts, &page["messages"][0].get("metadata")),
            (vec!["c".to_owned(), "b".to_owned()], &None)
        );
        ask["cursor"] = page["response_metadata"]["next_cursor"].clone();
        ask["include_all_metadata"] = json!("true");
        let (texts, page) = told(&mut channel, "conversations.history", &ask);
        assert_eq!(
            (texts, &page["messages"][0]["metadata"]["event_type"]),
            (vec!["a".to_owned()], &json!("a"))
        );
        assert_eq!(
            (&page["has_more"], &page["response_metadata"]["next_cursor"]),
            (&json!(false), &json!(""))
        );

        let thread = json!({ "channel": CHANNEL, "ts": first, "oldest": "1" });
        assert_eq!(told(&mut channel, "conversations.replies", &thread).0, ["a", "c", "d"]);
        let later = json!({ "channel": CHANNEL, "oldest": "1900000000" });
        assert_eq!(told(&mut channel, "conversations.history", &later).0, [""; 0]);
        let (channels, _) = call(&mut channel, "conversations.list", &json!({})).unwrap();
        assert_eq!(channels["channels"][1]["name"], "seer-fixes");
    }
}
