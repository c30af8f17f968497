//! Explanations: what the template engine's errors mean, where, and how to mend it.
//!
//! At load time an error speaks of templates only. While rendering it may quote values, which belong in no log and no
//! history: what is not known to be free of them is left out.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tera::{Error, ErrorKind, ReportError};

use super::{filters, place};
use crate::words::nearest;

/// An error of the engine, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The engine's name of the template; empty where the engine names none.
    pub(super) template: String,
    /// Line and column, counted from 1.
    pub(super) position: Option<(usize, usize)>,
    /// What is wrong.
    pub(super) message: String,
    /// How to mend it.
    pub(super) hint: Option<String>,
}

impl Finding {
    /// Compares place and message; hints may differ.
    pub(super) fn in_order(&self, other: &Self) -> Ordering {
        (&self.template, self.position, &self.message).cmp(&(&other.template, other.position, &other.message))
    }

    /// Whether it is about a template that is missing and has one of these names.
    pub(super) fn misses_one_of(&self, names: &[&str]) -> bool {
        let missing = self.message.strip_prefix("unknown template").and_then(quoted);
        missing.is_some_and(|missing| names.iter().any(|name| *name == missing || bare(name) == missing))
    }
}

/// The engine's own filters, for hints.
// Source: tera 2.4 src/tera.rs, `register_builtin_filters` and the two functions below it.
const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "indent",
    "int",
    "join",
    "keys",
    "last",
    "length",
    "lower",
    "newlines_to_br",
    "nth",
    "pairs",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "safe",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "values",
    "wordcount",
];
const TESTS: &[&str] = &[
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];
const FUNCTIONS: &[&str] = &["range", "super", "throw"];

/// How messages of the engine begin that quote names and types, but never a value.
// Source: tera 2.4 src/vm/interpreter.rs and src/errors.rs.
const FREE_OF_VALUES: &[&str] = &[
    "`",
    "Cannot compare",
    "Cannot index",
    "Cannot slice",
    "Field `",
    "Index expression",
    "Invalid type for the value",
    "Iteration not possible",
    "Key/value iteration",
    "Math operations",
    "Missing keyword argument",
    "Slice ",
    "Spread operator",
    "This filter can only",
    "Tried to render",
    "Tried to use super",
    "Value of type",
    "Variable `",
    "super() called",
];

/// Explains an error of loading; `names` are the templates that an include could mean.
#[expect(clippy::wildcard_enum_match_arm, reason = "the engine's enum is not exhaustive")]
pub(super) fn load_error(error: &Error, names: &[&str]) -> Vec<Finding> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => vec![of_report(report, names)],
        ErrorKind::Msg(text) => of_reports(text, names),
        ErrorKind::MissingParent { current, parent } => {
            let hint = template_hint(parent, names);
            vec![finding(current, format!("unknown template `{parent}`"), hint)]
        }
        ErrorKind::CircularExtend { tpl, .. } => {
            let name = bare(tpl);
            let hint = format!("a template of the same name is reached as `built-in/{name}`");
            vec![finding(tpl, "the template extends itself".to_owned(), Some(hint))]
        }
        ErrorKind::CircularInclude { tpl, include_chain } => {
            let chain: Vec<_> = include_chain.iter().map(|name| place::shown(name)).collect();
            let message = format!("the template includes itself: {}", chain.join(" → "));
            vec![finding(tpl, message, Some("take one of these `include`s out".to_owned()))]
        }
        _ => vec![finding("", polish(&error.to_string()), None)],
    }
}

/// Explains an error of rendering; `fields` are the names that may be shown.
pub(super) fn render_error(error: &Error, template: &str, fields: &BTreeSet<String>) -> Finding {
    let (ErrorKind::RenderingError(report) | ErrorKind::SyntaxError(report)) = error.kind() else {
        return finding(template, "the template cannot be rendered".to_owned(), None);
    };
    let text = report.message();
    if !FREE_OF_VALUES.iter().any(|beginning| text.starts_with(beginning)) {
        let message = "a filter or function failed on this value".to_owned();
        return Finding { message, hint: None, ..of_report(report, &[]) };
    }
    let (message, known) = split_known(text);
    let known: Vec<_> = known.into_iter().filter(|name| fields.contains(*name)).collect();
    let hint = quoted(message).and_then(|name| nearest_hint(name, known.iter().copied()));
    let listed = || (!known.is_empty()).then(|| format!("there are {}", listed(known.iter().copied())));
    let hint = hint.or_else(listed).or_else(|| missing_hint(message, fields));
    Finding { message: polish(message), hint, ..of_report(report, &[]) }
}

