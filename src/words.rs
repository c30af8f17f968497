//! How names are shown in faults, which known name an unknown one was meant to be, and whether a text says anything.
//!
//! Knows no file and no fault.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// A longer text is cut where a fault shows it.
const MAX_SHOWN_CHARS: usize = 80;
/// A longer list is cut where a fault shows it.
const MAX_LISTED: usize = 20;
/// No name that could be meant is longer.
const MAX_COMPARED_BYTES: usize = 200;

/// Returns whether nothing of the text would be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_whitespace() || character.is_control() || is_invisible(character))
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{180e}' | '\u{3164}' | '\u{115f}' | '\u{1160}')
}

/// Returns a name or value in backticks, cut, with control characters made visible.
pub fn quoted(text: &str) -> String {
    quoted_up_to(text, MAX_SHOWN_CHARS)
}

/// Returns a name cut as [`quoted`] cuts it, with control characters made visible.
pub fn shortened(text: &str) -> String {
    quoted(text).trim_matches('`').to_owned()
}

/// Returns a path in backticks, whole, with control characters made visible.
pub fn quoted_path(path: &Path) -> String {
    quoted_up_to(&path.to_string_lossy(), usize::MAX)
}

fn quoted_up_to(text: &str, most: usize) -> String {
    let mut shown = String::from("`");
    for (index, character) in text.chars().enumerate() {
        if index == most {
            shown.push('…');
            break;
        }
        if character.is_control() {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}

/// Returns names in backticks, sorted, each once.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(MAX_LISTED).map(|name| quoted(name)).collect();
    if names.len() > MAX_LISTED {
        shown.push(format!("and {} more", names.len() - MAX_LISTED));
    }
    shown.join(", ")
}

/// Returns "did you mean `x`? WORD: `x`, `y`", or only the list where nothing is near.
pub fn suggestion<'a>(
    name: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let list = listed(known.clone());
    if list.is_empty() {
        return None;
    }
    let nearest: Vec<String> = nearest(name, known).into_iter().map(quoted).collect();
    if nearest.is_empty() {
        return Some(format!("{word}: {list}"));
    }
    Some(format!("did you mean {}? {word}: {list}", nearest.join(" or ")))
}

/// Returns the known name of which `name` is a slip of the pen: nearer than [`nearest`] asks for a hint, for a fault may
/// be made of it.
pub fn slip<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    let distances =
        known.into_iter().map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

/// Returns the known names that `name` may have been meant to be, at most two, the nearest first.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > MAX_COMPARED_BYTES {
        return Vec::new();
    }
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_COMPARED_BYTES)
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            let longer = wanted.chars().count().max(lower.chars().count());
            let shares_words = wanted.len() >= 4
                && lower.len() >= 4
                && (lower.contains(wanted.as_str()) || wanted.contains(lower.as_str()));
            (distance <= longer.div_ceil(3) || shares_words).then_some((distance, candidate))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(2).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(nearest("listn", ["listen", "token", "max_body"]), ["listen"]);
        assert_eq!(nearest("Webhook-URL", ["webhook_url", "buttons"]), ["webhook_url"]);
        assert_eq!(nearest("bakend", ["backend", "audit"]), ["backend"]);
        assert_eq!(nearest("completely_else", ["listen"]), [""; 0]);
    }

    #[test]
    fn a_suggestion_names_everything_that_is_defined() {
        assert_eq!(
            suggestion("bakend", "defined", ["ops", "backend"]).as_deref(),
            Some("did you mean `backend`? defined: `backend`, `ops`")
        );
        assert_eq!(suggestion("x", "defined", []), None);
    }

    #[test]
    fn what_is_shown_is_short_and_has_no_control_characters() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert_eq!(quoted(&"ß".repeat(200)).chars().count(), MAX_SHOWN_CHARS + 3);
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..30).map(|number| format!("n{number:02}")).collect();
        assert!(listed(names.iter().map(String::as_str)).ends_with("`n19`, and 10 more"));
    }
}
