//! Traps that the template engine walks into silently, found in a template's text.

pub(super) mod fields;
pub(super) mod traps;
mod words;

use super::family::Family;
use super::fault::TemplateFault;
use super::files::TemplateFile;

/// Finds comparisons with `none` in a Markdown template: there null is empty text, so they are never true.
pub(super) fn comparisons_with_none(file: &TemplateFile) -> Vec<TemplateFault> {
    if file.family != Family::Markdown {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (index, line) in file.source.lines().enumerate() {
        for (at, _) in line.match_indices("none") {
            let (before, rest) = line.split_at(at);
            let operator = before.trim_end();
            let ends_word = !rest.get(4..).unwrap_or_default().starts_with(is_name);
            let is_code =
                before.rfind("{{").max(before.rfind("{%")) > before.rfind("}}").max(before.rfind("%}"));
            let mended = if operator.ends_with("==") { "is none" } else { "is not none" };
            if is_code && ends_word && (operator.ends_with("==") || operator.ends_with("!=")) {
                let column = before.chars().count() + 1;
                let fault =
                    TemplateFault::new(&file.path, "nothing equals `none`, for null is empty text here");
                faults.push(fault.at(index + 1, column).with_hint(format!("write `{mended}`")));
            }
        }
    }
    faults
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