/// Says what to do about a value that is not there.
fn missing_hint(message: &str, fields: &BTreeSet<String>) -> Option<String> {
    const SOMETIMES: &str = "what it belongs to is not known of every event: put `{% if … %}` around it, or write \
                             `(x?.y or \"\")` for `x.y`";
    if let Some(field) = message.strip_prefix("Field ").and_then(quoted) {
        let nearest = || nearest_hint(field, fields.iter().map(String::as_str));
        let is_field = fields.contains(field);
        return (!is_field).then(nearest).flatten().or_else(|| Some(SOMETIMES.to_owned()));
    }
    if message.contains("`undefined`") {
        return Some(format!("there is no such field, or {SOMETIMES}"));
    }
    None
}

fn finding(template: &str, message: String, hint: Option<String>) -> Finding {
    Finding { template: template.to_owned(), position: None, message, hint }
}

fn of_report(report: &ReportError, names: &[&str]) -> Finding {
    let span = report.span();
    let position = Some((span.start_line, span.start_col + 1));
    let message = report.message();
    let hint = reference_hint(message, names).or_else(|| syntax_hint(message));
    let message = polish(message);
    Finding { template: report.filename().to_owned(), position, message, hint }
}

/// Reads the reports that the engine joins to one text, each `error: …` and `--> file:line:column`.
fn of_reports(text: &str, names: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(message) = line.strip_prefix("error: ") else { continue };
        let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> ")).unwrap_or_default();
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (parts.next().and_then(|part| part.parse().ok()), parts.next());
        let position = line.and_then(|line| line.parse().ok()).zip(column);
        let template = parts.next().unwrap_or_default();
        let hint = reference_hint(message, names);
        findings.push(Finding { position, ..finding(template, polish(message), hint) });
    }
    if findings.is_empty() {
        findings.push(finding("", polish(text.lines().next().unwrap_or_default()), None));
    }
    findings
}

/// Says what an unknown filter, test, function or template may have meant.
fn reference_hint(message: &str, names: &[&str]) -> Option<String> {
    let name = quoted(message)?;
    let filters = || filters::OWN.iter().chain(FILTERS).copied();
    match message.strip_prefix("Unknown ")?.split_once(' ')?.0 {
        "filter" if name == "json_encode" => Some("did you mean `json`?".to_owned()),
        "filter" => nearest_hint(name, filters())
            .or_else(|| Some(format!("filters of the relay: {}", listed(filters::OWN.iter().copied())))),
        "test" => nearest_or_all(name, TESTS),
        "function" => nearest_or_all(name, FUNCTIONS),
        "template" => template_hint(name, names),
        _ => None,
    }
}

/// Says how the syntax is, where an error is about that.
fn syntax_hint(message: &str) -> Option<String> {
    let hint = if message.starts_with("Unexpected end of input") {
        "close every `{{` and `{%`, and end every `{% if … %}` by `{% endif %}`, every `{% for … %}` by `{% endfor %}`"
    } else if message.starts_with("Unknown tag") {
        "tags are `if`, `for`, `set`, `include`, `extends`, `block`, `filter`, `component` and `raw`; an `end…`, `else` \
         or `elif` has to follow its beginning"
    } else if message.starts_with("Found ") || message.starts_with("Unexpected ") {
        "a value is written `{{ value | filter(argument=1) }}`, a tag `{% if value == \"text\" %}`"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// Compares without what all names end with, or every name would be near.
fn template_hint(missing: &str, names: &[&str]) -> Option<String> {
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let wanted = stem(bare(missing));
    let near = |name: &&&str| !nearest(&wanted, [stem(bare(name)).as_str()]).is_empty();
    if let Some(name) = names.iter().find(near) {
        return Some(format!("did you mean `{}`?", bare(name)));
    }
    let parts: BTreeSet<&str> =
        names.iter().map(|name| bare(name)).filter(|name| name.starts_with('_')).collect();
    (!parts.is_empty()).then(|| format!("there are {}", listed(parts)))
}

fn nearest_or_all(word: &str, candidates: &[&str]) -> Option<String> {
    nearest_hint(word, candidates.iter().copied())
        .or_else(|| Some(format!("there are {}", listed(candidates.iter().copied()))))
}

fn nearest_hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).first().map(|name| format!("did you mean `{name}`?"))
}

/// Returns the name without its place.
fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Returns what stands in the first backticks.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// Takes the list of known names off a message.
fn split_known(text: &str) -> (&str, Vec<&str>) {
    for heading in [". Available fields: ", ". Available variables: "] {
        if let Some((message, known)) = text.split_once(heading) {
            return (message, known.split(", ").collect());
        }
    }
    (text, Vec::new())
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.sort();
    names.join(", ")
}

/// Turns a sentence into the form of the relay's own errors.
fn polish(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}
