//! The schema of `routes.toml`: destinations by kind, and routes. One line per key.

use serde_json::{Map, Value, json};

use super::document;
use super::shape::{Shape, described};
use crate::delivery::DestinationKind;
use crate::routing::Field;

/// What holds where a key is not given.
#[derive(Debug, Clone, Copy)]
enum Absent {
    /// Nothing, or something that depends on others: the description says it.
    None,
    Text(&'static str),
    Boolean(bool),
    Whole(usize),
}

/// A key: its name, its shape, its default, and what it means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(&'static str, Shape, Absent, &'static str);

impl Key {
    /// Returns its name.
    #[cfg(test)]
    pub(super) fn name(self) -> &'static str {
        self.0
    }
}

const STYLES: Shape = Shape::Word(&["card", "thread", "messages"]);

const TEMPLATE: Key = Key("template", Shape::Text, Absent::None, "The template set; a route's own wins.");
const IN_FLIGHT: Key = Key(
    "in_flight",
    Shape::Whole(1, 1000),
    Absent::None,
    "How many requests may be open at once: by default 1, for a webhook 64.",
);
const RATE: Key = Key(
    "rate",
    Shape::Rate,
    Absent::None,
    "How often it may be called: `1/s`, `30/m`, `100/h` or `unlimited`. By default Slack 1/s, Discord 30 in any minute, \
     a webhook unlimited.",
);
const TIMEOUT: Key = Key(
    "timeout",
    Shape::Duration,
    Absent::None,
    "How long one attempt may take, from 100ms to 5m. By default `delivery.attempt_timeout`.",
);
const EXPIRE_AFTER: Key = Key(
    "expire_after",
    Shape::DurationOrOff,
    Absent::None,
    "News older than this becomes a dead letter; from 1s to 30d, or `off`. By default 6h for chat with \
     `style = \"messages\"`, else off.",
);
const DIGEST: Key = Key(
    "digest",
    Shape::Duration,
    Absent::None,
    "One message that sums up the runs of that time, in place of messages and cards; from 1m to 24h.",
);
const FALLBACK: Key =
    Key("fallback", Shape::Text, Absent::None, "The destination that gets what this one does not take.");
const FALLBACK_AFTER: Key = Key(
    "fallback_after",
    Shape::Duration,
    Absent::Text("10m"),
    "How long a message waits before it goes to the `fallback`, from 1s to `delivery.give_up_after`.",
);
const DIFF: Key =
    Key("diff", Shape::Whole(0, 1000), Absent::Whole(0), "How many lines of diff a message shows.");
const ANNOUNCE: Key = Key(
    "announce",
    Shape::Texts,
    Absent::None,
    "Actions that everybody is to see, beside the card or in the thread. By default `pr_created` and \
     `pr_ready_for_review`.",
);

/// The keys of a destination of each kind.
pub(super) const fn keys_of(kind: DestinationKind) -> &'static [Key] {
    match kind {
        DestinationKind::Slack => SLACK,
        DestinationKind::Discord => DISCORD,
        DestinationKind::Webhook => WEBHOOK,
    }
}

const SLACK: &[Key] = &[
    Key("webhook_url", Shape::Secret, Absent::None, "The address of an incoming webhook."),
    Key(
        "bot_token",
        Shape::Secret,
        Absent::None,
        "The app's Bot User OAuth Token, `xoxb-…`, with scope chat:write; instead of `webhook_url`, with `channel`.",
    ),
    Key("channel", Shape::Text, Absent::None, "The channel's id, such as `C0123ABC`, or `#name`."),
    Key("api_url", Shape::Address, Absent::Text("https://slack.com/api/"), "Where Slack's Web API is."),
    Key(
        "style",
        STYLES,
        Absent::None,
        "How the messages of a run hang together: one `card` that is edited, a `thread`, or `messages`. By default \
         `card` with a `bot_token`, else `messages`.",
    ),
    ANNOUNCE,
    TEMPLATE,
    RATE,
    IN_FLIGHT,
    TIMEOUT,
    EXPIRE_AFTER,
    DIGEST,
    FALLBACK,
    FALLBACK_AFTER,
    DIFF,
    Key(
        "buttons",
        Shape::Boolean,
        Absent::Boolean(false),
        "Links titled \"button\" as buttons; Slack shows ⚠ after a click unless the app answers interactivity.",
    ),
    Key(
        "slack_compatible",
        Shape::Boolean,
        Absent::Boolean(false),
        "Plain text and one attachment, for Mattermost and Rocket.Chat.",
    ),
];

