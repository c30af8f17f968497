//! Unified diffs: cut into files and counted.
//!
//! Reads what `git diff` and `diff -u` write, and whatever else is called a diff without losing a line of it.

use std::iter::Peekable;
use std::str::SplitInclusive;

use crate::event::{ChangeKind, FileChange};

/// What stands in the place of a path where there is no file.
const NO_FILE: &str = "/dev/null";

/// Cuts a diff into its files; together their diffs are the whole text.
pub(super) fn split(diff: &str) -> Vec<FileChange> {
    sections(diff).iter().map(Section::file_change).collect()
}

/// Cuts a diff into the parts that speak of one file each.
fn sections(diff: &str) -> Vec<Section<'_>> {
    let mut reader = Reader { diff, sections: Vec::new(), current: Section::default() };
    let mut lines = diff.split_inclusive('\n').peekable();
    let mut position = 0;
    while let Some(line) = lines.next() {
        reader.read_line(position, line.trim_end_matches(['\n', '\r']), &mut lines);
        position += line.len();
    }
    reader.close(diff.len());
    reader.sections
}

struct Reader<'diff> {
    diff: &'diff str,
    sections: Vec<Section<'diff>>,
    current: Section<'diff>,
}

impl<'diff> Reader<'diff> {
    fn read_line(
        &mut self,
        position: usize,
        line: &'diff str,
        next: &mut Peekable<SplitInclusive<'diff, char>>,
    ) {
        if self.current.read_hunk_line(line) {
            return;
        }
        if let Some(paths) = line.strip_prefix("diff --git ") {
            self.open(position);
            self.current.git_paths = Some(paths);
        } else if line.starts_with("--- ") && next.peek().is_some_and(|next| next.starts_with("+++ ")) {
            if self.current.old.is_some() || self.current.has_lines() {
                self.open(position);
            }
            self.current.old = line.get(4..);
        } else if line.starts_with("+++ ") && self.current.old.is_some() && self.current.new.is_none() {
            self.current.new = line.get(4..);
        } else if line.starts_with("@@ ") {
            self.current.open_hunk(line);
        } else {
            self.current.read_header_line(line);
        }
    }

    /// Begins a section here, unless all before was blank or a preamble, which belongs to the first file.
    fn open(&mut self, position: usize) {
        if self.current.speaks_of_a_file() {
            self.close(position);
        }
    }

    fn close(&mut self, position: usize) {
        let start = self.current.start;
        let mut section =
            std::mem::replace(&mut self.current, Section { start: position, ..Section::default() });
        section.text = self.diff.get(start..position).unwrap_or_default();
        if !section.text.trim().is_empty() {
            self.sections.push(section);
        }
    }
}

/// The part of a diff that speaks of one file.
#[derive(Default)]
struct Section<'diff> {
    start: usize,
    text: &'diff str,
    git_paths: Option<&'diff str>,
    old: Option<&'diff str>,
    new: Option<&'diff str>,
    moved_to: Option<&'diff str>,
    kind: Option<ChangeKind>,
    old_lines_left: u64,
    new_lines_left: u64,
    added: u64,
    removed: u64,
}

impl<'diff> Section<'diff> {
    fn has_lines(&self) -> bool {
        self.added > 0 || self.removed > 0
    }

    fn speaks_of_a_file(&self) -> bool {
        self.git_paths.is_some() || self.old.is_some() || self.has_lines()
    }

    /// Takes a line of the hunk that its head promised; in there `--- x` is a removed line and no head.
    fn read_hunk_line(&mut self, line: &str) -> bool {
        if self.old_lines_left == 0 && self.new_lines_left == 0 {
            return false;
        }
        match line.as_bytes().first() {
            Some(b'+') => self.added += 1,
            Some(b'-') => self.removed += 1,
            Some(b' ' | b'\\') | None => {}
            Some(_) => {
                (self.old_lines_left, self.new_lines_left) = (0, 0);
                return false;
            }
        }
        if !line.starts_with(['+', '\\']) {
            self.old_lines_left = self.old_lines_left.saturating_sub(1);
        }
        if !line.starts_with(['-', '\\']) {
            self.new_lines_left = self.new_lines_left.saturating_sub(1);
        }
        true
    }

    /// Reads `@@ -1,2 +3,4 @@`.
    fn open_hunk(&mut self, line: &str) {
        let lines_of = |range: &str| match range.split_once(',') {
            Some((_, lines)) => lines.parse().unwrap_or(0),
            None => 1,
        };
        let mut ranges = line.split(' ').skip(1);
        let old = ranges.next().and_then(|range| range.strip_prefix('-'));
        let new = ranges.next().and_then(|range| range.strip_prefix('+'));
        self.old_lines_left = old.map_or(0, lines_of);
        self.new_lines_left = new.map_or(0, lines_of);
    }

