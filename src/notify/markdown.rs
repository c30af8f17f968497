//! Blocks as Markdown for the platforms that read it (Discord; Mattermost and Rocket.Chat), within a limit.
//!
//! Knows the structure; the words are `inline.rs`'s work.

use crate::message::{Block, Inline, ListItem};
use crate::notify::dialect::Dialect;
use crate::notify::fit;
use crate::notify::inline::InlineWriter;
use crate::notify::shortening::{Missing, block_is_blank, inlines_are_blank, item_is_blank};
use crate::notify::table::{self, Pair};

/// With less room than this a block is not begun.
const SMALLEST_ROOM: usize = 16;

/// Returns the blocks as Markdown of at most `limit` code points, and what did not fit.
pub(crate) fn blocks_within(dialect: Dialect, limit: usize, blocks: &[&Block]) -> (String, Missing) {
    let mut writer =
        MarkdownWriter { dialect, words: InlineWriter::new(dialect, limit), quote: String::new() };
    for (index, block) in blocks.iter().enumerate() {
        if block_is_blank(block) {
            continue;
        }
        if writer.words.room() < SMALLEST_ROOM {
            return (writer.words.finish(), Missing::parts(blocks.len() - index));
        }
        writer.separate(true);
        writer.block(block);
        if writer.words.is_full() {
            return (writer.words.finish(), Missing::rest_of(block, blocks.len() - index - 1));
        }
    }
    (writer.words.finish(), Missing::default())
}

/// Joins what is not empty by blank lines.
pub(crate) fn paragraphs<const N: usize>(parts: [String; N]) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n").trim_end().to_owned()
}

struct MarkdownWriter {
    dialect: Dialect,
    words: InlineWriter,
    quote: String,
}

impl MarkdownWriter {
    fn separate(&mut self, blank_line: bool) {
        if !self.words.is_empty() {
            self.words.new_line();
            if blank_line {
                self.words.new_line();
            }
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(content) => self.words.inlines(content),
            Block::Heading { level, content } => self.heading(*level, content),
            Block::List { start, items } => self.list(*start, items),
            Block::Quote(blocks) => self.quote(blocks),
            Block::Code { language, text } => self.code(language.as_deref(), text),
            Block::Table { header, rows } => match table::pairs(block) {
                Some(pairs) if self.dialect == Dialect::Mattermost => self.pairs(&pairs),
                _ => self.table(header, rows),
            },
            Block::Rule => {
                self.words.markup("───");
            }
        }
    }