const DISCORD: &[Key] = &[
    Key("webhook_url", Shape::Secret, Absent::None, "The address of a channel's webhook."),
    Key(
        "style",
        STYLES,
        Absent::Text("card"),
        "How the messages of a run hang together: one `card` that is edited, a `thread` of a forum channel, or \
         `messages`.",
    ),
    TEMPLATE,
    RATE,
    IN_FLIGHT,
    TIMEOUT,
    EXPIRE_AFTER,
    DIGEST,
    FALLBACK,
    FALLBACK_AFTER,
    DIFF,
    Key("thread_id", Shape::Digits, Absent::None, "Post into this thread: its digits."),
    Key(
        "thread_name",
        Shape::Text,
        Absent::None,
        "In a forum channel: every run begins a thread of this name, such as `{issue}` or `{title}`.",
    ),
    ANNOUNCE,
];

const WEBHOOK: &[Key] = &[
    Key(
        "url",
        Shape::Secret,
        Absent::None,
        "The address: text, or a secret where it opens a door by itself.",
    ),
    Key(
        "secret",
        Shape::Secret,
        Absent::None,
        "Signs by Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes.",
    ),
    Key("headers", Shape::Headers, Absent::None, "Further headers of each request, by their names."),
    Key("thin", Shape::Boolean, Absent::Boolean(false), "Without diffs and payload."),
    Key(
        "style",
        Shape::Word(&["messages"]),
        Absent::Text("messages"),
        "A webhook gets every event as a request of its own.",
    ),
    TEMPLATE,
    RATE,
    IN_FLIGHT,
    TIMEOUT,
    EXPIRE_AFTER,
    DIGEST,
    FALLBACK,
    FALLBACK_AFTER,
];

/// The keys of a route but for `when`, `to` and `mention`, which have forms of their own.
pub(super) const ROUTE: &[Key] = &[
    Key("name", Shape::Text, Absent::None, "Its name in history and metrics; without one it is `route 2`."),
    Key(
        "otherwise",
        Shape::Boolean,
        Absent::Boolean(false),
        "It matches only where no route above did; a `when` may narrow it further.",
    ),
    Key("template", Shape::Text, Absent::None, "The template set of its messages."),
    Key("stop", Shape::Boolean, Absent::Boolean(false), "Where it matches, the reading ends."),
    Key(
        "mute",
        Shape::Texts,
        Absent::None,
        "The names of `[mute.NAME]` tables, during which nobody is told.",
    ),
    Key(
        "muted",
        Shape::Word(&["hold", "drop"]),
        Absent::Text("hold"),
        "What becomes of a message while the route is muted: held back until the mute is over, or not sent.",
    ),
];

/// The keys of a mute.
pub(super) const MUTE: &[Key] = &[
    Key(
        "days",
        Shape::Patterns(DAYS),
        Absent::None,
        "Its days: `mon`, `mon-fri`, `fri-mon`; without them every day.",
    ),
    Key("from", Shape::Pattern(TIME_OF_DAY), Absent::Text("00:00"), "When it begins on these days: `20:00`."),
    Key("to", Shape::Pattern(TIME), Absent::Text("24:00"), "When it ends; before `from`, on the next day."),
    Key(
        "timezone",
        Shape::Text,
        Absent::None,
        "Where its clock hangs: a name such as `Europe/Berlin`, or `UTC`.",
    ),
];

/// A time of the day.
const TIME_OF_DAY: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";
const DAYS: &str = "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$";
const TIME: &str = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";

/// Returns the schema.
pub(super) fn schema() -> Value {
    let mut properties: Map<String, Value> =
        DestinationKind::ALL.iter().map(|kind| (kind.to_string(), destinations(*kind))).collect();
    properties.insert("route".to_owned(), routes());
    properties.insert("mute".to_owned(), mutes());
    document("routes.toml: destinations and routes of seer-relay", &properties)
}

fn destinations(kind: DestinationKind) -> Value {
    let says = format!("Destinations of the kind `{kind}`, one table each: `[{kind}.NAME]`.");
    tables(&says, &destination(kind))
}

fn mutes() -> Value {
    let table = json!({
        "type": "object", "additionalProperties": false, "properties": properties(MUTE),
        "required": ["timezone"], "dependentRequired": { "from": ["to"], "to": ["from"] },
    });
    tables("Times in which routes that name them are muted, one table each: `[mute.NAME]`.", &table)
}

/// Returns the schema of a family of tables, each with a name of its own.
fn tables(says: &str, table: &Value) -> Value {
    json!({
        "type": "object",
        "description": says,
        "additionalProperties": false,
        "patternProperties": { "^[A-Za-z0-9_-]{1,64}$": table },
    })
}

fn destination(kind: DestinationKind) -> Value {
    let mut table = json!({
        "type": "object", "additionalProperties": false, "properties": properties(keys_of(kind)),
    });
    let rules = match kind {
        DestinationKind::Slack => json!({
            "oneOf": [
                { "required": ["webhook_url"], "properties": { "channel": false, "api_url": false } },
                { "required": ["bot_token", "channel"], "properties": { "webhook_url": false } },
            ],
        }),
        DestinationKind::Discord => json!({
            "required": ["webhook_url"], "not": { "required": ["thread_id", "thread_name"] },
        }),
        DestinationKind::Webhook => json!({ "required": ["url"] }),
    };
    add(&mut table, rules);
    table
}

