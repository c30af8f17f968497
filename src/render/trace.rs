//! Traces: which line of which template wrote a part of what was rendered.
//!
//! Every template is rendered once more with marks in its literal text that name its lines. They change where white
//! space is trimmed and nothing else, so places are counted in characters that are not white space.

use std::path::PathBuf;

use super::family::Family;
use super::files::TemplateFile;
use super::sets::Sets;
use super::{Context, Purpose, Renderer, Target, template_context, tokens};
use crate::message::markdown::{self, Places};

/// Opens a mark; a reserved character, which no text of a context or a template holds.
const OPEN: char = '\u{FDD5}';
/// Ends a mark.
const CLOSE: char = '\u{FDD6}';
/// The ten digits of a mark.
const ZERO: u32 = 0xFDE0;

/// The templates once more, marked.
#[derive(Debug)]
pub struct Tracer<'a> {
    renderer: &'a Renderer,
    marked: Sets,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where the template lies.
    pub path: PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
}

/// Where everything of one rendering comes from.
#[derive(Debug)]
pub struct Trace {
    /// How many characters stand before a mark, and the line that it names.
    marks: Vec<(usize, Line)>,
    places: Places,
    output: String,
}

impl<'a> Tracer<'a> {
    /// Marks the templates of a renderer.
    pub fn new(renderer: &'a Renderer) -> Self {
        let files = renderer.files.iter().enumerate();
        let files: Vec<TemplateFile> = files
            .map(|(number, file)| TemplateFile { source: marked(&file.source, number), ..file.clone() })
            .collect();
        Self { renderer, marked: Sets::build(&files, &mut Vec::new()) }
    }

    /// Traces a rendering; `None` where it fails or where no template is used.
    pub fn trace(&self, purpose: Purpose<'_>, context: &Context, target: &Target) -> Option<Trace> {
        let found = self.renderer.find(purpose, target)?;
        let values = template_context(context, target, found.family);
        let (output, own) = tokens::collect(|| found.tera.render(&found.name, &values));
        let output = output.ok()?;
        let places = match found.family {
            Family::Markdown => markdown::places(&output, &own),
            Family::Json => Places::default(),
        };
        let twin = self.marked.find(target.set.as_deref(), target.kind, purpose)?;
        let (marked, _) = tokens::collect(|| twin.tera.render(&twin.name, &values));
        let first = self.renderer.files.iter().position(|file| file.name == found.name)?;
        let mut marks = vec![(0, self.line(first, 1)?)];
        marks.extend(
            read(&marked.ok()?).into_iter().filter_map(|(at, file, line)| Some((at, self.line(file, line)?))),
        );
        Some(Trace { marks, places, output })
    }

    fn line(&self, file: usize, line: usize) -> Option<Line> {
        Some(Line { path: self.renderer.files.get(file)?.path.clone(), line })
    }
}

impl Trace {
    /// Returns the line that made the title.
    pub fn title(&self) -> Option<&Line> {
        self.line_at(self.places.title)
    }

    /// Returns the line that made a block.
    pub fn block(&self, index: usize) -> Option<&Line> {
        self.places.blocks.get(index).and_then(|at| self.line_at(*at))
    }

    /// Returns the line that made a button.
    pub fn button(&self, index: usize) -> Option<&Line> {
        self.places.buttons.get(index).and_then(|at| self.line_at(*at))
    }

    /// Returns the line at which a request body stops being JSON.
    pub fn json_fault(&self) -> Option<&Line> {
        let error = serde_json::from_str::<serde::de::IgnoredAny>(&self.output).err()?;
        let before: usize =
            self.output.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        self.line_at(visible(&self.output, before + error.column().saturating_sub(1)))
    }

    /// Returns the line that wrote this text, or this name, into a request body.
    pub fn json_text(&self, text: &str) -> Option<&Line> {
        let mut start = 0;
        loop {
            let open = start + self.output.get(start..)?.find('"')?;
            let rest = self.output.get(open..)?;
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let found = texts.next()?.ok()?;
            if found == text {
                return self.line_at(visible(&self.output, open));
            }
            start = open + texts.byte_offset();
        }
    }

