//! Outlines of messages, for tests: the structure without its texts, and the texts alone.

use super::{Block, Inline, Message};

/// A message taken apart.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outline {
    /// The structure, in which every text is `T` and every address `U`.
    pub(crate) structure: String,
    /// The texts and addresses, from top to bottom.
    pub(crate) leaves: Vec<String>,
}

impl Outline {
    /// Takes a message apart.
    pub(crate) fn of(message: &Message) -> Self {
        let mut outline = Self::default();
        outline.part("title", |outline| outline.line(&message.title));
        outline.blocks(&message.blocks);
        for button in &message.buttons {
            outline.part("button", |outline| {
                outline.leaf('T', &button.label);
                outline.leaf('U', button.url.as_str());
            });
        }
        outline
    }

    fn part(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.structure.push_str(name);
        self.structure.push('(');
        inside(self);
        self.structure.push(')');
    }

    fn leaf(&mut self, mark: char, text: &str) {
        self.structure.push(mark);
        self.leaves.push(text.to_owned());
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(content) => self.part("p", |outline| outline.line(content)),
            Block::Heading { level, content } => {
                self.part(&format!("h{level}"), |outline| outline.line(content));
            }
            Block::List { start, items } => self.part(&format!("list {start:?}"), |outline| {
                for item in items {
                    outline.part(&format!("item {:?}", item.checked), |outline| outline.blocks(&item.blocks));
                }
            }),
            Block::Quote(blocks) => self.part("quote", |outline| outline.blocks(blocks)),
            Block::Code { language, text } => self.part("code", |outline| {
                outline.structure.push_str(language.as_deref().unwrap_or_default());
                outline.leaf('T', text);
            }),
            Block::Table { header, rows } => self.part("table", |outline| {
                for row in std::iter::once(header).chain(rows) {
                    outline.part("row", |outline| {
                        for cell in row {
                            outline.part("cell", |outline| outline.line(cell));
                        }
                    });
                }
            }),
            Block::Rule => self.structure.push_str("rule"),
        }
    }

    fn line(&mut self, line: &[Inline]) {
        for inline in line {
            match inline {
                Inline::Text(text) => self.leaf('T', text),
                Inline::Code(text) => self.part("code", |outline| outline.leaf('T', text)),
                Inline::Strong(content) => self.part("strong", |outline| outline.line(content)),
                Inline::Emphasis(content) => self.part("emphasis", |outline| outline.line(content)),
                Inline::Strike(content) => self.part("strike", |outline| outline.line(content)),
                Inline::Link { url, content } => self.part("link", |outline| {
                    outline.leaf('U', url.as_str());
                    outline.line(content);
                }),
                Inline::Break => self.structure.push('/'),
            }
        }
    }
}

/// Returns the message as plain lines, marks included, as a reader without formatting would write it down.
pub(crate) fn lines(message: &Message) -> String {
    let mut lines = format!("# {}\n", words(&message.title));
    write_blocks(&message.blocks, "", &mut lines);
    for button in &message.buttons {
        lines.extend(["[", &button.label, "](", button.url.as_str(), ")\n"]);
    }
    lines
}

fn write_blocks(blocks: &[Block], indent: &str, lines: &mut String) {
    let mut push = |text: &str| {
        for line in text.lines() {
            lines.extend([indent, line, "\n"]);
        }
    };
    for block in blocks {
        match block {
            Block::Paragraph(content) => push(&words(content)),
            Block::Heading { level, content } => {
                push(&format!("{} {}", "#".repeat((*level).into()), words(content)));
            }
            Block::List { start, items } => {
                for (index, item) in items.iter().enumerate() {
                    let mark = start.map_or("- ".to_owned(), |start| format!("{}. ", start + index as u64));
                    let mut inside = String::new();
                    write_blocks(&item.blocks, "   ", &mut inside);
                    push(&format!("{mark}{}", inside.trim_start()));
                }
            }
            Block::Quote(blocks) => {
                let mut inside = String::new();
                write_blocks(blocks, "> ", &mut inside);
                push(&inside);
            }
            Block::Code { language, text } => {
                push(&format!("```{}\n{text}\n```", language.as_deref().unwrap_or_default()));
            }
            Block::Table { header, rows } => {
                for row in std::iter::once(header).chain(rows) {
                    push(&row.iter().map(|cell| words(cell)).collect::<Vec<_>>().join(" | "));
                }
            }
            Block::Rule => push("---"),
        }
    }
}

fn words(line: &[Inline]) -> String {
    let parts = line.iter().map(|inline| match inline {
        Inline::Text(text) => text.clone(),
        Inline::Code(text) => format!("`{text}`"),
        Inline::Strong(content) => format!("**{}**", words(content)),
        Inline::Emphasis(content) => format!("*{}*", words(content)),
        Inline::Strike(content) => format!("~~{}~~", words(content)),
        Inline::Link { url, content } => format!("[{}]({url})", words(content)),
        Inline::Break => "\n".to_owned(),
    });
    parts.collect()
}
