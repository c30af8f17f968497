//! Where a text of a given length ends.

use proptest::prelude::*;

use super::*;

#[test]
fn a_text_is_cut_before_a_word_and_in_whole_characters() {
    for (text, length, expected) in [
        ("short", 5, "short"),
        ("one two three", 9, "one two…"),
        ("one two, three", 10, "one two…"),
        ("one two three", 8, "one two…"),
        ("abcdefghij", 5, "abcd…"),
        ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 9, "👩‍👩‍👧‍👦…"),
        ("see `a b c` there", 9, "see…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("値がない。次の文。", 5, "値がない…"),
        ("snake_case and a * b", 14, "snake_case…"),
        ("C:\\new\\x and more", 11, "C:\\new\\x…"),
        ("one\ntwo\n\nthree", 9, "one\ntwo…"),
    ] {
        assert_eq!(cut(text, length, ELLIPSIS), expected, "{text}");
    }
}

#[test]
fn markup_is_closed_and_does_not_count() {
    for (text, length, expected) in [
        ("The **very important coupon code here** is null", 30, "The **very important coupon…**"),
        ("**bold** text", 9, "**bold** text"),
        ("**bold** text", 8, "**bold**…"),
        ("**bold text**", 5, "**bold…**"),
        ("a [link to it](https://x.com/a_b) b", 8, "a [link…](https://x.com/a_b)"),
        ("a [link to it][r] b\n\n[r]: https://x.com", 8, "a [link…](https://x.com)"),
        ("<https://x.com/long>", 5, "<https://x.com/long>"),
        ("`long code`", 5, "`long`…"),
        ("- one\n- two three", 9, "- one\n- two…"),
        ("Run:\n```\none\ntwo\n```", 9, "Run…"),
        ("```\none\ntwo\n```\nthen", 10, "```\none\ntwo\n```\n\n…"),
        ("***a b** c d*", 6, "***a b** c…*"),
        ("    code", 4, "    code"),
        ("    code", 3, "…"),
    ] {
        assert_eq!(cut(text, length, ELLIPSIS), expected, "{text}");
    }
    assert_eq!(cut("**bold text**", 7, " [more]"), " [more]");
    assert_eq!(cut("**bold text**", 8, " (x)"), "**bold** (x)");
}

#[test]
fn a_monstrous_character_is_left_out() {
    let monstrous = format!("ab{}", "\u{301}".repeat(10_000));
    assert_eq!(cut(&monstrous, 100, ELLIPSIS), "a…");
}

proptest! {
    #[test]
    fn what_is_cut_is_a_beginning_and_never_too_long(text in "[a é👩\u{200d}💥値.,]{0,40}", length in 0_usize..45) {
        let shown = cut(&text, length, ELLIPSIS);
        // Four spaces at the beginning make it code, and are markup.
        let is_code = text.starts_with("    ");
        let counted = if is_code { shown.trim_start() } else { &shown };
        prop_assert!(counted.chars().count() <= length || text.chars().count() <= length);
        let words = shown.strip_suffix('…').unwrap_or(&shown);
        prop_assert!(text.starts_with(words));
    }
}
