//! What is cut shows the beginning of what was, whatever the markup.

use proptest::prelude::*;

use super::{Document, with_document};
use crate::message::markdown;

/// Returns what is shown, without white space.
fn shown(text: &str) -> String {
    let hidden = markdown::hide_html(text);
    let document = Document::parse(&hidden);
    visible(&document.shown)
}

fn visible(shown: &str) -> String {
    let shown = markdown::show_html(shown.to_owned());
    shown.chars().filter(|character| !character.is_whitespace()).collect()
}

#[test]
fn words_are_plain_whatever_they_hold() {
    for text in ["snake_case", "a * b", "2 < 3 > 1", "a\nb", "[x] #1 | ~", "`open", "1 & 2", "a\n\nb"] {
        assert!(with_document(text, |document| document.has_markup().to_string()) == "false", "{text}");
    }
    for text in
        ["**a**", "`a`", "- a", "1. a", "[a](https://x.com)", "a\\*", "&amp;", "# a", "[a]: https://x.com"]
    {
        assert!(with_document(text, |document| document.has_markup().to_string()) == "true", "{text}");
    }
}

proptest! {
    #[test]
    fn a_beginning_shows_the_beginning(
        parts in prop::collection::vec(prop::sample::select(vec![
            "**", "*", "_", "~~", "`", "``", "[", "](https://x.com)", "][r]", "a", "b c", " ", ". ", "\n", "\n\n", "- ",
            "1. ", "  ", "> ", "```\n", "| a |\n| - |\n", "\\", "&amp;", "<b>", "<https://x.com>", "# ", "値。", "e",
        ]), 0..24),
        tail in prop::sample::select(vec!["", "\n\n[r]: https://x.com"]),
        part in 0.0..1.0,
    ) {
        let text = format!("{}{tail}", parts.concat());
        let hidden = markdown::hide_html(&text);
        let document = Document::parse(&hidden);
        if let Some(first) = document.blocks.first() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
            let at = document.shown.floor_char_boundary((document.shown.len() as f64 * part) as usize);
            let end = document.settle(at, &[]);
            if end > 0 {
                let kept = document.beginning(first, end, "…");
                let words = visible(&document.shown[..end]);
                let kept = shown(&markdown::show_html(kept));
                prop_assert_eq!(kept.trim_end_matches('…'), words.trim_end_matches('…'), "{}", text);
            }
        }
    }
}
