//! Previews: what a receiver got, drawn in the terminal as the receiver would show it.
//!
//! Reads request bodies as any stranger could have sent them, and trusts nothing in them. Pure: neither the terminal
//! nor the environment is asked; whether there are colours, and how wide it may be, is the caller's [`Style`].

mod discord;
mod document;
mod inline;
mod slack;
mod slack_rich;
mod webhook;

use super::receivers::{Received, Receiver};
use super::text::{self, Line, Look, Span};

/// No picture is wider than this.
const MAX_WIDTH: usize = 96;
/// No picture is narrower than this, whatever the terminal says.
const MIN_WIDTH: usize = 40;
/// What a frame takes from the width: a border and two spaces on either side.
const FRAME: usize = 6;

/// How a picture is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colours and marks are written.
    pub colour: bool,
    /// How many columns there are; a picture takes 40 to 96 of them.
    pub width: usize,
}

impl Style {
    /// Returns the style with a width that a picture may have.
    pub(super) fn fitted(self) -> Self {
        Self { width: self.width.clamp(MIN_WIDTH, MAX_WIDTH), ..self }
    }

    /// Returns the style with fewer columns.
    pub(super) fn narrower(self, columns: usize) -> Self {
        Self { width: self.width.saturating_sub(columns), ..self }
    }
}

/// Draws what a receiver took; `time` is shown as it is. Ends with a line break.
pub fn draw(received: &Received, time: &str, style: Style) -> String {
    let style = style.fitted();
    let inner = style.narrower(FRAME);
    let lines = match received.receiver {
        Receiver::Slack => frame(received.receiver, time, slack::lines(&received.body, time, inner), style),
        Receiver::Discord => {
            frame(received.receiver, time, discord::lines(&received.body, time, inner), style)
        }
        Receiver::Webhook => webhook::lines(received, time, style),
    };
    lines.iter().map(|line| text::paint(line, style).trim_end().to_owned() + "\n").collect()
}

/// Returns the colour that stands for a receiver.
pub(super) fn accent(receiver: Receiver) -> Look {
    match receiver {
        Receiver::Slack => Look::ink(170),
        Receiver::Discord => Look::ink(69),
        Receiver::Webhook => Look::ink(37),
    }
}

fn frame(receiver: Receiver, time: &str, body: Vec<Line>, style: Style) -> Vec<Line> {
    let border = |text: &str| Span::new(text, Look::FRAME);
    let mut head =
        vec![border("╭─ "), Span::new(receiver.title(), accent(receiver).and(Look::BOLD)), border(" · ")];
    head.push(Span::new(receiver.channel(), Look::BOLD));
    let tail = format!(" {time} ─╮");
    let room = style.width.saturating_sub(text::width(&head) + text::width(&[Span::plain(&tail)]) + 1);
    head.push(border(&format!(" {}{tail}", "─".repeat(room))));

    let mut lines = vec![head];
    let inner = style.width.saturating_sub(FRAME);
    for line in std::iter::once(Line::new()).chain(body).chain(std::iter::once(Line::new())) {
        let mut framed = vec![border("│  ")];
        framed.extend(text::pad(line, inner));
        framed.push(border("  │"));
        lines.push(framed);
    }
    lines.push(vec![border(&format!("╰{}╯", "─".repeat(style.width.saturating_sub(2))))]);
    lines
}

/// The line with the sender's name above every chat message.
fn sender(name: &str, badge: Look, time: &str) -> Line {
    vec![
        Span::new("◉ ", Look::ink(99)),
        Span::new(name, Look::BOLD),
        Span::plain("  "),
        Span::new(" APP ", badge),
        // Chats leave the seconds out.
        Span::new(&format!("  {}", time.get(..5).unwrap_or(time)), Look::QUIET),
    ]
}

/// Draws code in a box.
fn code_box(lines: Vec<Line>, style: Style) -> Vec<Line> {
    let side = |text: &str| Span::new(text, Look::FRAME);
    let inner = style.width.saturating_sub(4);
    let rule = "─".repeat(style.width.saturating_sub(2));
    let mut boxed = vec![vec![side(&format!("┌{rule}┐"))]];
    for line in lines {
        let mut row = vec![side("│ ")];
        row.extend(text::pad(line, inner));
        row.push(side(" │"));
        boxed.push(row);
    }
    boxed.push(vec![side(&format!("└{rule}┘"))]);
    boxed
}

