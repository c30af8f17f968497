//! The words by which a run is found, and those that a person looks for.

use rusqlite::{Connection, OptionalExtension};

use crate::event::{GroupId, RunId, SentryRunId};
use crate::issue::Issue;
use crate::run::{Outline, Run};

/// How many bytes of words a run is found by at most.
const WORDS_BYTES: usize = 4 * 1024;
/// How many words are searched for at once at most.
const MOST_WORDS: usize = 20;
/// Instead of a beginning, so many words are asked for at most.
const MOST_COMPLETIONS: usize = 8;

/// Returns the words that a run is found by, the most telling ones first.
pub(super) fn words_of(run: &Run, outline: &Outline, issue: Option<&Issue>) -> String {
    let of_issue = issue.into_iter().flat_map(|issue| {
        let project = issue.project.as_ref().and_then(|project| project.slug.as_deref());
        [issue.short_id.as_deref(), issue.title.as_deref(), issue.culprit.as_deref(), project]
    });
    let ids = [
        outline.run_id.as_ref().map(RunId::as_str),
        outline.sentry_run_id.as_ref().map(SentryRunId::as_str),
        outline.group_id.as_ref().map(GroupId::as_str),
        // What people call a run without either.
        Some(outline.first_event.as_str())
            .filter(|_| outline.run_id.is_none() && outline.sentry_run_id.is_none()),
    ];
    let pull_requests = outline.pull_requests.iter().map(|each| each.url.as_deref());
    let cause = run.root_cause.as_ref().and_then(|cause| cause.summary.as_deref());
    let plan = run.solution.as_ref().and_then(|solution| solution.summary.as_deref());
    let texts = of_issue.chain(ids).chain(outline.repos.iter().map(|repo| Some(repo.as_str())));
    let texts = texts.chain(pull_requests).chain([cause, plan]);
    let mut words = String::new();
    for text in texts.flatten().chain(run.paths()) {
        for word in parted(text) {
            if words.len() + word.len() >= WORDS_BYTES {
                return words;
            }
            words.push_str(word);
            words.push(' ');
        }
    }
    words
}

/// Returns what a text asks for, for `search`: all of its words, each at least as a beginning.
///
/// A beginning with which few words begin is asked for as these words: for a beginning itself the index gathers all runs
/// that have one, in one go, before it shows the first.
pub(in crate::store::sqlite) fn words_in(connection: &Connection, text: &str) -> rusqlite::Result<String> {
    let words: Vec<&str> = parted(text).take(MOST_WORDS).collect();
    let beginning = |word: &str| format!("\"{word}\"*");
    if !words.iter().all(|word| word.is_ascii()) {
        // The index may write others in a way of its own, or pass over them, which only a space between two allows.
        return Ok(words.into_iter().map(beginning).collect::<Vec<_>>().join(" "));
    }
    let mut asked = Vec::new();
    for word in words {
        let known = if is_indexed(word) { None } else { completions(connection, word)? };
        let any = |known: Vec<String>| format!("(\"{}\")", known.join("\" OR \""));
        asked.push(known.map_or_else(|| beginning(word), any));
    }
    Ok(asked.join(" AND "))
}

/// Makes the table of all words of the index, in which [`words_in`] looks, for a connection that may only read.
pub(in crate::store::sqlite) fn list_words(connection: &Connection) -> rusqlite::Result<()> {
    // Source: https://www.sqlite.org/fts5.html#the_fts5vocab_virtual_table_module, read 2026-11-30.
    connection.execute_batch("CREATE VIRTUAL TABLE temp.search_word USING fts5vocab(main, search, instance)")
}

/// Whether the index has all beginnings of this length.
fn is_indexed(word: &str) -> bool {
    matches!(word.chars().count(), 2 | 3)
}

/// Returns the words of the index that begin so; `None` where there are none or too many.
fn completions(connection: &Connection, beginning: &str) -> rusqlite::Result<Option<Vec<String>>> {
    let beginning = beginning.to_ascii_lowercase();
    let mut next = connection.prepare_cached("SELECT term FROM temp.search_word WHERE term >= ?1 LIMIT 1")?;
    let mut found: Vec<String> = Vec::new();
    // No character of a word comes before a zero.
    let mut from = beginning.clone();
    while let Some(word) = next.query_row([&from], |row| row.get::<_, String>(0)).optional()?
        && word.starts_with(&beginning)
    {
        if found.len() == MOST_COMPLETIONS {
            return Ok(None);
        }
        from = format!("{word}0");
        found.push(word);
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

fn parted(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{connection, place};

    #[test]
    fn a_beginning_is_asked_for_as_the_words_that_begin_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        place::inspect(&path, connection::LATEST_VERSION).unwrap();
        let writing = connection::open_to_serve(&path).unwrap();
        let insert = |words: &str| {
            writing.execute("INSERT INTO search (words) VALUES (?1)", [words]).unwrap();
        };
        insert("Checkout check checks checking Größe 500 a");
        (0..=MOST_COMPLETIONS).for_each(|number| insert(&format!("number{number}")));
        let reading = connection::open_to_read(&path).unwrap();
        let asked = |text: &str| words_in(&reading, text).unwrap();
        assert_eq!(asked("Check"), r#"("check" OR "checking" OR "checkout" OR "checks")"#);
        assert_eq!(asked("checks; a"), r#"("checks") AND ("a")"#);
        assert_eq!(asked("50 500"), r#""50"* AND "500"*"#, "the index has such beginnings");
        assert_eq!(asked("größe nowhere"), r#""größe"* "nowhere"*"#);
        assert_eq!(asked("number number7"), r#""number"* AND ("number7")"#);
        assert_eq!(asked(" -- "), "");

        let found = |text: &str| -> i64 {
            reading
                .query_row("SELECT count(*) FROM search WHERE search MATCH ?1", [asked(text)], |row| {
                    row.get(0)
                })
                .unwrap()
        };
        assert_eq!([found("CHECK groß 5"), found("checkou nowhere"), found("number")], [1, 0, 9]);
        assert_eq!(found("checkout Ⓐ"), 1, "what is no word to the index is passed over");
    }
}