    fn line_at(&self, at: usize) -> Option<&Line> {
        self.marks.iter().rev().find(|(before, _)| *before <= at).map(|(_, line)| line)
    }
}

fn visible(text: &str, end: usize) -> usize {
    let before = text.get(..text.floor_char_boundary(end)).unwrap_or_default();
    before.chars().filter(|character| !character.is_whitespace()).count()
}

/// Puts a mark at the start of each line of literal text and before each tag.
///
/// A template that extends another one may hold text in its blocks alone.
fn marked(source: &str, file: usize) -> String {
    let is_child = source.trim_start().starts_with("{%") && tag_word(source.trim_start()) == "extends";
    let mut out = String::with_capacity(source.len() * 2);
    let (mut line, mut blocks, mut rest) = (1, 0_usize, source);
    while !rest.is_empty() {
        let tag = ["{{", "{%", "{#"].iter().filter_map(|opening| rest.find(opening)).min();
        let (literal, behind) = rest.split_at(tag.unwrap_or(rest.len()));
        let mark_line = |out: &mut String, line| {
            if !is_child || blocks > 0 {
                out.push_str(&mark(file, line));
            }
        };
        for part in literal.split_inclusive('\n') {
            mark_line(&mut out, line);
            out.push_str(part);
            line += usize::from(part.ends_with('\n'));
        }
        if !behind.is_empty() {
            mark_line(&mut out, line);
        }
        let (tag, behind) = behind.split_at(tag_length(behind));
        match tag_word(tag) {
            "block" => blocks += 1,
            "endblock" => blocks = blocks.saturating_sub(1),
            _ => {}
        }
        out.push_str(tag);
        line += tag.matches('\n').count();
        rest = behind;
    }
    out
}

/// Returns the first word of a `{% … %}`.
fn tag_word(tag: &str) -> &str {
    let inside = tag.strip_prefix("{%").unwrap_or_default().trim_start_matches('-').trim_start();
    inside.split(|character: char| !character.is_ascii_lowercase()).next().unwrap_or_default()
}

/// Returns the length of the tag at the start of a text, its quoted texts taken into account.
fn tag_length(text: &str) -> usize {
    let closing = match text.get(..2) {
        None => return text.len(),
        Some("{{") => "}}",
        Some("{%") => "%}",
        _ => return text.find("#}").map_or(text.len(), |end| end + 2),
    };
    let mut quote = None;
    for (at, character) in text.char_indices().skip(2) {
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if text.get(at..).is_some_and(|rest| rest.starts_with(closing)) => return at + 2,
            Some(_) | None => {}
        }
    }
    text.len()
}

fn mark(file: usize, line: usize) -> String {
    let digits = format!("{file}/{line}");
    let mut mark = String::from(OPEN);
    // `/` is the character before `0`.
    mark.extend(digits.chars().filter_map(|digit| char::from_u32(ZERO + u32::from(digit) - u32::from('/'))));
    mark.push(CLOSE);
    mark
}

