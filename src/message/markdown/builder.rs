//! Builder: turns the parser's events into blocks, with a stack of what is open.
//!
//! Knows nothing of tokens; leaves are decoded by [`Leaves`], Markdown values put in by `splice`.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::leaf::{Leaves, Piece};
use super::node::{Holder, Line, Node};
use super::tokens::{LESS_THAN, Values, strip};
use super::{MAX_DEPTH, Places, html, links, splice};
use crate::message::{Block, Button, Inline, ListItem, Message};

/// What messages know beyond CommonMark.
pub(super) const EXTENSIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES);

/// Builds a message from a template's text whose brackets are hidden.
pub(super) fn message(source: &str, leaves: &Leaves<'_>) -> Message {
    let mut builder = Builder::new(source, leaves, Origin::Template);
    let blocks = builder.build();
    Message { title: builder.title, blocks, buttons: builder.buttons, ..Message::default() }
}

/// Returns where the parts of the same message stand.
pub(super) fn places(source: &str, leaves: &Leaves<'_>) -> Places {
    let mut builder = Builder::new(source, leaves, Origin::Template);
    builder.build();
    let visible = |end: &usize| {
        let before = source.get(..*end).unwrap_or_default();
        before.chars().filter(|character| !character.is_whitespace()).count()
    };
    let Places { title, blocks, buttons } = builder.places;
    Places {
        title: visible(&title),
        blocks: blocks.iter().map(visible).collect(),
        buttons: buttons.iter().map(visible).collect(),
    }
}

/// Builds the blocks of a value that is Markdown.
pub(super) fn fragment(source: &str) -> Vec<Block> {
    let values = Values::default();
    let source = strip(source);
    Builder::new(&html::hide(&source), &Leaves::new(&values), Origin::Value).build()
}

/// Who wrote the Markdown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A template's author: has a title and buttons.
    Template,
    /// Somebody else, a model most likely: has neither, and its links say where they lead.
    Value,
}

