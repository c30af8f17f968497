//! The proof that no text breaks a message: a corpus, CommonMark's own examples, and texts made by chance, held
//! against the platforms' own rules.

mod commonmark;
mod corpus;
pub(crate) mod discord;
mod properties;
pub(crate) mod slack;

use std::collections::BTreeSet;

use seer_relay::event::{Action, Event, EventId, Organization};
use seer_relay::issue::{Issue, Project};
use seer_relay::message::{Block, Inline, Message};
use seer_relay::notify::discord::DiscordConfig;
use seer_relay::notify::slack::{SlackAccess, SlackConfig};
use seer_relay::notify::{Destination, Envelope, Rate, Service, Style, body_for};
use seer_relay::render::context::{Context, Links};
use seer_relay::render::{Rendered, Renderer, Target, TemplatesConfig};
use seer_relay::sample::{self, SampleIds, Shape};
use seer_relay::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use seer_relay::delivery::{DestinationKind, DestinationName, Rung};

/// Templates in which a text stands as Markdown of its own, and as literal text in every kind of place.
const WHOLE: &str = "# Proof\n\n{{ (run.root_cause?.summary or \"\") | markdown }}\n\n\
     [Open in Sentry](https://acme.sentry.io/issues/5/ \"button\")\n";
const PLACES: &str = "{% set text = run.root_cause?.summary or \"\" -%}\n# First {{ text }} last\n\nfirst {{ text }} last\n\n\
     - one\n- {{ text }}\n  1. {{ text }}\n- three\n\n\
     | | |\n| - | - |\n| a | {{ text }} |\n| b | fixed |\n\n\
     > quoted {{ text }}\n\n```\nfirst\n{{ text }}\nlast\n```\n\n\
     **{{ text }}** `{{ text }}`\n\n\
     [{{ text }}](https://ok.example/{{ text }})\n\n\
     ## {{ text }}\n\nthe end\n\n\
     [Open in Sentry](https://acme.sentry.io/issues/5/ \"button\")\n";

/// A renderer with the built-in templates and the two sets above.
pub(crate) struct Proof {
    renderer: Renderer,
    _folder: TempDir,
}

impl Proof {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (set, template) in [("whole", WHOLE), ("places", PLACES)] {
            std::fs::create_dir(folder.path().join(set)).unwrap();
            std::fs::write(folder.path().join(set).join("default.md.tera"), template).unwrap();
        }
        let config = TemplatesConfig { dir: folder.path().to_owned(), dir_is_explicit: true };
        Self { renderer: Renderer::load(&config).unwrap(), _folder: folder }
    }

    /// Renders what a template set (none: the built-in templates) makes of an event.
    fn message(&self, event: &Event, set: Option<&str>, kind: DestinationKind, diff_lines: usize) -> Message {
        self.message_about(event, None, set, kind, diff_lines)
    }

    /// As [`message`](Self::message), with what is known of the issue.
    fn message_about(
        &self,
        event: &Event,
        issue: Option<&Issue>,
        set: Option<&str>,
        kind: DestinationKind,
        diff_lines: usize,
    ) -> Message {
        let links = Links { base_url: "https://acme.sentry.io".parse().unwrap(), public_url: None };
        let context = Context::new(std::slice::from_ref(event), issue, &links, false).unwrap();
        let target = Target { kind, set: set.map(str::to_owned), destination: "x".to_owned(), diff_lines };
        match self.renderer.render(&context, &target) {
            Ok(Rendered::Message(message)) => message,
            other => panic!("no message: {other:?}"),
        }
    }

    /// Renders what the built-in template makes of a step of an issue all of whose texts are this one.
    pub(crate) fn issue(&self, action: &Action, text: &str) -> Message {
        let ids = SampleIds::default();
        let text = || Some(text.to_owned());
        let issue = Issue {
            short_id: text(),
            title: text(),
            culprit: text(),
            level: text(),
            priority: text(),
            project: Some(Project { id: text(), slug: text(), name: text() }),
            ..sample::issue(&ids.group_id)
        };
        let event = event(&sample::body(action, Shape::Present, &ids));
        self.message_about(&event, Some(&issue), None, DestinationKind::Discord, 0)
    }

    /// Renders a text as Markdown of its own.
    pub(crate) fn whole(&self, text: &str) -> Message {
        self.message(&cause(text), Some("whole"), DestinationKind::Discord, 0)
    }

    /// Renders a text as literal text in every kind of place.
    pub(crate) fn places(&self, text: &str) -> Message {
        self.message(&cause(text), Some("places"), DestinationKind::Discord, 0)
    }
}

/// Returns an event whose cause is this text.
fn cause(text: &str) -> Event {
    event(&json!({
        "action": "root_cause_completed",
        "data": { "run_id": 7, "group_id": 5, "root_cause": { "one_line_description": text } },
    }))
}

fn event(body: &Value) -> Event {
    let organization = Organization::new("acme");
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let accepted = sample::accept(sample::encode(body).into(), &organization, now).unwrap();
    accepted.to_event(EventId::new("evt_proof"))
}