/// Draws buttons in rows, and below them where they lead.
fn buttons(labelled: &[(String, String, Look)], style: Style) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for (label, _, look) in labelled {
        // No-break spaces: wrapping would cut common ones off.
        let face = if style.colour { format!("\u{a0}{label}\u{a0}") } else { format!("[ {label} ]") };
        let button = text::wrap(&[Span::new(&face, *look)], style);
        let fits = |line: &Line| text::width(line) + 2 + text::width(&button.concat()) <= style.width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) if line.is_empty() => line.extend(button.concat()),
            Some(line) => line.extend(std::iter::once(Span::plain("  ")).chain(button.concat())),
            None => lines.extend(button),
        }
    }
    for (_, target, _) in labelled.iter().filter(|(_, target, _)| !target.is_empty()) {
        lines.extend(text::hang(
            &Span::new("↗ ", Look::QUIET),
            &Span::plain("  "),
            text::wrap(&[Span::new(target, Look::QUIET)], style.narrower(2)),
        ));
    }
    lines
}

/// Puts an empty line between parts.
fn spaced(parts: impl IntoIterator<Item = Vec<Line>>) -> Vec<Line> {
    let mut lines = Vec::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.extend(part);
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;
    use crate::demo::receivers::{Answer, SignatureCheck};

    const PLAIN: Style = Style { colour: false, width: 60 };

    fn received(receiver: Receiver, body: Value) -> Received {
        Received {
            receiver,
            bytes: 4_096,
            body,
            answer: Answer::Taken,
            webhook_id: Some("dlv_01J9ZK3V7Q4MABCDEFGHJKMNPQ".to_owned()),
            signature: SignatureCheck::Verified,
            repeated: false,
            arrived: Instant::now(),
        }
    }

    fn drawn(receiver: Receiver, body: Value) -> String {
        draw(&received(receiver, body), "14:03", PLAIN)
    }

    fn rich_text(elements: &Value) -> Value {
        json!({ "blocks": [{ "type": "rich_text", "elements": elements }] })
    }

    #[test]
    fn a_slack_message_is_drawn_block_by_block() {
        let body = json!({ "text": "only in the notification", "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Root cause *found*" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "A *guest* has no `customer`\n&gt; since May" },
              "fields": [{ "type": "mrkdwn", "text": "*Repository*\nacme/api" },
                         { "type": "mrkdwn", "text": "*Class*\ncode fix" }] },
            { "type": "divider" },
            { "type": "actions", "elements": [{ "type": "button", "url": "https://github.com/acme/api/pull/12",
                "text": { "type": "plain_text", "text": "Review PR #12" } }] },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": "Run <https://a.dev|acme/1>" }] },
        ] });
        insta::assert_snapshot!(drawn(Receiver::Slack, body), @r#"
        ╭─ Slack · #seer-fixes ──────────────────────────── 14:03 ─╮
        │                                                          │
        │  ◉ Seer   APP   14:03                                    │
        │                                                          │
        │  Root cause *found*                                      │
        │                                                          │
        │  A guest has no `customer`                               │
        │  ▎ since May                                             │
        │  Repository                 Class                        │
        │  acme/api                   code fix                     │
        │                                                          │
        │  ──────────────────────────────────────────────────────  │
        │                                                          │
        │  [ Review PR #12 ]                                       │
        │  ↗ https://github.com/acme/api/pull/12                   │
        │                                                          │
        │  Run acme/1 (https://a.dev)                              │
        │                                                          │
        ╰──────────────────────────────────────────────────────────╯
        "#);
    }

    #[test]
    fn slack_rich_text_is_drawn_with_its_lists_quotes_and_code() {
        let section = |elements: Value| json!({ "type": "rich_text_section", "elements": elements });
        let item = |text: &str| section(json!([{ "type": "text", "text": text }]));
        let list = |style: &str, indent: u64, offset: u64, items: &[&str]| {
            let items: Vec<_> = items.iter().map(|text| item(text)).collect();
            json!({ "type": "rich_text_list", "style": style, "indent": indent, "offset": offset, "elements": items })
        };
        let body = rich_text(&json!([
            section(json!([
                { "type": "text", "text": "*literal* ", "style": { "bold": true } },
                { "type": "text", "text": "code", "style": { "code": true } },
                { "type": "text", "text": " and " },
                { "type": "link", "text": "words", "url": "https://a.dev" },
                { "type": "text", "text": " " },
                { "type": "emoji", "name": "mag", "unicode": "1f50d" },
            ])),
            list("ordered", 0, 0, &["first", "second goes on for longer than one line of this picture"]),
            list("bullet", 1, 0, &["below"]),
            list("ordered", 2, 3, &["deeper"]),
            list("ordered", 0, 2, &["third"]),
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "quoted\ntwice" }] },
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "if x:\n    *y*" }] },
        ]));
        insta::assert_snapshot!(drawn(Receiver::Slack, body), @r#"
        ╭─ Slack · #seer-fixes ──────────────────────────── 14:03 ─╮
        │                                                          │
        │  ◉ Seer   APP   14:03                                    │
        │                                                          │
        │  *literal* `code` and words (https://a.dev) 🔍           │
        │  1. first                                                │
        │  2. second goes on for longer than one line of this      │
        │     picture                                              │
        │     ◦ below                                              │
        │        iv. deeper                                        │
        │  3. third                                                │
        │  ▎ quoted                                                │
        │  ▎ twice                                                 │
        │  ┌────────────────────────────────────────────────────┐  │
        │  │ if x:                                              │  │
        │  │     *y*                                            │  │
        │  └────────────────────────────────────────────────────┘  │
        │                                                          │
        ╰──────────────────────────────────────────────────────────╯
        "#);
    }

    #[test]
    fn text_alone_and_classic_attachments_are_drawn_too() {
        let body = json!({ "text": "Seer *found* it\n```\na < b\n```\ndone", "attachments": [
            { "color": "#2eb67d", "title": "PR #12", "title_link": "https://a.dev/12", "text": "_ready_",
              "fields": [{ "title": "Repository", "value": "acme/api" }] }] });
        insta::assert_snapshot!(drawn(Receiver::Slack, body), @r#"
        ╭─ Slack · #seer-fixes ──────────────────────────── 14:03 ─╮
        │                                                          │
        │  ◉ Seer   APP   14:03                                    │
        │                                                          │
        │  Seer found it                                           │
        │  ┌────────────────────────────────────────────────────┐  │
        │  │ a < b                                              │  │
        │  └────────────────────────────────────────────────────┘  │
        │  done                                                    │
        │                                                          │
        │  ▎ PR #12 (https://a.dev/12)                             │
        │  ▎                                                       │
        │  ▎ ready                                                 │
        │  ▎                                                       │
        │  ▎ Repository                                            │
        │  ▎ acme/api                                              │
        │                                                          │
        ╰──────────────────────────────────────────────────────────╯
        "#);
    }

    #[test]
    fn a_discord_message_is_drawn_with_bar_fields_and_buttons() {
        let body = json!({ "content": "A pull request", "embeds": [{
            "title": "Ready \\*now\\*", "url": "https://a.dev/12", "color": 0x002e_a44f,
            "description": "## Why\n**acme/api** [#12](https://a.dev/12)\n- one\n  - two\n1. three\n> quoted\n\
                ```diff\n-a\n+b\n```\n-# small",
            "fields": [{ "name": "Repository", "value": "acme/api", "inline": true },
                       { "name": "Changed", "value": "+42 −7", "inline": true },
                       { "name": "Cause", "value": "A guest\\_user", "inline": false }],
            "footer": { "text": "run acme/1" }, "timestamp": "2026-09-27T14:03:11.000Z" }],
            "components": [{ "type": 1, "components": [
                { "type": 2, "style": 5, "label": "Review PR #12", "url": "https://a.dev/12" }] }] });
        insta::assert_snapshot!(drawn(Receiver::Discord, body), @r#"
        ╭─ Discord · #code-review ───────────────────────── 14:03 ─╮
        │                                                          │
        │  ◉ Seer   APP   14:03                                    │
        │                                                          │
        │  A pull request                                          │
        │                                                          │
        │  ▌ Ready *now* (https://a.dev/12)                        │
        │  ▌                                                       │
        │  ▌ Why                                                   │
        │  ▌ acme/api #12 (https://a.dev/12)                       │
        │  ▌ • one                                                 │
        │  ▌   ◦ two                                               │
        │  ▌ 1. three                                              │
        │  ▌ ▎ quoted                                              │
        │  ▌ ┌──────────────────────────────────────────────────┐  │
        │  ▌ │ -a                                               │  │
        │  ▌ │ +b                                               │  │
        │  ▌ └──────────────────────────────────────────────────┘  │
        │  ▌ small                                                 │
        │  ▌                                                       │
        │  ▌ Repository                Changed                     │
        │  ▌ acme/api                  +42 −7                      │
        │  ▌                                                       │
        │  ▌ Cause                                                 │
        │  ▌ A guest_user                                          │
        │  ▌                                                       │
        │  ▌ run acme/1 • 2026-09-27 14:03 UTC                     │
        │                                                          │
        │  [ Review PR #12 ]                                       │
        │  ↗ https://a.dev/12                                      │
        │                                                          │
        ╰──────────────────────────────────────────────────────────╯
        "#);
    }

    #[test]
    fn a_webhook_is_one_line() {
        let body = json!({ "type": "seer.root_cause_completed", "data": {} });
        let mut received = received(Receiver::Webhook, body);
        received.repeated = true;
        let line = draw(&received, "14:03:22", Style { colour: false, width: 120 });
        insta::assert_snapshot!(line, @"14:03:22  webhook ← seer.root_cause_completed  4.0 KiB  dlv_…JKMNPQ  ✓ verified  ↺ a repeat");
    }

    #[test]
    fn every_line_of_a_picture_is_equally_wide_whatever_is_in_it() {
        let text = "修复 🔍 e\u{301} ⚠\u{fe0f} \u{202e}x\u{200b} ".repeat(40);
        for width in [0, 40, 57, 96, 400] {
            let body = json!({ "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": &text } }],
                "embeds": [{ "description": &text, "fields": [{ "name": &text, "value": &text }] }] });
            for receiver in [Receiver::Slack, Receiver::Discord] {
                let picture =
                    draw(&received(receiver, body.clone()), "14:03", Style { colour: false, width });
                for line in picture.lines() {
                    assert_eq!(
                        textwrap::core::display_width(line),
                        width.clamp(MIN_WIDTH, MAX_WIDTH),
                        "{line}"
                    );
                }
            }
        }
    }

    /// Puts a text into every marked place of a body.
    fn poisoned(body: Value, poison: &str) -> Value {
        match body {
            Value::String(text) => Value::String(text.replace('$', poison)),
            Value::Array(items) => items.into_iter().map(|item| poisoned(item, poison)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (key, poisoned(value, poison))).collect()
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }

    #[test]
    fn no_control_character_of_a_body_reaches_the_terminal() {
        let poison = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\u{8}\u{0}";
        let text = json!([{ "type": "text", "text": "$" }, { "type": "link", "text": "$", "url": "$" },
            { "type": "emoji", "name": "$" }, { "type": "date", "fallback": "$" }, { "type": "$" }]);
        let body = json!({
            "type": "$", "username": "$", "content": "$ `$` [$](https://$) <@$> <https://$>\n```$\n$\n```\n> $\n- $",
            "blocks": [
                { "type": "header", "text": { "type": "plain_text", "text": "$" } },
                { "type": "section", "text": { "type": "mrkdwn", "text": "$ `$` <https://a|$> <!$> <@$>\n```$```" } },
                { "type": "image", "alt_text": "$" }, { "type": "$" }, { "type": "markdown", "text": "$" },
                { "type": "actions", "elements": [
                    { "type": "button", "url": "$", "text": { "type": "plain_text", "text": "$" } }] },
                { "type": "table", "rows": [[{ "type": "raw_text", "text": "$" }]] },
                { "type": "rich_text", "elements": [
                    { "type": "rich_text_section", "elements": text.clone() },
                    { "type": "rich_text_preformatted", "elements": text }] },
            ],
            "attachments": [{ "title": "$", "title_link": "$", "text": "$", "fields": [{ "title": "$", "value": "$" }] }],
            "embeds": [{ "title": "$", "url": "$", "description": "$", "author": { "name": "$" },
                "footer": { "text": "$" }, "fields": [{ "name": "$", "value": "$" }] }],
            "components": [{ "components": [{ "label": "$", "url": "$" }] }],
        });
        for receiver in Receiver::ALL {
            let mut received = received(receiver, poisoned(body.clone(), poison));
            received.webhook_id = Some(poison.to_owned());
            let picture = draw(&received, "14:03", PLAIN);
            assert!(picture.contains("␛]0;owned␇"), "{picture}");
            let raw = picture.chars().find(|character| character.is_control() && *character != '\n');
            assert_eq!(raw, None, "{receiver:?}");
        }
    }
}
