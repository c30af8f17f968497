//! What renders, but hardly as it was meant: tables that a tag splits, captured text and what is always there as a
//! condition, addresses in `<>`.

use std::collections::HashSet;

use super::words::{Kind, Word, words};
use crate::render::family::Family;
use crate::render::fault::TemplateFault;
use crate::render::files::TemplateFile;

/// Filters that see a captured text's token instead of the text.
const BLIND_FILTERS: [&str; 7] = ["capitalize", "length", "lower", "replace", "split", "title", "upper"];

/// Finds the traps of a Markdown template.
pub(in crate::render) fn traps(file: &TemplateFile) -> Vec<TemplateFault> {
    if file.family != Family::Markdown {
        return Vec::new();
    }
    let mut found = split_tables(file);
    found.extend(addresses_in_angles(file));
    found.extend(captured_texts(file));
    found.extend(constant_conditions(file));
    found
}

/// A tag on a line of its own leaves an empty line, and an empty line ends a table.
fn split_tables(file: &TemplateFile) -> Vec<TemplateFault> {
    let is_row = |line: &str| line.trim_start().starts_with('|');
    let is_tag = |line: &str| {
        let line = line.trim();
        line.starts_with("{%") && line.ends_with("%}") && line.matches("%}").count() == 1
    };
    let lines: Vec<&str> = file.source.lines().collect();
    let splits = |index: usize, line: &str| {
        let before = lines.iter().take(index).rev().find(|line| !is_tag(line));
        let opens = ["for ", "if ", "else", "elif "];
        let word = line.trim().trim_start_matches("{%").trim_start();
        is_tag(line)
            && !line.trim().starts_with("{%-")
            && !line.trim().ends_with("-%}")
            && opens.iter().any(|open| word.starts_with(open))
            && before.is_some_and(|line| is_row(line))
            && lines.get(index + 1).is_some_and(|line| is_row(line))
    };
    let split = lines.iter().enumerate().filter(|(index, line)| splits(*index, line));
    split
        .map(|(index, line)| {
            let column = line.chars().take_while(|character| character.is_whitespace()).count() + 1;
            let fault =
                TemplateFault::new(&file.path, "this tag leaves an empty line, which ends the table above");
            fault.at(index + 1, column).with_hint("end it by `-%}`")
        })
        .collect()
}

/// `<{{ value }}>` is text: which of values are addresses is not known when Markdown is read.
fn addresses_in_angles(file: &TemplateFile) -> Vec<TemplateFault> {
    let mut found = Vec::new();
    for (index, line) in file.source.lines().enumerate() {
        for (at, _) in line.match_indices("<{{") {
            let rest = line.get(at + 3..).unwrap_or_default();
            let Some((value, _)) = rest.split_once("}}").filter(|(_, rest)| rest.starts_with('>')) else {
                continue;
            };
            let column = line.get(..at).unwrap_or_default().chars().count() + 1;
            let fault = TemplateFault::new(&file.path, "a value between `<` and `>` is text, and no link");
            let hint = format!("write `[words]({{{{ {} }}}})`", value.trim_matches(['-', ' ']));
            found.push(fault.at(index + 1, column).with_hint(hint));
        }
    }
    found
}

/// What `{% set x %}…{% endset %}` catches is never empty, equals nothing and shows no filter its letters.
fn captured_texts(file: &TemplateFile) -> Vec<TemplateFault> {
    let words = words(&file.source);
    let captured: HashSet<&str> = words.windows(4).filter_map(captured_name).collect();
    let looks = |index: usize, word: &Word<'_>| {
        let text =
            |index: Option<usize>| index.and_then(|index| words.get(index)).map_or("", |word| word.text);
        let (before, after) = (text(index.checked_sub(1)), text(index.checked_add(1)));
        let operator = [after, text(index.checked_add(2))].concat();
        word.kind == Kind::Name
            && captured.contains(word.text)
            && (["if", "elif", "not", "and", "or"].contains(&before)
                || ["and", "or"].contains(&after)
                || ["==", "!="].contains(&operator.as_str())
                || (after == "|" && BLIND_FILTERS.contains(&text(index.checked_add(2)))))
    };
    let blind = words.iter().enumerate().filter(|(index, word)| looks(*index, word));
    blind
        .map(|(_, word)| {
            let name = word.text;
            let message = format!(
                "`{name}` was caught by `{{% set {name} %}}`, so that nothing can be told of its text"
            );
            let before = file.source.get(..word.at).unwrap_or_default();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let fault = TemplateFault::new(&file.path, message).at(before.matches('\n').count() + 1, column);
            fault.with_hint(format!("ask the value itself, or write `{{% set {name} = value %}}`"))
        })
        .collect()
}