    /// Reads a line outside of hunks: one of git's heads, or a changed line of a hunk that promised too little.
    fn read_header_line(&mut self, line: &'diff str) {
        if line.starts_with("new file mode ") {
            self.kind = Some(ChangeKind::Added);
        } else if line.starts_with("deleted file mode ") {
            self.kind = Some(ChangeKind::Deleted);
        } else if let Some(path) = line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to ")) {
            self.moved_to = Some(path);
        } else if line.starts_with('+') {
            self.added += 1;
        } else if line.starts_with('-') {
            self.removed += 1;
        }
    }

    fn file_change(&self) -> FileChange {
        FileChange {
            path: self.path(),
            kind: self.kind(),
            added: self.added,
            removed: self.removed,
            diff: Some(self.text.to_owned()),
        }
    }

    fn kind(&self) -> Option<ChangeKind> {
        if self.kind.is_some() {
            return self.kind;
        }
        match (self.old.map(header_path), self.new.map(header_path)) {
            (Some(old), _) if old == NO_FILE => Some(ChangeKind::Added),
            (_, Some(new)) if new == NO_FILE => Some(ChangeKind::Deleted),
            (Some(_), Some(_)) => Some(ChangeKind::Modified),
            (Some(_), None) | (None, Some(_)) => None,
            (None, None) => self.git_paths.map(|_| ChangeKind::Modified),
        }
    }

    fn path(&self) -> Option<String> {
        let old = self.old.map(header_path);
        let new = self.new.map(header_path);
        let is_prefixed = |path: Option<&String>, prefix: &str| {
            path.is_none_or(|path| path == NO_FILE || path.starts_with(prefix))
        };
        let prefixed = is_prefixed(old.as_ref(), "a/") && is_prefixed(new.as_ref(), "b/");
        let strip = |path: String, prefix: &str| match path.strip_prefix(prefix) {
            Some(bare) if prefixed => bare.to_owned(),
            Some(_) | None => path,
        };
        let new = new.filter(|path| path != NO_FILE).map(|path| strip(path, "b/"));
        let old = old.filter(|path| path != NO_FILE).map(|path| strip(path, "a/"));
        let path =
            new.or(old).or_else(|| self.moved_to.map(header_path)).or_else(|| self.git_paths.map(git_path));
        path.map(|path| path.chars().filter(|character| !character.is_control()).collect::<String>())
            .filter(|path| !path.is_empty())
    }
}

/// Reads the path of a `---`, `+++` or `rename to` line: without a time behind it, unquoted.
fn header_path(text: &str) -> String {
    match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted),
        None => text.split('\t').next().unwrap_or_default().trim_end().to_owned(),
    }
}

/// Reads the path of `diff --git a/x b/x`, where nothing else names it.
fn git_path(paths: &str) -> String {
    if let Some((_, quoted)) = paths.rsplit_once(" \"b/") {
        return unquote(quoted);
    }
    let splits = || paths.match_indices(" b/").map(|(at, separator)| (at, at + separator.len()));
    let halves =
        |(at, behind): (usize, usize)| Some((paths.get(..at)?.strip_prefix("a/")?, paths.get(behind..)?));
    let same = splits().filter_map(halves).find(|(old, new)| old == new);
    same.or_else(|| splits().filter_map(halves).last()).map_or(paths, |(_, new)| new).to_owned()
}

