//! The code that Seer wrote: each repository, each file, each line with its sign.

use serde::Serialize;

use crate::event::{ChangeKind, FileChange, RepositoryChange};
use crate::http::pages::prose;

/// How many lines of diff are drawn over all files.
const MOST_LINES: usize = 3_000;
/// How long a line is at most, in characters.
const LONGEST_LINE: usize = 2_000;
/// A file of no more lines is open at first.
const FEW_LINES: usize = 60;
/// How many files are listed.
const MOST_FILES: usize = 300;

#[derive(Debug, Serialize)]
pub(super) struct Changes {
    repositories: Vec<RepositoryView>,
    added: u64,
    removed: u64,
    files: usize,
    more_files: usize,
}

#[derive(Debug, Serialize)]
struct RepositoryView {
    repo: Option<String>,
    title_html: Option<String>,
    description_html: Option<String>,
    branch: Option<String>,
    added: u64,
    removed: u64,
    files: Vec<FileView>,
}

#[derive(Debug, Serialize)]
struct FileView {
    path: String,
    kind: &'static str,
    added: u64,
    removed: u64,
    lines: Vec<Line>,
    left_out: usize,
    is_open: bool,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Line {
    /// `add`, `remove`, `hunk` or `same`.
    look: &'static str,
    text: String,
}

impl Changes {
    /// Draws them, the first lines of all where they are very many.
    pub(super) fn of(changes: &[RepositoryChange]) -> Self {
        let (mut room, mut files_room) = (MOST_LINES, MOST_FILES);
        let files = changes.iter().map(|change| change.files.len()).sum();
        let mut repositories = Vec::new();
        for change in changes {
            let shown = change.files.iter().take(files_room);
            let views: Vec<FileView> = shown.map(|file| FileView::of(file, &mut room)).collect();
            files_room -= views.len();
            repositories.push(RepositoryView {
                repo: change.repo.clone(),
                title_html: change.title.as_deref().map(prose::line),
                description_html: change.description.as_deref().map(prose::html),
                branch: change.branch.clone(),
                added: change.added,
                removed: change.removed,
                files: views,
            });
        }
        Self {
            repositories,
            added: changes.iter().map(|change| change.added).sum(),
            removed: changes.iter().map(|change| change.removed).sum(),
            files,
            more_files: files.saturating_sub(MOST_FILES),
        }
    }
}

impl FileView {
    fn of(file: &FileChange, room: &mut usize) -> Self {
        let diff = file.diff.as_deref().unwrap_or_default();
        let lines: Vec<Line> = diff.lines().take(*room).map(Line::of).collect();
        *room -= lines.len();
        Self {
            path: file.path.clone().unwrap_or_else(|| "unknown file".to_owned()),
            kind: match file.kind {
                Some(ChangeKind::Added) => "new",
                Some(ChangeKind::Deleted) => "deleted",
                Some(ChangeKind::Modified) | None => "",
            },
            added: file.added,
            removed: file.removed,
            left_out: diff.lines().count() - lines.len(),
            is_open: lines.len() <= FEW_LINES,
            lines,
        }
    }
}

impl Line {
    fn of(line: &str) -> Self {
        let is_head = line.starts_with("+++ ") || line.starts_with("--- ");
        let look = match line.chars().next() {
            _ if is_head => "hunk",
            Some('+') => "add",
            Some('-') => "remove",
            Some('@') => "hunk",
            Some(_) | None => "same",
        };
        let mut text: String = line.chars().take(LONGEST_LINE).collect();
        if text.len() < line.len() {
            text.push('…');
        }
        Self { look, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(lines: usize) -> RepositoryChange {
        let diff = "@@ -1 +1 @@\n".to_owned() + &"+x\n".repeat(lines.saturating_sub(1));
        let file = FileChange { diff: Some(diff), ..FileChange::default() };
        RepositoryChange { files: vec![file], ..RepositoryChange::default() }
    }

    #[test]
    fn lines_are_told_apart_by_their_signs() {
        let looks = ["--- a", "+++ b", "@@ -1 +1 @@", "-a", "+b", " c", ""].map(|line| Line::of(line).look);
        assert_eq!(looks, ["hunk", "hunk", "hunk", "remove", "add", "same", "same"]);
    }

    #[test]
    fn of_very_many_lines_the_first_are_drawn_and_the_rest_counted() {
        let changes = Changes::of(&[change(MOST_LINES - 10), change(50)]);
        let file = &changes.repositories[1].files[0];
        assert_eq!((file.lines.len(), file.left_out), (10, 40));
    }
}
