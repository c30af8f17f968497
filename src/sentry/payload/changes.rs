//! Code changes: `code_changes`, files by repository (present), and `changes`, one diff per repository (documented).
//!
//! Either name with either form is read, so that a payload between the two shapes loses nothing.

use serde_json::{Map, Value};

use super::super::reading::{name, text, whole_number};
use super::diff;
use crate::event::{ChangeKind, FileChange, RepositoryChange};

/// Fields that tell an item from a map of repositories.
const ITEM_FIELDS: [&str; 4] = ["repo_name", "diff", "path", "file_path"];

/// Reads the code of an event, one entry per repository; `None` where the event says nothing of code.
pub(super) fn read(data: &Map<String, Value>) -> Option<Vec<RepositoryChange>> {
    let present = data.get("code_changes").and_then(repositories);
    match present {
        Some(changes) if !changes.is_empty() => Some(changes),
        Some(_) | None => data.get("changes").and_then(repositories).or(present),
    }
}

fn repositories(value: &Value) -> Option<Vec<RepositoryChange>> {
    let mut changes = Vec::new();
    match value {
        Value::Object(fields) if is_item(fields) => add_item(&mut changes, None, value),
        Value::Object(by_repository) => {
            let mut by_repository: Vec<_> = by_repository.iter().collect();
            by_repository.sort_unstable_by_key(|(repo, _)| *repo);
            for (repo, files) in by_repository {
                let repo = name(Some(&Value::String(repo.clone())));
                entry(&mut changes, repo.clone());
                let files = files.as_array().map_or(std::slice::from_ref(files), Vec::as_slice);
                for file in files {
                    add_item(&mut changes, repo.clone(), file);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_item(&mut changes, None, item)),
        Value::String(_) => add_item(&mut changes, None, value),
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    }
    Some(changes)
}

fn is_item(fields: &Map<String, Value>) -> bool {
    ITEM_FIELDS.iter().any(|name| fields.get(*name).is_some_and(Value::is_string))
}

/// Finds the entry of a repository, or makes one.
fn entry(changes: &mut Vec<RepositoryChange>, repo: Option<String>) -> &mut RepositoryChange {
    let index = changes.iter().position(|change| change.repo == repo).unwrap_or_else(|| {
        changes.push(RepositoryChange { repo, ..RepositoryChange::default() });
        changes.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "the index is one that was just found or pushed")]
    &mut changes[index]
}

/// Adds an item: an object that tells of a file or of a whole repository, or a bare diff.
fn add_item(changes: &mut Vec<RepositoryChange>, repo: Option<String>, item: &Value) {
    let (change, files) = match item {
        Value::Object(fields) => {
            let repo = repo.or_else(|| name(fields.get("repo_name")));
            let change = entry(changes, repo);
            change.title = change.title.take().or_else(|| text(fields.get("title")));
            change.description = change.description.take().or_else(|| text(fields.get("description")));
            change.branch = change.branch.take().or_else(|| name(fields.get("branch_name")));
            (change, files_of(fields))
        }
        Value::String(_) => {
            let files = text(Some(item)).map(|diff| diff::split(&diff)).unwrap_or_default();
            (entry(changes, repo), files)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return,
    };
    for file in files {
        change.added = change.added.saturating_add(file.added);
        change.removed = change.removed.saturating_add(file.removed);
        change.files.push(file);
    }
}

/// Reads the files of an item. What Sentry says of a file stands; what it leaves out is told from the diff.
fn files_of(fields: &Map<String, Value>) -> Vec<FileChange> {
    let path = name(fields.get("path")).or_else(|| name(fields.get("file_path")));
    let kind = kind(fields.get("type"));
    let added = whole_number(fields.get("added"));
    let removed = whole_number(fields.get("removed"));
    let diff = text(fields.get("diff"));
    let told_all = path.is_some() && kind.is_some() && added.is_some() && removed.is_some();
    let mut files = match &diff {
        Some(diff) if !told_all => diff::split(diff),
        Some(_) | None => Vec::new(),
    };
    let one_file = path.is_some() || files.len() <= 1;
    if !one_file {
        return files;
    }
    if path.is_none() && kind.is_none() && added.is_none() && removed.is_none() && diff.is_none() {
        return Vec::new();
    }
    let told = files.drain(..).reduce(|whole, part| FileChange {
        added: whole.added.saturating_add(part.added),
        removed: whole.removed.saturating_add(part.removed),
        ..whole
    });
    let told = told.unwrap_or_default();
    vec![FileChange {
        path: path.or(told.path),
        kind: kind.or(told.kind),
        added: added.unwrap_or(told.added),
        removed: removed.unwrap_or(told.removed),
        diff,
    }]
}

/// Reads Sentry's letter for what happened to a file, or the word.
fn kind(value: Option<&Value>) -> Option<ChangeKind> {
    match value?.as_str()? {
        "A" | "a" | "added" => Some(ChangeKind::Added),
        "M" | "m" | "modified" => Some(ChangeKind::Modified),
        "D" | "d" | "deleted" | "removed" => Some(ChangeKind::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(data: &Value) -> Vec<RepositoryChange> {
        read(data.as_object().unwrap()).unwrap()
    }

    #[test]
    fn the_present_shape_is_read_file_by_file() {
        let data = json!({"code_changes": {"acme/web": [], "acme/api": [
            {"diff": "@@ -1 +1,2 @@\n a\n+b", "path": "a.py", "type": "M", "added": 1, "removed": 0},
            {"path": "b.py", "type": "A", "added": 5, "removed": 0},
            {"path": "c.py", "type": "D", "added": 0, "removed": 7, "diff": ""}
        ]}});
        let read = changes(&data);
        assert_eq!(
            read.iter().map(|change| change.repo.as_deref()).collect::<Vec<_>>(),
            [Some("acme/api"), Some("acme/web")]
        );
        assert_eq!((read[0].added, read[0].removed), (6, 7));
        let kinds: Vec<_> = read[0].files.iter().map(|file| file.kind).collect();
        assert_eq!(kinds, [Some(ChangeKind::Modified), Some(ChangeKind::Added), Some(ChangeKind::Deleted)]);
        assert_eq!(read[0].files[0].diff.as_deref(), Some("@@ -1 +1,2 @@\n a\n+b"));
        assert_eq!(read[0].files[2].diff, None);
        assert!(read[1].files.is_empty());
    }

    #[test]
    fn what_the_present_shape_leaves_out_is_told_from_the_diff() {
        let diff = "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+a\n+b\n";
        let read =
            changes(&json!({"code_changes": {"acme/api": [{"diff": diff}, {"diff": diff, "path": "x.py"}]}}));
        assert_eq!(read[0].files[0].path.as_deref(), Some("a.py"));
        assert_eq!(read[0].files[1].path.as_deref(), Some("x.py"));
        for file in &read[0].files {
            assert_eq!((file.kind, file.added, file.removed), (Some(ChangeKind::Added), 2, 0));
        }
        assert_eq!(read[0].added, 4);
    }

    #[test]
    fn the_documented_shape_is_read_and_its_diff_cut_into_files() {
        let diff = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n\
                    diff --git a/b.py b/b.py\nnew file mode 100644\n--- /dev/null\n+++ b/b.py\n@@ -0,0 +1 @@\n+a\n";
        let data = json!({"changes": [
            {"repo_name": "my-app", "repo_external_id": "12345", "title": "fix: it", "description": "It is fixed",
             "diff": diff, "branch_name": "seer/fix"},
            {"repo_name": "other", "title": "", "description": null, "diff": "<the diff as a string>"}
        ]});
        let read = changes(&data);
        assert_eq!(read[0].title.as_deref(), Some("fix: it"));
        assert_eq!(read[0].description.as_deref(), Some("It is fixed"));
        assert_eq!(read[0].branch.as_deref(), Some("seer/fix"));
        assert_eq!((read[0].added, read[0].removed), (2, 1));
        assert_eq!(read[0].files.len(), 2);
        assert_eq!(read[1].title, None);
        assert_eq!(read[1].files[0].diff.as_deref(), Some("<the diff as a string>"));
        assert_eq!(read[1].files[0].path, None);
    }

    #[test]
    fn a_repository_that_is_named_twice_is_one() {
        let data = json!({"changes": [
            {"repo_name": "a", "title": "one", "diff": "+x"}, {"repo_name": "a", "title": "two", "diff": "+y"}
        ]});
        let read = changes(&data);
        assert_eq!((read.len(), read[0].files.len(), read[0].added), (1, 2, 2));
        assert_eq!(read[0].title.as_deref(), Some("one"));
    }

    #[test]
    fn either_name_is_read_in_either_form() {
        let file = json!({"path": "a.py", "type": "M", "added": 1, "removed": 2, "diff": "x"});
        let mut listed = file.clone();
        listed["repo_name"] = json!("acme/api");
        let expected = changes(&json!({"code_changes": {"acme/api": [file.clone()]}}));
        for data in [
            json!({"changes": {"acme/api": [file.clone()]}}),
            json!({"changes": {"acme/api": file}}),
            json!({"code_changes": [listed.clone()]}),
            json!({"code_changes": listed.clone()}),
            json!({"code_changes": {}, "changes": [listed.clone()]}),
            json!({"code_changes": null, "changes": [listed, null, 5, []]}),
        ] {
            assert_eq!(changes(&data), expected, "{data}");
        }
        assert_eq!(changes(&json!({"changes": {"acme/api": "+a"}}))[0].added, 1);
    }

    #[test]
    fn an_event_without_code_says_so_and_one_that_does_not_speak_of_code_says_nothing() {
        assert_eq!(read(json!({"code_changes": {}}).as_object().unwrap()), Some(Vec::new()));
        assert_eq!(read(json!({"changes": []}).as_object().unwrap()), Some(Vec::new()));
        for data in [json!({}), json!({"changes": null}), json!({"code_changes": 5})] {
            assert_eq!(read(data.as_object().unwrap()), None);
        }
    }

    #[test]
    fn counts_beyond_all_measure_do_not_overflow() {
        let file = json!({"path": "a", "added": u64::MAX});
        assert_eq!(changes(&json!({"code_changes": {"a": [file.clone(), file]}}))[0].added, u64::MAX);
    }
}
