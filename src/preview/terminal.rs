//! The writer for a terminal: a post in a frame, in colours where there are any.
//!
//! Asks neither the terminal nor the environment; whether there are colours, and how wide it may be, is the caller's
//! [`Style`].

pub(crate) mod text;

use self::text::{Line, Look, Span, columns, hang, pad, paint, width, wrap};
use super::Platform;
use super::post::{Block, Button, Card, Code, Field, Item, Marks, Part, Post, Role, Run};

/// No picture is wider than this.
const MAX_WIDTH: usize = 96;
/// No picture is narrower than this, whatever the terminal says.
const MIN_WIDTH: usize = 40;
/// What a frame takes from the width: a border and two spaces on either side.
const FRAME: usize = 6;
/// A chat puts more fields in a row; fewer fit in a terminal.
const FIELDS_PER_ROW: usize = 2;
/// The bar of a card without a colour.
const GREY: u32 = 0x0080_8080;

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
    pub(crate) fn fitted(self) -> Self {
        Self { width: self.width.clamp(MIN_WIDTH, MAX_WIDTH), ..self }
    }

    /// Returns the style with fewer columns.
    pub(crate) fn narrower(self, columns: usize) -> Self {
        Self { width: self.width.saturating_sub(columns), ..self }
    }
}

/// Where and when a post was made, as its frame says it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Whose chat it is.
    pub platform: Platform,
    /// The channel, `#` included.
    pub channel: &'a str,
    /// When, shown as it is.
    pub time: &'a str,
}

/// Draws a post in a frame. Ends with a line break.
pub fn draw(post: &Post, frame: Frame<'_>, style: Style) -> String {
    let style = style.fitted();
    let inner = style.narrower(FRAME);
    let mut parts = vec![vec![sender(&post.author, frame)]];
    parts.extend(grouped(&post.blocks, inner));
    let lines = framed(frame, spaced(parts), style);
    lines.iter().map(|line| paint(line, style).trim_end().to_owned() + "\n").collect()
}

/// Returns the colour that stands for a platform.
pub(crate) fn accent(platform: Platform) -> Look {
    match platform {
        Platform::Slack => Look::ink(170),
        Platform::SlackCompatible => Look::ink(33),
        Platform::Discord => Look::ink(69),
    }
}

fn framed(frame: Frame<'_>, body: Vec<Line>, style: Style) -> Vec<Line> {
    let border = |text: &str| Span::new(text, Look::FRAME);
    let name = Span::new(frame.platform.title(), accent(frame.platform).and(Look::BOLD));
    let mut head = vec![border("╭─ "), name, border(" · ")];
    let tail = format!(" {} ─╮", frame.time);
    let room = |head: &[Span]| style.width.saturating_sub(width(head) + width(&[Span::plain(&tail)]) + 1);
    let channel = wrap(&[Span::new(frame.channel, Look::BOLD)], Style { width: room(&head), ..style });
    head.extend(channel.into_iter().next().unwrap_or_default());
    let room = room(&head);
    head.push(border(&format!(" {}{tail}", "─".repeat(room))));

    let mut lines = vec![head];
    let inner = style.width.saturating_sub(FRAME);
    for line in std::iter::once(Line::new()).chain(body).chain(std::iter::once(Line::new())) {
        let mut framed = vec![border("│  ")];
        framed.extend(pad(line, inner));
        framed.push(border("  │"));
        lines.push(framed);
    }
    lines.push(vec![border(&format!("╰{}╯", "─".repeat(style.width.saturating_sub(2))))]);
    lines
}

/// The line with the sender's name above every chat message.
fn sender(name: &str, frame: Frame<'_>) -> Line {
    let badge = match frame.platform {
        Platform::Slack | Platform::SlackCompatible => Look::ink(252).and_ground(239),
        Platform::Discord => Look::ink(255).and_ground(62),
    };
    vec![
        Span::new("◉ ", Look::ink(99)),
        Span::new(name, Look::BOLD),
        Span::plain("  "),
        Span::new(" APP ", badge),
        // Chats leave the seconds out.
        Span::new(&format!("  {}", frame.time.get(..5).unwrap_or(frame.time)), Look::QUIET),
    ]
}

/// Draws blocks; what follows a line in bold stands close to it.
fn grouped(blocks: &[Block], style: Style) -> Vec<Vec<Line>> {
    let mut parts: Vec<Vec<Line>> = Vec::new();
    let mut below_heading = false;
    for block in blocks {
        let lines: Vec<Line> = block.iter().flat_map(|part| part_lines(part, style)).collect();
        match parts.last_mut().filter(|_| below_heading) {
            Some(part) => part.extend(lines),
            None => parts.push(lines),
        }
        below_heading = is_bold_line(block);
    }
    parts
}

