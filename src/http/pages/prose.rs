//! Prose: texts of a model, which may be Markdown, as HTML.
//!
//! They go the way of every message, through [`crate::message::markdown`], which leaves no HTML, no image and no address
//! but of the web in them; every word of what comes out is escaped. Names of elements are constants here.

use super::engine::escaped;
use crate::message::markdown::{Values, parse};
use crate::message::{Block, Inline, ListItem};

/// Longer texts are cut, in bytes: a page is to be read.
const MOST_BYTES: usize = 16 * 1024;

/// Returns a text as HTML.
pub(super) fn html(text: &str) -> String {
    let shown = text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or_default();
    let mut values = Values::default();
    let token = values.markdown(shown);
    let mut out = String::with_capacity(shown.len() * 2);
    blocks(&mut out, &parse(&token, &values).blocks);
    if shown.len() < text.len() {
        out.push_str("<p>… The text goes on; its event’s payload has all of it.</p>");
    }
    out
}

/// Returns a text as HTML that stands in a line, as a heading does: its first paragraph.
pub(super) fn line(text: &str) -> String {
    let shown = text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or_default();
    let mut values = Values::default();
    let token = values.markdown(shown);
    let mut out = String::with_capacity(shown.len() * 2);
    match parse(&token, &values).blocks.as_slice() {
        [Block::Paragraph(content) | Block::Heading { content, .. }] => inlines(&mut out, content),
        _ => out.push_str(&escaped(shown)),
    }
    out
}

fn blocks(out: &mut String, blocks: &[Block]) {
    for each in blocks {
        block(out, each);
    }
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(content) => element(out, "p", |out| inlines(out, content)),
        // The page has headings of its own, and these are none of them.
        Block::Heading { content, .. } => {
            element(out, "p", |out| element(out, "strong", |out| inlines(out, content)));
        }
        Block::List { start: Some(_), items } => {
            element(out, "ol", |out| items.iter().for_each(|each| item(out, each)));
        }
        Block::List { start: None, items } => {
            element(out, "ul", |out| items.iter().for_each(|each| item(out, each)));
        }
        Block::Quote(inside) => element(out, "blockquote", |out| blocks(out, inside)),
        Block::Code { text, .. } => {
            out.push_str("<pre tabindex=\"0\">");
            element(out, "code", |out| out.push_str(&escaped(text)));
            out.push_str("</pre>");
        }
        Block::Table { header, rows } => element(out, "table", |out| {
            element(out, "thead", |out| row(out, "th", header));
            element(out, "tbody", |out| rows.iter().for_each(|cells| row(out, "td", cells)));
        }),
        Block::Rule => out.push_str("<hr>"),
    }
}

fn item(out: &mut String, item: &ListItem) {
    element(out, "li", |out| {
        match item.checked {
            Some(true) => out.push_str("☑ "),
            Some(false) => out.push_str("☐ "),
            None => {}
        }
        match item.blocks.as_slice() {
            [Block::Paragraph(content), rest @ ..] => {
                inlines(out, content);
                blocks(out, rest);
            }
            all => blocks(out, all),
        }
    });
}

fn row(out: &mut String, name: &'static str, cells: &[Vec<Inline>]) {
    element(out, "tr", |out| {
        for cell in cells {
            element(out, name, |out| inlines(out, cell));
        }
    });
}

fn inlines(out: &mut String, content: &[Inline]) {
    for each in content {
        match each {
            Inline::Text(text) => out.push_str(&escaped(text)),
            Inline::Strong(inside) => element(out, "strong", |out| inlines(out, inside)),
            Inline::Emphasis(inside) => element(out, "em", |out| inlines(out, inside)),
            Inline::Strike(inside) => element(out, "s", |out| inlines(out, inside)),
            Inline::Code(text) => element(out, "code", |out| out.push_str(&escaped(text))),
            Inline::Link { url, content } => {
                out.push_str("<a rel=\"noopener noreferrer nofollow\" href=\"");
                out.push_str(&escaped(url.as_str()));
                out.push_str("\">");
                inlines(out, content);
                out.push_str("</a>");
            }
            Inline::Break => out.push_str("<br>"),
        }
    }
}

fn element(out: &mut String, name: &'static str, inside: impl FnOnce(&mut String)) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    inside(out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_keeps_its_form_and_nothing_else() {
        let text = "A *big* `x<y>` [link](https://example.com/?a=1&b=2) ![i](https://x/y.png)\n\n- one\n- two\n\n```\n</code>\n```";
        let html = html(text);
        assert!(html.starts_with("<p>A <em>big</em> <code>x&lt;y&gt;</code>"), "{html}");
        assert!(html.contains("href=\"https://example.com/?a=1&amp;b=2\""), "{html}");
        assert!(html.contains("<ul><li>one</li><li>two</li></ul>"), "{html}");
        assert!(html.contains("<code>&lt;/code&gt;</code>") && !html.contains("<img"), "{html}");
    }

    #[test]
    fn nobody_elses_markup_gets_through() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>)",
            "<a href=\"javascript:alert(1)\">x</a>",
            "`<svg onload=alert(1)>`",
            "\"><svg onload=alert(1)>",
        ] {
            let html = html(hostile);
            let inner =
                html.replace("<p>", "").replace("</p>", "").replace("<code>", "").replace("</code>", "");
            assert!(!inner.contains('<') && !inner.contains('>'), "{hostile}: {html}");
        }
    }
}