fn properties(keys: &[Key]) -> Map<String, Value> {
    let of = |Key(name, shape, default, says): &Key| {
        let default = match default {
            Absent::None => None,
            Absent::Text(text) => Some(json!(text)),
            Absent::Boolean(value) => Some(json!(value)),
            Absent::Whole(number) => Some(json!(number)),
        };
        ((*name).to_owned(), described(shape.schema(), says, default))
    };
    keys.iter().map(of).collect()
}

fn routes() -> Value {
    let mut keys = properties(ROUTE);
    let to = json!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
    });
    keys.insert("to".to_owned(), described(to, "The names of destinations.", None));
    keys.insert("when".to_owned(), when());
    keys.insert("mention".to_owned(), mention());
    json!({
        "type": "array",
        "description": "Routes, read from top to bottom; every one that matches adds its destinations.",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "properties": keys,
            "anyOf": [
                { "required": ["to"] },
                { "required": ["stop"], "properties": { "stop": { "const": true } } },
            ],
        },
    })
}

fn mention() -> Value {
    let of = |pattern: &str| json!({ "type": "array", "items": { "type": "string", "pattern": pattern }, "minItems": 1, "maxItems": 20 });
    let table = json!({
        "type": "object", "additionalProperties": false, "minProperties": 1,
        "properties": {
            "slack": described(of("^([UWS][A-Z0-9]+|here|channel|everyone)$"), "Ids of members and user groups.", None),
            "discord": described(of("^((role|user):[0-9]+|here|everyone)$"), "`role:ID` and `user:ID`.", None),
        },
    });
    described(table, "Whom the messages of this route ping; nobody else is ever pinged.", None)
}

fn when() -> Value {
    let mut conditions = conditions();
    let not = json!({
        "type": "object", "additionalProperties": false, "minProperties": 1, "properties": conditions.clone(),
    });
    let says = "Excludes the events for which all of these conditions hold.";
    conditions.insert("not".to_owned(), described(not, says, None));
    let table = json!({ "type": "object", "additionalProperties": false, "properties": conditions });
    described(table, "Conditions, all of which must hold; without it every event matches.", None)
}

fn conditions() -> Map<String, Value> {
    let of = |field: &Field| {
        let (says, is_number) = condition(*field);
        let text = json!({ "type": "string", "minLength": 1 });
        let one = if is_number { json!({ "anyOf": [text, { "type": "integer" }] }) } else { text };
        let list = json!({ "type": "array", "items": one.clone(), "minItems": 1 });
        let says =
            format!("{says} A text or a list, of which any may match; `*` is any text, `?` one character.");
        (field.to_string(), described(json!({ "anyOf": [one, list] }), &says, None))
    };
    Field::ALL.iter().map(of).collect()
}

/// Returns what a condition looks at, and whether a number will do.
fn condition(field: Field) -> (&'static str, bool) {
    match field {
        Field::Action => ("What happened: `pr_created`, `*_completed`, `relay.*` …", false),
        Field::Organization => ("The slug in relay.toml whose secret signed.", false),
        Field::Repo => ("Repositories that the run is known to touch: `acme/*`.", false),
        Field::Path => ("Files that the run is known to change.", false),
        Field::Provider => ("Hosts of the run's pull requests: `github` …", false),
        Field::Classification => {
            ("Seer's verdict on the cause: `code_fix`, `action_recommended`, `rca_only`.", false)
        }
        Field::Group => ("The issue's id.", true),
        Field::Project => ("The slug of the issue's project; needs an `api_token`.", false),
        Field::Level => ("The issue's level: `fatal`, `error` …; needs an `api_token`.", false),
        Field::Priority => ("The issue's priority: `high`, `medium`, `low`; needs an `api_token`.", false),
    }
}

fn add(table: &mut Value, more: Value) {
    if let (Some(table), Value::Object(more)) = (table.as_object_mut(), more) {
        table.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{destinations, routes};

    fn names(keys: &[Key]) -> BTreeSet<&'static str> {
        keys.iter().map(|key| key.name()).collect()
    }

    #[test]
    fn every_key_that_the_readers_know_is_in_the_schema_and_no_other() {
        for kind in DestinationKind::ALL {
            let known: BTreeSet<_> = destinations::keys(*kind).known.iter().copied().collect();
            assert_eq!(names(keys_of(*kind)), known, "{kind}");
        }
        let mut route = names(ROUTE);
        route.extend(["when", "to", "mention"]);
        assert_eq!(route, routes::KEYS.known.iter().copied().collect());
        assert_eq!(names(MUTE), routes::MUTE_KEYS.known.iter().copied().collect());
    }

    #[test]
    fn every_key_says_what_it_means() {
        for Key(name, .., says) in
            DestinationKind::ALL.iter().flat_map(|kind| keys_of(*kind)).chain(ROUTE).chain(MUTE)
        {
            assert!(says.len() > 15 && says.ends_with('.'), "{name}: {says}");
        }
    }
}