struct Builder<'a> {
    source: &'a str,
    leaves: &'a Leaves<'a>,
    origin: Origin,
    title: Vec<Inline>,
    buttons: Vec<Button>,
    /// What is open; the root is never closed but by the end.
    stack: Vec<Node>,
    /// For each open tag, whether it has a node: one that is too deep or that messages do not know has none, and
    /// what it holds stands in the node around it.
    open: Vec<bool>,
    /// The label of a footnote, until the paragraph comes that it stands before.
    footnote: Option<String>,
    /// Where what stands at the top begins, in bytes.
    at: usize,
    /// Where the parts of the message begin, in bytes.
    places: Places,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str, leaves: &'a Leaves<'a>, origin: Origin) -> Self {
        let stack = vec![Node::blocks(Holder::Root)];
        Self {
            source,
            leaves,
            origin,
            title: Vec::new(),
            buttons: Vec::new(),
            stack,
            open: Vec::new(),
            footnote: None,
            at: 0,
            places: Places::default(),
        }
    }

    fn build(&mut self) -> Vec<Block> {
        for (event, range) in Parser::new_ext(self.source, EXTENSIONS).into_offset_iter() {
            self.event(event, range);
        }
        self.end_run();
        match self.stack.pop() {
            Some(Node::Blocks { blocks, .. }) => blocks,
            _ => Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'a>, range: Range<usize>) {
        if self.open.is_empty() {
            self.at = range.start;
        }
        match event {
            Event::Start(tag) => {
                let has_node = self.start(tag);
                self.open.push(has_node);
            }
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                let source = self.source.get(range).unwrap_or_default();
                let is_entity = source.starts_with('&') && source != text.as_ref();
                if is_entity { self.push_text(&strip(&text)) } else { self.push_text(&text) }
            }
            Event::Code(text) => {
                let code = self.leaves.code_span(&text);
                if !code.trim().is_empty() {
                    self.push(Piece::Inline(Inline::Code(code)));
                }
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                self.push_text(&text.replace('<', LESS_THAN.encode_utf8(&mut [0; 4])));
            }
            Event::SoftBreak => self.push_text(" "),
            Event::HardBreak => self.push(Piece::Inline(Inline::Break)),
            Event::Rule => self.push_blocks([Block::Rule]),
            Event::TaskListMarker(done) => self.check(done),
            Event::FootnoteReference(label) => self.push_text(&format!("[{label}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push_text(&text),
        }
    }

    /// Opens a tag; returns whether it has a node.
    fn start(&mut self, tag: Tag<'a>) -> bool {
        let footnote =
            if let Tag::FootnoteDefinition(label) = &tag { Some(format!("[{label}] ")) } else { None };
        let separates =
            matches!(tag, Tag::Item | Tag::List(_) | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_));
        let node = self.node(tag);
        if separates || node.as_ref().is_some_and(Node::is_block) {
            self.end_run();
        }
        let has_node = node.is_some();
        self.stack.extend(node);
        if footnote.is_some() {
            self.footnote = footnote;
        } else if matches!(self.stack.last(), Some(Node::Line { kind: Line::Paragraph, .. }))
            && let Some(label) = self.footnote.take()
        {
            self.push_text(&label);
        }
        has_node
    }

    fn node(&self, tag: Tag<'a>) -> Option<Node> {
        let is_shallow = self.stack.len() <= MAX_DEPTH;
        match tag {
            Tag::Paragraph => Some(Node::line(Line::Paragraph)),
            Tag::Heading { level, .. } => Some(Node::line(Line::Heading(level as u8))),
            Tag::CodeBlock(kind) => Some(Node::Code { language: self.language(&kind), text: String::new() }),
            Tag::Table(_) => Some(Node::Table { header: Vec::new(), rows: Vec::new(), row: Vec::new() }),
            Tag::TableCell => Some(Node::line(Line::Cell)),
            Tag::Item => matches!(self.stack.last(), Some(Node::List { .. }))
                .then(|| Node::blocks(Holder::Item { checked: None })),
            Tag::BlockQuote(_) => is_shallow.then(|| Node::blocks(Holder::Quote)),
            Tag::List(start) => is_shallow.then(|| Node::List { start, items: Vec::new() }),
            Tag::Emphasis => is_shallow.then(|| Node::line(Line::Emphasis)),
            Tag::Strong => is_shallow.then(|| Node::line(Line::Strong)),
            Tag::Strikethrough => is_shallow.then(|| Node::line(Line::Strike)),
            Tag::Link { dest_url, title, .. } => {
                let is_button = self.origin == Origin::Template && title.as_ref() == "button";
                is_shallow.then(|| Node::line(Line::Link { address: dest_url.into_string(), is_button }))
            }
            Tag::TableHead
            | Tag::TableRow
            | Tag::Image { .. }
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => None,
        }
    }

    fn language(&self, kind: &CodeBlockKind<'_>) -> Option<String> {
        match kind {
            CodeBlockKind::Fenced(info) => self.leaves.language(info),
            CodeBlockKind::Indented => None,
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let has_node = self.open.pop().unwrap_or(false);
        if let (TagEnd::TableHead | TagEnd::TableRow, Some(Node::Table { header, rows, row })) =
            (tag, self.stack.last_mut())
        {
            let cells = std::mem::take(row);
            if tag == TagEnd::TableHead { *header = cells } else { rows.push(cells) }
        }
        if has_node {
            if matches!(self.stack.last(), Some(Node::Blocks { .. })) {
                self.end_run();
            }
            if let Some(node) = self.stack.pop() {
                self.close(node);
            }
        } else if matches!(tag, TagEnd::Item | TagEnd::List(_) | TagEnd::BlockQuote(_) | TagEnd::HtmlBlock) {
            self.end_run();
        }
    }

    fn close(&mut self, node: Node) {
        match node {
            Node::Blocks { holder: Holder::Item { checked }, blocks, .. } => {
                if let Some(Node::List { items, .. }) = self.stack.last_mut()
                    && !(blocks.is_empty() && checked.is_none())
                {
                    items.push(ListItem { checked, blocks });
                }
            }
            Node::Blocks { blocks, .. } if blocks.is_empty() => {}
            Node::Blocks { blocks, .. } => self.push_blocks([Block::Quote(blocks)]),
            Node::List { items, .. } if items.is_empty() => {}
            Node::List { start, items } => self.push_blocks([Block::List { start, items }]),
            Node::Code { language, text } => {
                let text = self.leaves.code(&text);
                let text = text.trim_end_matches('\n');
                if !text.trim().is_empty() {
                    self.push_blocks([Block::Code { language, text: text.to_owned() }]);
                }
            }
            Node::Table { header, rows, .. } => self.push_blocks([Block::Table { header, rows }]),
            Node::Line { kind, run } => {
                let pieces = run.end(self.leaves);
                self.close_line(kind, pieces);
            }
        }
    }

    fn close_line(&mut self, kind: Line, pieces: Vec<Piece>) {
        let leaves = self.leaves;
        match kind {
            Line::Paragraph => self.close_paragraph(pieces),
            Line::Heading(level) => {
                let content = splice::without_breaks(splice::line(pieces, leaves));
                self.close_heading(level, content);
            }
            Line::Cell => {
                if let Some(Node::Table { row, .. }) = self.stack.last_mut() {
                    row.push(splice::line(pieces, leaves));
                }
            }
            Line::Strong => self.push_wrapped(Inline::Strong, pieces),
            Line::Emphasis => self.push_wrapped(Inline::Emphasis, pieces),
            Line::Strike => self.push_wrapped(Inline::Strike, pieces),
            Line::Link { address, is_button } => self.close_link(&address, is_button, pieces),
        }
    }

    /// A paragraph of nothing but buttons stands only among the buttons.
    fn close_paragraph(&mut self, pieces: Vec<Piece>) {
        let is_top = self.stack.len() == 1;
        let has_button = pieces.iter().any(|piece| matches!(piece, Piece::Button(_)));
        let has_else =
            pieces.iter().any(|piece| !matches!(piece, Piece::Button(_)) && !splice::is_blank_piece(piece));
        if !(is_top && has_button && !has_else) {
            self.push_blocks(splice::paragraph(pieces, self.leaves));
        }
    }

    fn close_heading(&mut self, level: u8, content: Vec<Inline>) {
        if splice::is_blank(&content) {
            return;
        }
        let is_title =
            self.origin == Origin::Template && level == 1 && self.stack.len() == 1 && self.title.is_empty();
        if is_title {
            self.title = content;
            self.places.title = self.at;
        } else {
            let demotion = u8::from(self.origin == Origin::Value);
            self.push_blocks([Block::Heading { level: (level + demotion).min(6), content }]);
        }
    }

    fn close_link(&mut self, address: &str, is_button: bool, pieces: Vec<Piece>) {
        let content = splice::without_links(splice::line(pieces, self.leaves));
        let Some(link) = links::Link::new(self.leaves.address(address), content) else { return };
        let host = link.hidden_host().filter(|_| self.origin == Origin::Value);
        if let (true, Some(button)) = (is_button, link.button()) {
            self.buttons.push(button);
            self.places.buttons.push(self.at);
            self.push(Piece::Button(link.into_inline()));
        } else {
            for inline in link.into_inlines() {
                self.push(Piece::Inline(inline));
            }
        }
        if let Some(host) = host {
            self.push(Piece::Inline(Inline::Text(format!(" ({host})"))));
        }
    }

    fn push_wrapped(&mut self, wrap: fn(Vec<Inline>) -> Inline, pieces: Vec<Piece>) {
        let content = splice::line(pieces, self.leaves);
        if splice::is_blank(&content) {
            for inline in content {
                self.push(Piece::Inline(inline));
            }
        } else {
            self.push(Piece::Inline(wrap(content)));
        }
    }

    fn check(&mut self, done: bool) {
        for node in self.stack.iter_mut().rev() {
            if let Node::Blocks { holder: Holder::Item { checked }, .. } = node {
                *checked = Some(done);
                return;
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.stack.last_mut() {
            Some(Node::Blocks { run, .. } | Node::Line { run, .. }) => run.push_text(text),
            Some(Node::Code { text: code, .. }) => code.push_str(text),
            Some(Node::List { .. } | Node::Table { .. }) | None => {}
        }
    }

    fn push(&mut self, piece: Piece) {
        if let Some(Node::Blocks { run, .. } | Node::Line { run, .. }) = self.stack.last_mut() {
            run.push(piece, self.leaves);
        }
    }

    fn push_blocks(&mut self, new: impl IntoIterator<Item = Block>) {
        self.end_run();
        let is_top = self.stack.len() == 1;
        if let Some(Node::Blocks { blocks, .. }) = self.stack.last_mut() {
            blocks.extend(new);
            if is_top {
                self.places.blocks.resize(blocks.len(), self.at);
            }
        }
    }

    /// Makes a paragraph of the words that stand directly in a list item, as they do in a tight list.
    fn end_run(&mut self) {
        let leaves = self.leaves;
        let is_top = self.stack.len() == 1;
        if let Some(Node::Blocks { blocks, run, .. }) = self.stack.last_mut() {
            let pieces = std::mem::take(run).end(leaves);
            blocks.extend(splice::paragraph(pieces, leaves));
            if is_top {
                self.places.blocks.resize(blocks.len(), self.at);
            }
        }
    }
}
