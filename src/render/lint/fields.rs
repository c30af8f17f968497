//! Fields that the contract does not have: the engine takes them for empty in an `if`, without a word.
//!
//! What a name means is told from where it is bound: the contract's own names, `for x in run.changes`,
//! `set x = run.solution`. Of any other value nothing is said.

use std::collections::HashMap;

use serde_json::Value;

use super::words::{Kind, Word, words};
use crate::render::fault::TemplateFault;
use crate::render::files::TemplateFile;
use crate::words::{nearest, slip};

/// Finds fields and names that no event has. `shape` is the contract with every field in it.
pub(in crate::render) fn unknown(file: &TemplateFile, shape: &Value) -> Vec<TemplateFault> {
    let words = words(&file.source);
    let tags = words.windows(2).filter(|pair| pair.first().is_some_and(|word| word.kind == Kind::Begin));
    let mut tags = tags.filter_map(<[Word<'_>]>::last).map(|word| word.text);
    if tags.clone().any(|tag| tag == "component") {
        return Vec::new(); // Inside a component only its arguments are known.
    }
    // A part, or a template inside another one, may see what that one has set.
    let is_alone = !file.file_name().starts_with('_') && !tags.any(|tag| tag == "extends");
    let mut scope = Scope { shape, bound: HashMap::new() };
    (0..words.len()).for_each(|index| scope.bind(&words, index));
    let mut faults = Vec::new();
    for index in 0..words.len() {
        let Some(chain) = Chain::at(&words, index) else { continue };
        let found = match scope.walk(&chain) {
            Walk::Unknown(finding) => Some(finding),
            Walk::Nothing if is_alone && is_value(&words, index) => scope.unknown_name(&chain),
            Walk::Nothing | Walk::Found(_) => None,
        };
        faults.extend(found.map(|finding| fault(file, finding)));
    }
    faults
}

/// A name and the fields behind it: `run.root_cause?.summary`.
struct Chain<'a> {
    root: Word<'a>,
    fields: Vec<Word<'a>>,
    /// The index of the word behind it.
    end: usize,
}

impl<'a> Chain<'a> {
    /// Returns the chain that begins at a word.
    fn at(words: &[Word<'a>], index: usize) -> Option<Self> {
        let root = *words.get(index).filter(|word| word.kind == Kind::Name)?;
        if index
            .checked_sub(1)
            .and_then(|before| words.get(before))
            .is_some_and(|word| word.kind == Kind::Dot)
        {
            return None;
        }
        let mut fields = Vec::new();
        let mut end = index + 1;
        while let [dot, field, ..] = words.get(end..).unwrap_or_default()
            && dot.kind == Kind::Dot
            && field.kind == Kind::Name
        {
            fields.push(*field);
            end += 2;
        }
        Some(Self { root, fields, end })
    }

    /// Returns how it is written up to its field of this number.
    fn upto(&self, count: usize) -> String {
        let fields = self.fields.iter().take(count).map(|field| field.text);
        [self.root.text].into_iter().chain(fields).collect::<Vec<_>>().join(".")
    }
}

/// What is wrong at a word.
struct Finding {
    at: usize,
    message: String,
    hint: String,
}

/// Where a chain leads.
enum Walk<'s> {
    /// To this part of the contract.
    Found(&'s Value),
    /// Nowhere: the contract has no such field.
    Unknown(Finding),
    /// Nothing is known of its first name.
    Nothing,
}

/// What names mean in a template.
struct Scope<'s, 'a> {
    shape: &'s Value,
    /// `None` for a name whose meaning is not known.
    bound: HashMap<&'a str, Option<&'s Value>>,
}

impl<'s, 'a> Scope<'s, 'a> {
    /// Notes what the word binds, if it is a `for` or a `set`.
    fn bind(&mut self, words: &[Word<'a>], index: usize) {
        let name = |index: usize| words.get(index).filter(|word| word.kind == Kind::Name);
        let text = |index: usize| words.get(index).map_or("", |word| word.text);
        let begins = index.checked_sub(1).is_some_and(|before| text(before) == "{%");
        match text(index) {
            "for" if text(index + 2) == "in" => {
                let list = self.value(words, index + 3, &["%}", "if", "]"]);
                let item = list.and_then(|list| list.as_array()?.first());
                self.note(name(index + 1), item);
            }
            "for" if text(index + 2) == "," => {
                self.note(name(index + 1), None);
                self.note(name(index + 3), None);
            }
            "set" | "set_global" if begins => {
                let value = (text(index + 2) == "=").then(|| self.value(words, index + 3, &["%}"])).flatten();
                self.note(name(index + 1), value);
            }
            _ => {}
        }
    }

    /// Returns the part of the contract that stands alone at a word, with one of these behind it.
    fn value(&self, words: &[Word<'a>], index: usize, ends: &[&str]) -> Option<&'s Value> {
        let chain = Chain::at(words, index)?;
        let is_alone = words.get(chain.end).is_some_and(|word| ends.contains(&word.text));
        match self.walk(&chain) {
            Walk::Found(value) if is_alone => Some(value),
            Walk::Found(_) | Walk::Unknown(_) | Walk::Nothing => None,
        }
    }

    /// A name that is bound to different things is known as none of them.
    fn note(&mut self, name: Option<&Word<'a>>, value: Option<&'s Value>) {
        let Some(name) = name else { return };
        let known = self.bound.entry(name.text).or_insert(value);
        if *known != value {
            *known = None;
        }
    }

    fn walk(&self, chain: &Chain<'a>) -> Walk<'s> {
        let root = match self.bound.get(chain.root.text) {
            Some(bound) => *bound,
            None => self.shape.get(chain.root.text),
        };
        let Some(mut value) = root else { return Walk::Nothing };
        for (index, field) in chain.fields.iter().enumerate() {
            match value.get(field.text) {
                Some(inner) => value = inner,
                None => return Walk::Unknown(unknown_field(chain, index, field, value)),
            }
        }
        Walk::Found(value)
    }

    /// Finds a name that neither the contract nor the template itself has.
    fn unknown_name(&self, chain: &Chain<'a>) -> Option<Finding> {
        let names = || self.shape.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let name = chain.root.text;
        if self.bound.contains_key(name) || WORDS_OF_THE_ENGINE.contains(&name) {
            return None;
        }
        let hint = match slip(name, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "there are {}, and what the template sets itself",
                names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        Some(Finding { at: chain.root.at, message: format!("there is no `{name}`"), hint })
    }
}

fn unknown_field(chain: &Chain<'_>, index: usize, field: &Word<'_>, value: &Value) -> Finding {
    let (parent, name) = (chain.upto(index), field.text);
    let (message, hint) = match value {
        Value::Object(fields) => {
            let known = || fields.keys().map(String::as_str);
            let all = || known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let hint = nearest(name, known())
                .first()
                .map_or_else(|| format!("there are {}", all()), |meant| format!("did you mean `{meant}`?"));
            (format!("`{parent}` has no field `{name}`"), hint)
        }
        Value::Array(_) => (
            format!("`{parent}` is a list, and has no field `{name}`"),
            format!("go through it, `{{% for item in {parent} %}}`, or take one, `{parent}[0]`"),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            (format!("`{parent}` has no fields"), format!("write `{parent}`"))
        }
    };
    Finding { at: field.at, message, hint }
}

/// What is no name of a value wherever it stands.
// Source: https://keats.github.io/tera/docs/, read 2026-11-25.
const WORDS_OF_THE_ENGINE: [&str; 21] = [
    "and",
    "as",
    "break",
    "continue",
    "elif",
    "else",
    "false",
    "False",
    "for",
    "if",
    "import",
    "in",
    "is",
    "loop",
    "none",
    "None",
    "not",
    "or",
    "true",
    "True",
    "__tera_context",
];

/// Returns whether a name stands for a value that has to be there: it names no tag, filter, test, function, argument
/// or part of a template, and is not asked about.
fn is_value(words: &[Word<'_>], index: usize) -> bool {
    let text = |index: Option<usize>| index.and_then(|index| words.get(index)).map_or("", |word| word.text);
    let (before, after) = (text(index.checked_sub(1)), text(index.checked_add(1)));
    let is_argument = after == "=" && text(index.checked_add(2)) != "=";
    let is_test = before == "is" || (before == "not" && text(index.checked_sub(2)) == "is");
    let is_asked_about = after == "is" || (after == "|" && text(index.checked_add(2)) == "default");
    !["{%", "|", "block", "endblock", "<", "/"].contains(&before)
        && !["(", ":", "?."].contains(&after)
        && !is_argument
        && !is_test
        && !is_asked_about
}

fn fault(file: &TemplateFile, finding: Finding) -> TemplateFault {
    let before = file.source.get(..finding.at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    TemplateFault::new(&file.path, finding.message).at(line, column).with_hint(finding.hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Shapes;
    use crate::render::context::shape;
    use crate::render::family::Family;
    use crate::render::files;
    use crate::render::place::Place;

    fn found_in(name: &str, source: &str) -> Vec<String> {
        let place = Place::User { set: None, kind: None };
        let file = TemplateFile::new(place, name, Family::Markdown, source, name.into());
        let faults = unknown(&file, &shape()).into_iter();
        let number = |number: Option<usize>| number.unwrap_or_default();
        faults
            .map(|fault| {
                let hint = fault.hint.unwrap_or_default();
                format!("{}:{} {} | {hint}", number(fault.line), number(fault.column), fault.message)
            })
            .collect()
    }

    fn found(source: &str) -> Vec<String> {
        found_in("pr_created.md.tera", source)
    }

    #[test]
    fn what_the_engine_takes_for_empty_is_found() {
        for (source, expected) in [
            ("{% if run.nope %}x{% endif %}", "1:11 `run.nope` "),
            (
                "# ü\n {% if run.stte == \"x\" %}x{% endif %}",
                "2:12 `run` has no field `stte` | did you mean `state`?",
            ),
            (
                "{{ run?.solution?.sumary or \"\" }}",
                "1:19 `run.solution` has no field `sumary` | did you mean `summary`?",
            ),
            (
                "{% for x in run.pull_request %}{% endfor %}",
                "1:17 `run` has no field `pull_request` | did you mean `pull_requests`?",
            ),
            (
                "{% for pr in run.pull_requests %}{% if pr.lnk %}x{% endif %}{% endfor %}",
                "1:43 `pr` has no field `lnk` | ",
            ),
            (
                "{% set plan = run.solution %}{% if plan.step %}x{% endif %}",
                "1:41 `plan` has no field `step` | did you mean `steps`?",
            ),
            (
                "{% set open = [pr for pr in run.pull_requests if not pr.fail] %}",
                "1:57 `pr` has no field `fail` | ",
            ),
            (
                "{% if run.changes.files %}x{% endif %}",
                "1:19 `run.changes` is a list, and has no field `files` | go through it",
            ),
            ("{% if event.id.x %}x{% endif %}", "1:16 `event.id` has no fields | write `event.id`"),
            ("{% if evnt %}x{% endif %}", "1:7 there is no `evnt` | did you mean `event`?"),
            (
                "{% if event.known %}{{ nope }}{% endif %}",
                "1:24 there is no `nope` | there are `destination`, ",
            ),
            (
                "{% if event.known and not isue.id %}x{% endif %}",
                "1:27 there is no `isue` | did you mean `issue`?",
            ),
            ("{{ \"a\" ~ run.nope }}", "1:14 `run` has no field `nope` | there are `changes`, "),
            (
                "{% if destination.knd == \"slack\" %}x{% endif %}",
                "1:19 `destination` has no field `knd` | did you mean `kind`?",
            ),
        ] {
            let told = found(source);
            let [one] = told.as_slice() else { panic!("{source}: {told:?}") };
            let expected = expected.replace("`run.nope` ", "`run` has no field `nope`");
            assert!(one.starts_with(&expected), "{source}: {one}");
        }
    }

    #[test]
    fn what_may_well_be_right_is_left_alone() {
        for source in [
            "run.nope {# {{ run.nope }} #}{% raw %}{{ run.nope }}{% endraw %}{{ \"run.nope\" }}",
            "{{ run.pull_requests[0].url }}{{ run.changes[0].files[0].path }}",
            "{% for name, value in run %}{{ name.x }}{% endfor %}",
            "{% for step in run.solution.steps %}{{ loop.index }}{{ step.title }}{% endfor %}",
            "{% set run = f(x=1) %}{{ run.anything }}",
            "{% set x = run.solution %}{% set x = run.root_cause %}{{ x.reasons }}",
            "{% set x %}text{% endset %}{{ x.y }}",
            "{% set steps = run.solution?.steps or [] %}{% for one in steps %}{{ one.x }}{% endfor %}",
            "{% for group in run.pull_requests | group_by(attribute=\"repo\") %}{{ group.x }}{% endfor %}",
            "{{ issue.id | default(value=1) }}{% if issue is events %}x{% endif %}{{ f(runs=1) }}",
            "{% component Card(run) %}{{ run.nope }}{% endcomponent Card %}",
            "{% set my_own = other(x=1) %}{{ my_own.field }}{% for my in [1] %}{{ my }}{% endfor %}",
            "{% if my_own is defined %}x{% endif %}{{ other | default(value=\"x\") }}",
            "{% if not true and event.known or false %}{{ loop }}{% endif %}",
        ] {
            assert_eq!(found(source), [""; 0], "{source}");
        }
        assert_eq!(found_in("_part.md.tera", "{% if events %}x{% endif %}"), [""; 0]);
        assert_eq!(found("{% extends \"_base.md.tera\" %}{% if events %}x{% endif %}"), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_template_is_too_odd_to_be_read(
            source in r#"(\{\{|\}\}|\{%|%\}|\{#|#\}|for |in |set |raw|endraw|run|\.|\?\.|ü|"|'|\[|\]|=|,|-|\n|x| ){0,40}"#,
        ) {
            let _ = found(&source);
            let place = Place::User { set: None, kind: None };
            let file = TemplateFile::new(place, "a.md.tera", Family::Markdown, &source, "a.md.tera".into());
            let _ = crate::render::lint::traps::traps(&file);
        }
    }

    #[test]
    fn the_built_in_templates_use_nothing_else() {
        let shapes = Shapes::new();
        for file in files::built_in() {
            assert_eq!(unknown(&file, shapes.of(&file)), [], "{}", file.name);
        }
    }
}
