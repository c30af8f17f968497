//! A Discord message: content, embeds with their coloured bar, link buttons.
//!
//! Source: <https://discord.com/developers/docs/resources/message#embed-object>, read 2026-09-20.

use serde_json::Value;

use super::document;
use super::inline::{self, Dialect};
use super::{Style, buttons, sender, spaced};
use crate::demo::body::{list_at, nested_text_at, text_at};
use crate::demo::text::{Line, Look, Span, columns, hang, wrap};

const NAME: &str = "Seer";
const BADGE: Look = Look::ink(255).and_ground(62);
/// Discord puts up to three inline fields in a row; fewer fit in a terminal.
const FIELDS_PER_ROW: usize = 2;
const EMBED_GREY: u32 = 0x0020_2225;

/// Draws a request body of a webhook.
pub(super) fn lines(body: &Value, time: &str, style: Style) -> Vec<Line> {
    let name = text_at(body, "username");
    let mut parts = vec![vec![sender(if name.is_empty() { NAME } else { name }, BADGE, time)]];
    parts.push(document::lines(text_at(body, "content"), style));
    parts.extend(list_at(body, "embeds").iter().map(|embed| embed_lines(embed, style)));
    parts.extend(list_at(body, "components").iter().map(|row| action_row(row, style)));
    spaced(parts)
}

fn embed_lines(embed: &Value, style: Style) -> Vec<Line> {
    let inner = style.narrower(2);
    let author = nested_text_at(embed, "author", "name");
    let mut parts = vec![
        nonempty(author, |author| wrap(&[Span::new(author, Look::BOLD)], inner)),
        title(embed, inner),
        document::lines(text_at(embed, "description"), inner),
    ];
    parts.extend(field_rows(list_at(embed, "fields"), inner));
    parts.push(footer(embed, inner));
    let colour = embed.get("color").and_then(Value::as_u64).and_then(|colour| u32::try_from(colour).ok());
    let bar = Span::new("▌ ", Look::rgb(colour.unwrap_or(EMBED_GREY)));
    hang(&bar, &bar, spaced(parts))
}

fn nonempty(text: &str, draw: impl FnOnce(&str) -> Vec<Line>) -> Vec<Line> {
    if text.is_empty() { Vec::new() } else { draw(text) }
}

/// Discord shows escapes and emphasis in a title, but no links; the whole title is one where there is a `url`.
fn title(embed: &Value, style: Style) -> Vec<Line> {
    nonempty(text_at(embed, "title"), |title| {
        let url = text_at(embed, "url");
        let spans = inline::read(title, Dialect::Markdown, Look::BOLD);
        let linked = spans.iter().map(|span| match url {
            "" => span.clone(),
            url => Span::link(span.text(), url, Look::BOLD),
        });
        wrap(&linked.collect::<Vec<_>>(), style)
    })
}

fn field_rows(fields: &[Value], style: Style) -> Vec<Vec<Line>> {
    let is_inline = |field: &Value| field.get("inline").and_then(Value::as_bool) == Some(true);
    let column = style.width / FIELDS_PER_ROW;
    let mut rows = Vec::new();
    for group in fields.chunk_by(|left, right| is_inline(left) && is_inline(right)) {
        let beside = group.len() > 1;
        let cell = if beside { Style { width: column.saturating_sub(2), ..style } } else { style };
        for row in group.chunks(FIELDS_PER_ROW) {
            let cells = row.iter().map(|field| field_lines(field, cell)).collect();
            rows.push(columns(cells, FIELDS_PER_ROW, if beside { column } else { style.width }));
        }
    }
    rows
}

fn field_lines(field: &Value, style: Style) -> Vec<Line> {
    let mut lines = wrap(&inline::read(text_at(field, "name"), Dialect::Markdown, Look::BOLD), style);
    lines.extend(document::lines(text_at(field, "value"), style));
    lines
}

fn footer(embed: &Value, style: Style) -> Vec<Line> {
    let footer = nested_text_at(embed, "footer", "text");
    let time = text_at(embed, "timestamp").parse::<jiff::Timestamp>().ok();
    let time = time.map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let parts: Vec<_> =
        [footer, time.as_deref().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
    nonempty(&parts.join(" • "), |text| wrap(&[Span::new(text, Look::QUIET)], style))
}

fn action_row(row: &Value, style: Style) -> Vec<Line> {
    let labelled: Vec<_> = list_at(row, "components")
        .iter()
        .map(|button| (text_at(button, "label").to_owned(), text_at(button, "url").to_owned(), Look::BUTTON))
        .collect();
    if labelled.is_empty() { Vec::new() } else { buttons(&labelled, style) }
}
