//! Patterns: a text in which `*` stands for any text and `?` for one character.

use std::fmt;

use wildmatch::WildMatch;

use crate::event::OWN_NOTICE;

/// A pattern over a whole value, case-sensitive.
///
/// Matching takes at most as many steps as pattern and value have characters, multiplied: after a mismatch only the
/// last `*` is tried anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    text: String,
    /// `None` where the text holds no wildcard.
    wild: Option<WildMatch>,
}

impl Pattern {
    /// Reads a pattern; any text is one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let wild = text.contains(['*', '?']).then(|| WildMatch::new(&text));
        Self { text, wild }
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it matches the whole value.
    pub fn matches(&self, value: &str) -> bool {
        match &self.wild {
            None => self.text == value,
            Some(wild) => wild.matches(value),
        }
    }

    /// Returns whether it speaks of the relay's own notices: it begins, literally, with `relay.`.
    pub fn names_own_notices(&self) -> bool {
        self.text.starts_with(OWN_NOTICE)
    }

    /// Returns whether it certainly matches everything that `other` matches; `false` where that is not certain.
    pub fn covers(&self, other: &Self) -> bool {
        // With `other` taken as a value, a `*` of ours absorbs its wildcards and our literals never equal them; only
        // a `?` of ours would take its `*` for one character.
        let fits = !(self.text.contains('?') && other.text.contains('*'));
        self.text == other.text || (fits && self.matches(&other.text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        Pattern::new(pattern).matches(value)
    }

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        for (pattern, value) in [
            ("acme/*", "acme/api"),
            ("acme/*", "acme/"),
            ("*", ""),
            ("*.py", "src/deep/er/a.py"),
            ("a?c", "aßc"),
            ("pr_*", "pr_created"),
            ("*_completed", "coding_completed"),
            ("**", "x"),
            ("exact", "exact"),
        ] {
            assert!(matches(pattern, value), "{pattern} should match {value}");
        }
    }

    #[test]
    fn the_whole_value_counts_and_so_does_case() {
        for (pattern, value) in [
            ("acme", "acme/api"),
            ("api", "acme/api"),
            ("Acme/*", "acme/api"),
            ("a?c", "ac"),
            ("?", ""),
            ("[a-z]*", "b"),
            ("a\\*", "ab"),
        ] {
            assert!(!matches(pattern, value), "{pattern} should not match {value}");
        }
    }

    #[test]
    fn a_hostile_pattern_over_a_long_value_takes_no_time() {
        let value = "a".repeat(10_000);
        let pattern = Pattern::new(format!("{}b", "*a".repeat(1_000)));
        assert!(!pattern.matches(&value));
        assert!(!matches("*a*a*a*a*a*a*a*a*b", &value));
        assert!(!matches(&format!("*{}b", "?".repeat(1_000)), &value));
    }

    #[test]
    fn one_pattern_covers_another_only_where_that_is_certain() {
        for (wide, narrow) in
            [("*", "acme/*"), ("acme/*", "acme/api"), ("acme/*", "acme/a*"), ("a?", "a?"), ("a?", "ab")]
        {
            assert!(Pattern::new(wide).covers(&Pattern::new(narrow)), "{wide} covers {narrow}");
        }
        for (wide, narrow) in [("acme/a*", "acme/*"), ("a?", "a*"), ("acme/api", "acme/*"), ("x", "y")] {
            assert!(!Pattern::new(wide).covers(&Pattern::new(narrow)), "{wide} does not cover {narrow}");
        }
    }

    proptest! {
        #[test]
        fn what_a_covered_pattern_matches_the_wider_one_matches(
            wide in "[ab*?]{0,5}", narrow in "[ab*?]{0,5}", value in "[ab]{0,6}",
        ) {
            let (wide, narrow) = (Pattern::new(wide), Pattern::new(narrow));
            if wide.covers(&narrow) && narrow.matches(&value) {
                prop_assert!(wide.matches(&value));
            }
        }

        #[test]
        fn the_result_is_that_of_the_plain_definition(pattern in "[ab*?]{0,7}", value in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &value), by_definition(pattern.as_bytes(), value.as_bytes()));
        }
    }

    fn by_definition(pattern: &[u8], value: &[u8]) -> bool {
        match (pattern.split_first(), value.split_first()) {
            (None, _) => value.is_empty(),
            (Some((b'*', rest)), _) => {
                by_definition(rest, value) || (!value.is_empty() && by_definition(pattern, &value[1..]))
            }
            (Some((first, rest)), Some((head, tail))) => {
                (*first == b'?' || first == head) && by_definition(rest, tail)
            }
            (Some(_), None) => false,
        }
    }
}