/// Returns an event of this action in which every text that a model writes is this one.
fn event_of(action: &Action, shape: Shape, text: &str) -> Event {
    let mut body = sample::body(action, shape, &SampleIds::default());
    replace(&mut body["data"], text);
    event(&body)
}

fn replace(value: &mut Value, text: &str) {
    match value {
        Value::String(old) if old.contains(' ') => text.clone_into(old),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, text)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn destination(service: Service) -> Destination {
    Destination {
        name: DestinationName::new("x"),
        template_set: None,
        rate: Rate::Unlimited,
        in_flight: 1,
        timeout: std::time::Duration::from_secs(1),
        expire_after: None,
        fallback: None,
        diff_lines: 0,
        style: Style::Messages,
        digest: None,
        announce: Vec::new(),
        service,
    }
}

fn nowhere() -> Secret {
    Secret::Missing("only rendered".to_owned())
}

pub(crate) fn slack(buttons: bool, slack_compatible: bool) -> Destination {
    destination(Service::Slack(SlackConfig {
        access: SlackAccess::Webhook(nowhere()),
        buttons,
        slack_compatible,
    }))
}

pub(crate) fn discord() -> Destination {
    destination(Service::Discord(DiscordConfig::of_webhook(nowhere())))
}

pub(crate) fn body(destination: &Destination, message: &Message, rung: Rung) -> Value {
    serde_json::from_slice(&body_for(
        destination,
        &Rendered::Message(message.clone()),
        rung,
        &Envelope::default(),
    ))
    .unwrap()
}

fn count(text: &str) -> usize {
    text.chars().count()
}

/// Returns the addresses that a message may lead to, as they are and as a link in a text writes them.
pub(crate) fn addresses(message: &Message) -> BTreeSet<String> {
    let own = message.buttons.iter().map(|button| &button.url).chain(&message.source);
    let mut found: Vec<String> = own.map(ToString::to_string).collect();
    addresses_of_line(&message.title, &mut found);
    addresses_of_blocks(&message.blocks, &mut found);
    for address in &found {
        let url: url::Url = address.parse().unwrap();
        assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty(), "{url}");
    }
    let ways = ["()<>[]{}|\\^`\"' ", "()<>[]{}|\\^`\"' @"];
    let written = found.iter().flat_map(|address| ways.map(|closing| (address, closing)));
    let written = written.map(|(address, closing)| {
        let closing = |character: char| closing.contains(character);
        let parts = address.chars().map(|character| match character {
            character if closing(character) => format!("%{:02X}", u32::from(character)),
            character => character.to_string(),
        });
        parts.collect::<String>()
    });
    let written: Vec<String> = written.collect();
    found.into_iter().chain(written).collect()
}

fn addresses_of_blocks(blocks: &[Block], found: &mut Vec<String>) {
    for block in blocks {
        match block {
            Block::Paragraph(line) | Block::Heading { content: line, .. } => addresses_of_line(line, found),
            Block::List { items, .. } => {
                for item in items {
                    addresses_of_blocks(&item.blocks, found);
                }
            }
            Block::Quote(blocks) => addresses_of_blocks(blocks, found),
            Block::Table { header, rows } => {
                header.iter().chain(rows.iter().flatten()).for_each(|cell| addresses_of_line(cell, found));
            }
            Block::Code { .. } | Block::Rule => {}
        }
    }
}

fn addresses_of_line(line: &[Inline], found: &mut Vec<String>) {
    for inline in line {
        match inline {
            Inline::Link { url, content } => {
                found.push(url.to_string());
                addresses_of_line(content, found);
            }
            Inline::Strong(line) | Inline::Emphasis(line) | Inline::Strike(line) => {
                addresses_of_line(line, found);
            }
            Inline::Text(_) | Inline::Code(_) | Inline::Break => {}
        }
    }
}

/// Returns every literal text of a message, from top to bottom.
fn leaves(message: &Message) -> Vec<&str> {
    let mut found = Vec::new();
    leaves_of_line(&message.title, &mut found);
    leaves_of_blocks(&message.blocks, &mut found);
    found
}

fn leaves_of_blocks<'a>(blocks: &'a [Block], found: &mut Vec<&'a str>) {
    for block in blocks {
        match block {
            Block::Paragraph(line) | Block::Heading { content: line, .. } => leaves_of_line(line, found),
            Block::List { items, .. } => {
                for item in items {
                    leaves_of_blocks(&item.blocks, found);
                }
            }
            Block::Quote(blocks) => leaves_of_blocks(blocks, found),
            Block::Table { header, rows } => {
                header.iter().chain(rows.iter().flatten()).for_each(|cell| leaves_of_line(cell, found));
            }
            Block::Code { text, .. } => found.push(text),
            Block::Rule => {}
        }
    }
}

fn leaves_of_line<'a>(line: &'a [Inline], found: &mut Vec<&'a str>) {
    for inline in line {
        match inline {
            Inline::Link { content: line, .. }
            | Inline::Strong(line)
            | Inline::Emphasis(line)
            | Inline::Strike(line) => leaves_of_line(line, found),
            Inline::Text(text) | Inline::Code(text) => found.push(text),
            Inline::Break => found.push(" "),
        }
    }
}

/// Returns letters and digits alone: what no markup, escape or line break changes.
fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}