fn is_bold_line(block: &[Part]) -> bool {
    let is_bold = |run: &Run| run.marks.has(Marks::BOLD) && !run.text.contains('\n');
    matches!(block, [Part::Text(words)] if !words.is_empty() && words.iter().all(is_bold))
}

fn part_lines(part: &Part, style: Style) -> Vec<Line> {
    match part {
        Part::Heading(_, words) => wrap(&spans(words, Look::BOLD), style),
        Part::Text(words) => wrap(&spans(words, Look::PLAIN), style),
        Part::Small(words) => wrap(&spans(words, Look::QUIET), style),
        Part::Gap => vec![Line::new()],
        Part::List(items) => items.iter().flat_map(|item| item_lines(item, style)).collect(),
        Part::Quote(parts) => {
            let bar = Span::new("▎ ", Look::QUIET);
            let inner = style.narrower(2);
            hang(&bar, &bar, parts.iter().flat_map(|part| part_lines(part, inner)).collect())
        }
        Part::Code(code) => code_box(code, style),
        Part::Fields(fields) => field_rows(fields, style),
        Part::Table(rows) => table(rows, style),
        Part::Rule => vec![vec![Span::new(&"─".repeat(style.width), Look::FRAME)]],
        Part::Buttons(labelled) => buttons(labelled, style),
        Part::Card(card) => card_lines(card, style),
        Part::Placeholder(name) => wrap(&[Span::new(&format!("[{name}]"), Look::QUIET)], style),
    }
}

fn spans(words: &[Run], look: Look) -> Vec<Span> {
    let marks = [
        (Marks::BOLD, Look::BOLD),
        (Marks::ITALIC, Look::ITALIC),
        (Marks::STRIKE, Look::STRIKE),
        (Marks::UNDERLINE, Look::UNDERLINE),
        (Marks::SPOILER, Look::DIM),
        (Marks::CODE, Look::CODE),
    ];
    let span = |run: &Run| {
        let set = marks.iter().filter(|(mark, _)| run.marks.has(*mark));
        let look = set.fold(look, |look, (_, mark)| look.and(*mark));
        match &run.role {
            Role::Plain => Span::new(&run.text, look),
            Role::Link(target) => Span::link(&run.text, target, look),
            Role::Mention => Span::new(&run.text, look.and(Look::MENTION)),
        }
    };
    words.iter().map(span).collect()
}

fn item_lines(item: &Item, style: Style) -> Vec<Line> {
    let mark = format!("{}{} ", " ".repeat(item.depth * 3), item.mark);
    let columns = mark.chars().count();
    let words = wrap(&spans(&item.words, Look::PLAIN), style.narrower(columns));
    hang(&Span::new(&mark, Look::QUIET), &Span::plain(&" ".repeat(columns)), words)
}

/// Draws code in a box.
fn code_box(code: &Code, style: Style) -> Vec<Line> {
    let side = |text: &str| Span::new(text, Look::FRAME);
    let inner = style.narrower(4);
    let rule = "─".repeat(style.width.saturating_sub(2));
    let mut boxed = vec![vec![side(&format!("┌{rule}┐"))]];
    for line in code.text.split('\n') {
        let look = match line.chars().next().filter(|_| code.is_diff) {
            Some('+') => Look::ink(2),
            Some('-') => Look::ink(1),
            Some('@') => Look::ink(6),
            _ => Look::PLAIN,
        };
        for line in wrap(&[Span::new(line, look)], inner) {
            let mut row = vec![side("│ ")];
            row.extend(pad(line, inner.width));
            row.push(side(" │"));
            boxed.push(row);
        }
    }
    boxed.push(vec![side(&format!("└{rule}┘"))]);
    boxed
}

/// Draws fields; rows of those with a name stand apart.
fn field_rows(fields: &[Field], style: Style) -> Vec<Line> {
    let column = style.width / FIELDS_PER_ROW;
    let mut rows = Vec::new();
    for group in fields.chunk_by(|left, right| left.is_inline && right.is_inline) {
        let beside = group.len() > 1;
        let cell = if beside { Style { width: column.saturating_sub(2), ..style } } else { style };
        for row in group.chunks(FIELDS_PER_ROW) {
            let cells = row.iter().map(|field| field_lines(field, cell)).collect();
            rows.push(columns(cells, FIELDS_PER_ROW, if beside { column } else { style.width }));
        }
    }
    let are_named = fields.iter().any(|field| !field.name.is_empty());
    if are_named { spaced(rows) } else { rows.concat() }
}