/// `issue.project` is an object even where nothing of it is known, so that `if` always takes it for true.
fn constant_conditions(file: &TemplateFile) -> Vec<TemplateFault> {
    let words = words(&file.source);
    let mut found = Vec::new();
    for (index, chain) in words.windows(3).enumerate() {
        let [issue, dot, project] = chain else { continue };
        let text = |index: Option<usize>| index.and_then(|at| words.get(at)).map_or("", |word| word.text);
        let (before, after) = (text(index.checked_sub(1)), words.get(index + 3));
        let goes_on = after.is_some_and(|word| word.kind == Kind::Dot || ["is", "|"].contains(&word.text));
        let is_condition = ["if", "elif", "not", "and", "or"].contains(&before)
            || after.is_some_and(|word| ["and", "or"].contains(&word.text));
        let is_it = issue.text == "issue" && dot.kind == Kind::Dot && project.text == "project";
        if is_it && is_condition && !goes_on {
            let before = file.source.get(..issue.at).unwrap_or_default();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let message = "`issue.project` is always there, so that this is always true";
            let fault = TemplateFault::new(&file.path, message).at(before.matches('\n').count() + 1, column);
            found.push(fault.with_hint("ask for `issue.project.slug`, or write `issue.project is none`"));
        }
    }
    found
}

fn captured_name<'a>(words: &[Word<'a>]) -> Option<&'a str> {
    match words {
        [begin, set, name, end] if begin.text == "{%" && set.text == "set" && end.kind == Kind::End => {
            Some(name.text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::files;
    use crate::render::place::Place;

    fn found(source: &str) -> Vec<String> {
        let place = Place::User { set: None, kind: None };
        let file = TemplateFile::new(place, "a.md.tera", Family::Markdown, source, "a.md.tera".into());
        let number = |number: Option<usize>| number.unwrap_or_default();
        let traps = traps(&file).into_iter();
        traps
            .map(|fault| {
                let hint = fault.hint.unwrap_or_default();
                format!("{}:{} {} | {hint}", number(fault.line), number(fault.column), fault.message)
            })
            .collect()
    }

    #[test]
    fn a_tag_that_splits_a_table_is_found() {
        let split =
            "# T\n\n| | |\n| --- | --- |\n  {% for x in run.repos %}\n| a | {{ x }} |\n{% endfor %}\n";
        assert_eq!(
            found(split),
            ["5:3 this tag leaves an empty line, which ends the table above | end it by `-%}`"]
        );
        for sound in [
            split.replace(" %}\n|", " -%}\n|"),
            split.replace("{% for", "{%- for"),
            "{% if run.repos %}\n| | |\n| --- | --- |\n| a | b |\n{% endif %}\n".to_owned(),
            "# T\n\n{% for x in run.repos %}\n- {{ x }}\n{% endfor %}\n".to_owned(),
        ] {
            assert_eq!(found(&sound), [""; 0], "{sound}");
        }
    }

    #[test]
    fn an_address_in_angles_is_found() {
        assert_eq!(
            found("# T\n\nsee <{{ links.seer }}>\n"),
            ["3:5 a value between `<` and `>` is text, and no link | write `[words]({{ links.seer }})`"]
        );
        assert_eq!(found("a < {{ run.id }} > b, <{{ run.id }} >, <https://x.dev>"), [""; 0]);
    }

    #[test]
    fn a_captured_text_that_is_looked_into_is_found() {
        let set = "{% set x %}{{ run.id }}{% endset %}";
        for look in [
            "{% if x %}a{% endif %}",
            "{% if not x %}a{% endif %}",
            "{{ x | upper }}",
            "{% if x == \"\" %}a{% endif %}",
            "{{ x or \"b\" }}",
        ] {
            let told = found(&format!("{set}{look}"));
            assert_eq!(told.len(), 1, "{look}: {told:?}");
            assert!(told[0].ends_with("write `{% set x = value %}`"), "{told:?}");
        }
        for fine in ["{{ x }}", "{{ x ~ \"b\" }}", "{{ x | markdown }}", "{% if y %}{{ x }}{% endif %}"] {
            assert_eq!(found(&format!("{set}{fine}")), [""; 0], "{fine}");
        }
        assert_eq!(found("{% set x = run.id %}{% if x %}{{ x | upper }}{% endif %}"), [""; 0]);
    }

    #[test]
    fn a_condition_that_is_always_true_is_found() {
        for condition in ["if issue.project", "if not issue.project", "if run.id and issue.project"] {
            let told = found(&format!("{{% {condition} %}}a{{% endif %}}"));
            assert_eq!(told.len(), 1, "{condition}: {told:?}");
            assert!(told[0].contains("always true | ask for `issue.project.slug`"), "{told:?}");
        }
        for fine in ["if issue.project.slug", "if issue.project is none", "if issue.title", "if project"] {
            assert_eq!(found(&format!("{{% {fine} %}}a{{% endif %}}")), [""; 0], "{fine}");
        }
        assert_eq!(found("{{ issue.project.slug or issue.project.name }}"), [""; 0]);
    }

    #[test]
    fn the_built_in_templates_fall_into_none() {
        for file in files::built_in() {
            assert_eq!(traps(&file), [], "{}", file.name);
        }
    }
}