/// Undoes git's quoting, from behind the opening quote to the closing one: `\"`, `\\`, `\t`, octal bytes.
fn unquote(quoted: &str) -> String {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(digit @ b'0'..=b'3') => {
                    let mut code = digit - b'0';
                    for _ in 0..2 {
                        if let Some(digit) = rest.next_if(|next| matches!(next, b'0'..=b'7')) {
                            code = code.wrapping_mul(8).wrapping_add(digit - b'0');
                        }
                    }
                    bytes.push(code);
                }
                Some(b't') => bytes.push(b'\t'),
                Some(b'n') => bytes.push(b'\n'),
                Some(other) => bytes.push(other),
                None => {}
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO_FILES: &str = "\
diff --git a/app/totals.py b/app/totals.py
index 3f1c2aa..9b0d1e4 100644
--- a/app/totals.py
+++ b/app/totals.py
@@ -1,3 +1,4 @@ def cart_total
 a
--- a comment in SQL
+++ a counter
+c
 d
diff --git a/tests/test_totals.py b/tests/test_totals.py
new file mode 100644
--- /dev/null
+++ b/tests/test_totals.py
@@ -0,0 +1,2 @@
+x
+y
";

    fn summary(diff: &str) -> Vec<(Option<String>, Option<ChangeKind>, u64, u64)> {
        split(diff).into_iter().map(|file| (file.path, file.kind, file.added, file.removed)).collect()
    }

    fn one(
        path: &str,
        kind: ChangeKind,
        added: u64,
        removed: u64,
    ) -> (Option<String>, Option<ChangeKind>, u64, u64) {
        (Some(path.to_owned()), Some(kind), added, removed)
    }

    #[test]
    fn a_git_diff_is_cut_into_its_files_and_counted() {
        let expected = [
            one("app/totals.py", ChangeKind::Modified, 2, 1),
            one("tests/test_totals.py", ChangeKind::Added, 2, 0),
        ];
        assert_eq!(summary(TWO_FILES), expected);
        let diffs: Vec<String> = split(TWO_FILES).into_iter().filter_map(|file| file.diff).collect();
        assert!(diffs[1].starts_with("diff --git a/tests/"));
        assert_eq!(diffs.concat(), TWO_FILES);
    }

    #[test]
    fn a_plain_diff_is_cut_at_its_heads() {
        let diff = "--- a/x.py\t2026-11-24 10:00\r\n+++ b/x.py\t2026-11-24 10:01\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n\\ No \
                    newline at end of file\n--- a/y.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n--- old/z\n+++ old/z\n\
                    @@ -0,0 +1 @@\n+a";
        let expected = [
            one("x.py", ChangeKind::Modified, 1, 1),
            one("y.py", ChangeKind::Deleted, 0, 2),
            one("old/z", ChangeKind::Modified, 1, 0),
        ];
        assert_eq!(summary(diff), expected);
    }

    #[test]
    fn a_diff_without_lines_still_names_its_file() {
        let diff = "diff --git a/old name b/new name\nsimilarity index 100%\nrename from old name\nrename to new name\n\
                    diff --git a/x b/y b/x b/y\nold mode 100644\nnew mode 100755\n\
                    diff --git a/i.png b/i.png\ndeleted file mode 100644\nBinary files a/i.png and /dev/null differ\n";
        let expected = [
            one("new name", ChangeKind::Modified, 0, 0),
            one("x b/y", ChangeKind::Modified, 0, 0),
            one("i.png", ChangeKind::Deleted, 0, 0),
        ];
        assert_eq!(summary(diff), expected);
    }

    #[test]
    fn a_quoted_path_is_unquoted() {
        let diff = "diff --git \"a/Caf\\303\\251 \\\"1\\\".py\" \"b/Caf\\303\\251 \\\"1\\\".py\"\nnew file mode 100644\n";
        assert_eq!(summary(diff), [one("Café \"1\".py", ChangeKind::Added, 0, 0)]);
        let diff = "--- /dev/null\n+++ \"b/Caf\\303\\251.py\"\n@@ -0,0 +1 @@\n+a\n";
        assert_eq!(summary(diff), [one("Café.py", ChangeKind::Added, 1, 0)]);
    }

    #[test]
    fn what_only_is_called_a_diff_is_kept_whole() {
        assert_eq!(summary("<the diff as a string>"), [(None, None, 0, 0)]);
        assert_eq!(summary("+a\n-b\n c\n"), [(None, None, 1, 1)]);
        assert_eq!(split(" \n"), []);
        let preamble = format!("Guard the discount\n\n{TWO_FILES}");
        assert!(split(&preamble)[0].diff.as_ref().unwrap().starts_with("Guard"));
        assert_eq!(summary(&preamble), summary(TWO_FILES));
    }

    #[test]
    fn a_hunk_that_promises_too_little_or_too_much_loses_no_line() {
        let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n context\n-d\n@@ -1,99 +1,99 @@\n+e\n\
                    diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ nonsense @@\n+f\n";
        assert_eq!(
            summary(diff),
            [one("x", ChangeKind::Modified, 3, 2), one("y", ChangeKind::Modified, 1, 0)]
        );
    }

    proptest! {
        #[test]
        fn no_text_is_lost(
            diff in "(diff --git a/x b/x\n|--- a/x\n|\\+\\+\\+ b/x\n|@@ -1,2 \\+1 @@\n|\\+é\n|-b\r\n| c\n|\n|x){0,30}"
        ) {
            let whole: String = split(&diff).into_iter().filter_map(|file| file.diff).collect();
            prop_assert!(whole == diff || diff.trim_end().trim_start() == whole.trim());
        }
    }
}