    fn heading(&mut self, level: u8, content: &[Inline]) {
        // Discord knows three levels.
        // Source: https://support.discord.com/hc/en-us/articles/210298617, read 2026-11-23.
        if self.words.markup(&format!("{} ", "#".repeat(usize::from(level.clamp(1, 3))))) {
            self.words.start_line();
            self.words.inlines(&without_breaks(content));
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[ListItem]) {
        let mut number = start;
        let mut first = true;
        for item in items.iter().filter(|item| start.is_some() || !item_is_blank(item)) {
            if self.words.is_full() {
                return;
            }
            if !first {
                self.words.new_line();
            }
            first = false;
            let marker = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
            number = number.map(|number| number.saturating_add(1));
            self.item(&marker, item);
        }
    }

    fn item(&mut self, marker: &str, item: &ListItem) {
        let sign = match item.checked {
            Some(true) => "☑ ",
            Some(false) => "☐ ",
            None => "",
        };
        if self.words.room() < marker.len() + SMALLEST_ROOM || !self.words.markup(&format!("{marker}{sign}"))
        {
            self.words.stop();
            return;
        }
        self.words.start_line();
        let inner = format!("{}{}", self.words.prefix(), " ".repeat(marker.len()));
        let outer = self.words.set_prefix(inner);
        let mut first = true;
        for block in item.blocks.iter().filter(|block| !block_is_blank(block)) {
            if !first || !matches!(block, Block::Paragraph(_) | Block::Heading { .. }) {
                self.words.new_line();
            }
            first = false;
            self.block(block);
        }
        self.words.set_prefix(outer);
    }

    /// Writes a quotation. One inside another looks the same: Discord knows no second level.
    fn quote(&mut self, blocks: &[Block]) {
        let outer_quote = std::mem::replace(&mut self.quote, "> ".to_owned());
        let outer_prefix = self.words.set_prefix("> ".to_owned());
        if outer_quote.is_empty() {
            self.words.markup("> ");
            self.words.start_line();
        }
        let mut first = true;
        for block in blocks.iter().filter(|block| !block_is_blank(block)) {
            if !first {
                self.words.new_line();
                self.words.new_line();
            }
            first = false;
            self.block(block);
        }
        self.quote = outer_quote;
        self.words.set_prefix(outer_prefix);
    }

    /// Writes a fence. On Discord it stands at the margin even in a list, where it would show the indentation of its
    /// lines; elsewhere a line at the margin would end the item, and the fence with it.
    fn code(&mut self, language: Option<&str>, text: &str) {
        let text = fit::lines(text);
        let margin = match self.dialect {
            Dialect::Discord => self.quote.clone(),
            Dialect::Slack | Dialect::Mattermost => self.words.prefix().to_owned(),
        };
        let opener =
            format!("```{}\n{margin}", language.filter(|word| is_language(word)).unwrap_or_default());
        let closer = format!("\n{margin}```");
        let outer = self.words.set_prefix(margin);
        if self.words.room() < opener.len() + closer.len() + SMALLEST_ROOM {
            self.words.stop();
        } else if self.words.markup(&opener) {
            self.words.reserve(closer.len());
            self.words.fenced(text.trim_end());
            self.words.close_with(&closer);
        }
        self.words.set_prefix(outer);
    }

    fn table(&mut self, header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) {
        if table::is_told_by_rows(header, rows) {
            self.rows_as_items(header, rows);
        } else {
            let text = table::columns(header, rows, self.words.room());
            self.code(None, &text);
        }
    }

    /// Writes a two-column table where a receiver has no fields: one line for each row.
    fn pairs(&mut self, pairs: &[Pair<'_>]) {
        for (index, (name, value)) in pairs.iter().enumerate() {
            if index > 0 {
                self.words.new_line();
            }
            if !inlines_are_blank(name) {
                self.words.inlines(&[Inline::Strong(without_breaks(name))]);
                self.words.markup(" ");
            }
            self.words.inlines(&without_breaks(value));
        }
    }

    /// Writes a table that a fence would not show whole: one item for each row.
    fn rows_as_items(&mut self, header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) {
        let mut first = true;
        for row in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)) {
            let cells: Vec<&Vec<Inline>> = row.iter().filter(|cell| !inlines_are_blank(cell)).collect();
            if cells.is_empty() {
                continue;
            }
            if !first {
                self.words.new_line();
            }
            first = false;
            if !self.words.markup("- ") {
                return;
            }
            for (index, cell) in cells.into_iter().enumerate() {
                if index > 0 {
                    self.words.markup(" · ");
                }
                self.words.inlines(&without_breaks(cell));
            }
        }
    }
}

fn is_language(word: &str) -> bool {
    word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_#".contains(&byte))
}