fn field_lines(field: &Field, style: Style) -> Vec<Line> {
    let name = (!field.name.is_empty()).then(|| wrap(&spans(&field.name, Look::BOLD), style));
    let value = field.value.iter().flat_map(|part| part_lines(part, style));
    name.into_iter().flatten().chain(value).collect()
}

fn table(rows: &[Vec<Vec<Part>>], style: Style) -> Vec<Line> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let column = style.width / count;
    let cell = Style { width: column.saturating_sub(2), ..style };
    let draw = |parts: &Vec<Part>| parts.iter().flat_map(|part| part_lines(part, cell)).collect();
    rows.iter().flat_map(|row| columns(row.iter().map(draw).collect(), count, column)).collect()
}

fn card_lines(card: &Card, style: Style) -> Vec<Line> {
    let bar = Span::new("▌ ", Look::rgb(card.colour.unwrap_or(GREY)));
    hang(&bar, &bar, spaced(grouped(&card.blocks, style.narrower(2))))
}

/// Draws buttons in rows, and below them where they lead.
fn buttons(labelled: &[Button], style: Style) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for Button { label, is_primary, .. } in labelled {
        // No-break spaces: wrapping would cut common ones off.
        let face = if style.colour { format!("\u{a0}{label}\u{a0}") } else { format!("[ {label} ]") };
        let look = if *is_primary { Look::PRIMARY_BUTTON } else { Look::BUTTON };
        let button = wrap(&[Span::new(&face, look)], style);
        let fits = |line: &Line| width(line) + 2 + width(&button.concat()) <= style.width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) if line.is_empty() => line.extend(button.concat()),
            Some(line) => line.extend(std::iter::once(Span::plain("  ")).chain(button.concat())),
            None => lines.extend(button),
        }
    }
    for Button { target, .. } in labelled.iter().filter(|button| !button.target.is_empty()) {
        let target = wrap(&[Span::new(target, Look::QUIET)], style.narrower(2));
        lines.extend(hang(&Span::new("↗ ", Look::QUIET), &Span::plain("  "), target));
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
    use super::*;
    use serde_json::{Value, json};

    const PLAIN: Style = Style { colour: false, width: 60 };

    fn drawn_as(platform: Platform, body: &Value, style: Style) -> String {
        let channel = match platform {
            Platform::Slack | Platform::SlackCompatible => "#seer-fixes",
            Platform::Discord => "#code-review",
        };
        draw(&platform.read(body), Frame { platform, channel, time: "14:03" }, style)
    }

    fn drawn(platform: Platform, body: &Value) -> String {
        drawn_as(platform, body, PLAIN)
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
        insta::assert_snapshot!(drawn(Platform::Slack, &body), @r#"
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
        insta::assert_snapshot!(drawn(Platform::Slack, &body), @r#"
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
        insta::assert_snapshot!(drawn(Platform::Slack, &body), @r#"
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
        │  ▌ PR #12 (https://a.dev/12)                             │
        │  ▌                                                       │
        │  ▌ ready                                                 │
        │  ▌                                                       │
        │  ▌ Repository                                            │
        │  ▌ acme/api                                              │
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
        insta::assert_snapshot!(drawn(Platform::Discord, &body), @r#"
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
        │  ▌    ◦ two                                              │
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
    fn every_line_of_a_picture_is_equally_wide_whatever_is_in_it() {
        let text = "修复 🔍 e\u{301} ⚠\u{fe0f} \u{202e}x\u{200b} ".repeat(40);
        for width in [0, 40, 57, 96, 400] {
            let body = json!({ "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": &text } }],
                "embeds": [{ "description": &text, "fields": [{ "name": &text, "value": &text }] }] });
            for platform in [Platform::Slack, Platform::SlackCompatible, Platform::Discord] {
                let picture = drawn_as(platform, &body, Style { colour: false, width });
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
        for platform in [Platform::Slack, Platform::SlackCompatible, Platform::Discord] {
            let picture = drawn(platform, &poisoned(body.clone(), poison));
            assert!(picture.contains("␛]0;owned␇"), "{picture}");
            let raw = picture.chars().find(|character| character.is_control() && *character != '\n');
            assert_eq!(raw, None, "{platform:?}");
        }
    }
}