/// Reads the marks of an output: how many characters stand before each, its file and its line.
fn read(output: &str) -> Vec<(usize, usize, usize)> {
    let mut marks = Vec::new();
    let mut before = 0;
    let mut parts = output.split(OPEN);
    let mut count = |text: &str| {
        before += text.chars().filter(|character| !character.is_whitespace()).count();
        before
    };
    count(parts.next().unwrap_or_default());
    let mut at = count("");
    for part in parts {
        let (digits, text) = part.split_once(CLOSE).unwrap_or(("", part));
        let digits: String = digits
            .chars()
            .filter_map(|digit| char::from_u32((u32::from(digit) + u32::from('/')).wrapping_sub(ZERO)))
            .collect();
        let numbers =
            digits.split_once('/').and_then(|(file, line)| Some((file.parse().ok()?, line.parse().ok()?)));
        marks.extend(numbers.map(|(file, line)| (at, file, line)));
        at = count(text);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Artifacts;
    use crate::render::{TemplatesConfig, fixture};

    fn trace(files: &[(&str, &str)]) -> Trace {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let config = TemplatesConfig { dir: dir.path().to_owned(), dir_is_explicit: true };
        let renderer = Renderer::load(&config).unwrap();
        let context = fixture::context(&[fixture::event("root_cause_completed", fixture::root_cause())]);
        Tracer::new(&renderer).trace(context.action().into(), &context, &fixture::slack()).unwrap()
    }

    fn shown(line: Option<&Line>) -> String {
        let line = line.unwrap();
        format!("{}:{}", line.path.file_name().unwrap().to_string_lossy(), line.line)
    }

    #[test]
    fn each_part_of_a_message_knows_its_line() {
        let trace = trace(&[
            (
                "default.md.tera",
                "{% set cause = run.root_cause -%}\n# {{ event.action }}\n\n{{ cause.summary | markdown }}\n\n\
                 {% include \"_why.md.tera\" %}\n\nlast\n\n[a](https://x.dev \"button\")\n[b](https://x.dev \"button\")\n",
            ),
            (
                "_why.md.tera",
                "{# nothing #}\n{% for reason in cause.reasons -%}\n- {{ reason.text }}\n{% endfor %}",
            ),
        ]);
        assert_eq!(shown(trace.title()), "default.md.tera:2");
        let blocks: Vec<String> = (0..3).map(|index| shown(trace.block(index))).collect();
        assert_eq!(blocks, ["default.md.tera:4", "_why.md.tera:3", "default.md.tera:8"]);
        assert_eq!(shown(trace.button(0)), "default.md.tera:10");
        assert!(trace.block(3).is_none());
    }

    #[test]
    fn an_extending_template_knows_its_lines() {
        let trace = trace(&[
            ("_base.md.tera", "# {{ event.action }}\n\n{% block body %}{% endblock %}\n\nend"),
            (
                "default.md.tera",
                "{% extends \"_base.md.tera\" %}\n{% block body %}\none \"}}\"\n\n{{ \"}} two\" }}\n{% endblock %}",
            ),
        ]);
        assert_eq!(shown(trace.title()), "_base.md.tera:1");
        let blocks: Vec<String> = (0..3).map(|index| shown(trace.block(index))).collect();
        assert_eq!(blocks, ["default.md.tera:3", "default.md.tera:5", "_base.md.tera:5"]);
    }

    #[test]
    fn the_place_where_json_ends_is_found_and_each_of_its_texts() {
        let broken =
            "{\n  \"a\": \"x\",\n{% if run.id -%}\n  \"b\": {{ run.id }}x,\n{% endif -%}\n  \"c\": 1\n}\n";
        let broken_trace = trace(&[("default.json.tera", broken)]);
        assert_eq!(shown(broken_trace.json_fault()), "default.json.tera:4");
        let sound = trace(&[("default.json.tera", &broken.replace("}}x", "}}"))]);
        assert!(sound.json_fault().is_none());
        assert_eq!(shown(sound.json_text("x")), "default.json.tera:2");
        assert_eq!(shown(sound.json_text("b")), "default.json.tera:4");
        assert_eq!(shown(sound.json_text("c")), "default.json.tera:6");
        assert!(sound.json_text("d").is_none());
    }

    #[test]
    fn the_built_in_templates_are_the_same_when_they_are_marked() {
        let renderer = Renderer::built_in();
        let tracer = Tracer::new(&renderer);
        for action in renderer.actions() {
            let event = fixture::event(action.as_str(), Artifacts::default());
            let context = fixture::context(&[event]);
            for purpose in [Purpose::Action(&action), Purpose::Card] {
                assert!(tracer.trace(purpose, &context, &fixture::slack()).is_some(), "{action:?}");
            }
        }
    }
}