fn without_breaks(inlines: &[Inline]) -> Vec<Inline> {
    let space = |inline: &Inline| match inline {
        Inline::Break => Inline::Text(" ".to_owned()),
        Inline::Text(_)
        | Inline::Strong(_)
        | Inline::Emphasis(_)
        | Inline::Strike(_)
        | Inline::Code(_)
        | Inline::Link { .. } => inline.clone(),
    };
    inlines.iter().map(space).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Vec<Inline> {
        vec![Inline::Text(words.to_owned())]
    }

    fn paragraph(words: &str) -> Block {
        Block::Paragraph(text(words))
    }

    fn item(blocks: Vec<Block>) -> ListItem {
        ListItem { checked: None, blocks }
    }

    fn sample() -> Vec<Block> {
        vec![
            Block::Heading { level: 2, content: text("Why") },
            paragraph("- no list"),
            Block::List {
                start: Some(3),
                items: vec![
                    item(vec![
                        paragraph("three"),
                        Block::List { start: None, items: vec![item(vec![paragraph("inner")])] },
                    ]),
                    ListItem { checked: Some(true), blocks: vec![paragraph("done")] },
                ],
            },
            Block::Quote(vec![
                paragraph("said"),
                Block::Code { language: Some("diff".to_owned()), text: "-a\n+```\n".to_owned() },
            ]),
            Block::Rule,
        ]
    }

    #[test]
    fn blocks_are_written_as_discord_reads_them() {
        let blocks = sample();
        let (markdown, missing) = blocks_within(Dialect::Discord, 4_096, &blocks.iter().collect::<Vec<_>>());
        assert!(missing.is_nothing());
        insta::assert_snapshot!(markdown.replace('\u{200b}', "<zwsp>"), @r"
        ## Why

        \- no list

        3. three
           - inner
        4. ☑ done

        > said
        > 
        > ```diff
        > -a
        > +`<zwsp>`<zwsp>`
        > ```

        ───
        ");
    }

    #[test]
    fn a_fence_in_a_list_stays_in_its_item_where_markdown_is_common_mark() {
        let code = Block::Code { language: Some("diff".to_owned()), text: "-a\n+b".to_owned() };
        let item = ListItem { checked: None, blocks: vec![paragraph("one"), code] };
        let list = Block::List { start: Some(1), items: vec![item, ListItem::default()] };
        let quoted = Block::Quote(vec![list.clone()]);
        let written = |dialect, block: &Block| blocks_within(dialect, 500, &[block]).0;
        assert_eq!(written(Dialect::Mattermost, &list), "1. one\n   ```diff\n   -a\n   +b\n   ```\n2. ");
        assert_eq!(
            written(Dialect::Mattermost, &quoted),
            "> 1. one\n>    ```diff\n>    -a\n>    +b\n>    ```\n> 2. "
        );
        assert_eq!(written(Dialect::Discord, &list), "1. one\n   ```diff\n-a\n+b\n```\n2. ");
    }

    #[test]
    fn any_limit_is_kept_and_every_fence_is_closed() {
        let blocks = sample();
        let blocks: Vec<&Block> = blocks.iter().collect();
        for limit in 0..200 {
            let (markdown, missing) = blocks_within(Dialect::Discord, limit, &blocks);
            assert!(markdown.chars().count() <= limit, "{limit}: {markdown}");
            assert_eq!(markdown.matches("```").count() % 2, 0, "{limit}: {markdown}");
            assert!(!missing.is_nothing() || limit > 100, "{limit}: {markdown}");
        }
    }

    #[test]
    fn no_fence_follows_what_was_cut() {
        let words = Block::Paragraph(vec![Inline::Code("some words of code ".repeat(20))]);
        let code = Block::Code { language: None, text: "+a\n".repeat(20) };
        let list = Block::List { start: Some(1), items: vec![item(vec![words, code])] };
        for limit in 0..500 {
            let (markdown, _) = blocks_within(Dialect::Discord, limit, &[&list]);
            assert_eq!(markdown.matches("```").count() % 2, 0, "{limit}: {markdown}");
            assert!(markdown.chars().count() <= limit, "{limit}: {markdown}");
        }
    }

    #[test]
    fn a_table_of_two_columns_is_one_line_for_each_row_where_there_are_no_fields() {
        let rows = vec![vec![text("Repository"), text("acme/*api*")], vec![text(""), text("alone")]];
        let table = Block::Table { header: vec![text(""), text("")], rows };
        let (markdown, _) = blocks_within(Dialect::Mattermost, 500, &[&table]);
        assert_eq!(markdown, "**Repository** acme/\\*api\\*\nalone");
    }

    #[test]
    fn a_table_with_links_keeps_them() {
        let url = url::Url::parse("https://x.dev/12").unwrap();
        let table = Block::Table {
            header: vec![text("Repo"), text("PR"), text("State")],
            rows: vec![vec![
                text("acme/api"),
                vec![Inline::Link { url, content: text("#12") }],
                text("open"),
            ]],
        };
        let (markdown, _) = blocks_within(Dialect::Discord, 500, &[&table]);
        assert_eq!(markdown, "- Repo · PR · State\n- acme/api · [#12](https://x.dev/12) · open");
    }
}
