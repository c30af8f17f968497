//! The filter `diff`: the first lines of what was changed.

use tera::{Kwargs, TeraResult, Value};

use super::words;

/// Returns so many whole lines of a diff and says how many are missing. Of a list, of files or of repositories, the
/// diffs follow one another, each below its file's name.
pub(super) fn cut(value: &Value, arguments: &Kwargs) -> TeraResult<String> {
    let most = arguments.must_get::<usize>("lines")?;
    let mut text = String::new();
    gather(value, &mut text);
    let lines = text.lines().count();
    if lines <= most {
        return Ok(text);
    }
    let missing = lines - most;
    let shown: String = text.split_inclusive('\n').take(most).collect();
    let noun = if missing == 1 { "line" } else { "lines" };
    Ok(format!("{shown}… and {missing} more {noun}"))
}

fn gather(value: &Value, text: &mut String) {
    if let Some(list) = value.as_array() {
        for part in list {
            gather(part, text);
        }
    } else if let Some(files) = value.get_from_path("files").filter(|_| value.is_map()) {
        gather(files, text);
    } else if value.is_map() {
        let field = |name| value.get_from_path(name).map(words).unwrap_or_default();
        let diff = field("diff");
        if !diff.is_empty() {
            let (head, hunks) = diff.split_at(diff.find("@@").unwrap_or_default());
            let names: Vec<_> = head.lines().filter(|line| is_name(line)).collect();
            let path = Some(field("path")).filter(|path| names.is_empty() && !path.is_empty());
            push_lines(&path.map_or_else(|| names.join("\n"), |path| format!("--- {path}")), text);
            push_lines(hunks, text);
        }
    } else {
        push_lines(&words(value), text);
    }
}

/// Of what stands before the first hunk only the file's names tell a reader something.
fn is_name(line: &str) -> bool {
    line.starts_with("--- ") || line.starts_with("+++ ")
}

fn push_lines(lines: &str, text: &mut String) {
    if !lines.is_empty() {
        text.push_str(lines.trim_end_matches('\n'));
        text.push('\n');
    }
}
