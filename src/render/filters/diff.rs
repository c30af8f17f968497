//! The filter `diff`: the first hunks of what was changed.

mod patch;

use tera::{Kwargs, TeraResult, Value};

use self::patch::File;
use super::arguments::{self, given};
use super::words;

/// Returns so many lines of diff at most, hunk by hunk, and says how many lines and files are missing. Of a list, of
/// files or of repositories, the diffs follow one another, each below its file's name, and below its repository's
/// where there are several.
pub(super) fn cut(value: &Value, arguments: &Kwargs) -> TeraResult<String> {
    let most = given("diff", "lines", arguments::count("diff", "lines", arguments)?)?;
    let mut diffs = Vec::new();
    gather(value, "", &mut diffs);
    diffs.retain(|diff| !diff.text.is_empty());
    let first = diffs.first().map(|diff| diff.repo.clone()).unwrap_or_default();
    let is_one_repo = diffs.iter().all(|diff| diff.repo == first);
    let mut files = Vec::new();
    let mut repo = "";
    for diff in &diffs {
        let at = files.len();
        files.extend(File::read(&diff.text, &diff.path, diff.is_file));
        if let Some(file) = files.get_mut(at).filter(|_| !is_one_repo && diff.repo != repo) {
            file.head.insert_str(0, &format!("=== {}\n", diff.repo));
            repo = &diff.repo;
        }
    }
    Ok(show(&files, most))
}

/// A diff, and what is known of where it belongs.
struct Diff {
    repo: String,
    path: String,
    text: String,
    /// Whether it is one file's.
    is_file: bool,
}

fn gather(value: &Value, repo: &str, diffs: &mut Vec<Diff>) {
    let field = |name| value.get_from_path(name).map(words).unwrap_or_default();
    let diff = |path, text, is_file| Diff { repo: repo.to_owned(), path, text, is_file };
    if let Some(list) = value.as_array() {
        for part in list {
            gather(part, repo, diffs);
        }
    } else if let Some(files) = value.get_from_path("files").filter(|_| value.is_map()) {
        let repo = field("repo");
        gather(files, if repo.is_empty() { "another repository" } else { &repo }, diffs);
    } else if value.is_map() {
        diffs.push(diff(field("path"), field("diff"), true));
    } else {
        diffs.push(diff(String::new(), words(value), false));
    }
}

/// Shows whole hunks while they fit. Of the very first, where it does not, as much as fits.
fn show(files: &[File<'_>], most: usize) -> String {
    let mut shown = String::new();
    let mut left = most;
    let mut files_left = files.len();
    for file in files {
        let (taken, is_whole) = file.take(left, left == most, &mut shown);
        left -= taken;
        if !is_whole {
            break;
        }
        files_left -= 1;
    }
    let total: usize = files.iter().map(File::length).sum();
    let missing = (total + left).saturating_sub(most);
    if missing > 0 {
        let plural = |number| if number == 1 { "" } else { "s" };
        let in_files = match files.len() {
            0 | 1 => String::new(),
            _ => format!(" in {files_left} file{}", plural(files_left)),
        };
        return format!("{shown}… and {missing} more line{}{in_files}", plural(missing));
    }
    shown
}
