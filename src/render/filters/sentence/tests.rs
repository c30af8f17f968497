//! Where sentences end, what belongs to them, and what tells that something is left out.

use super::cut;

#[test]
fn a_text_ends_with_its_sentences() {
    for (count, text, expected) in [
        (1, "One. Two. Three.", "One. …"),
        (2, "One. Two! Three.", "One. Two! …"),
        (9, "One. Two", "One. Two"),
        (1, "One.", "One."),
        (
            1,
            "Calls `a. b` in v1.2.3 of x.py, e.g. here. Then",
            "Calls `a. b` in v1.2.3 of x.py, e.g. here. …",
        ),
        (1, "No full stop\n\nNext paragraph.", "No full stop…"),
        (2, "One.\n\nNext paragraph.", "One. …"),
        (1, "  ", ""),
        (1, "# Summary\n\nThe worker dies. Often.", "The worker dies. …"),
        (1, "# Summary\n\nThe worker dies.", "The worker dies."),
        (1, "First line\r\n\r\nsecond", "First line…"),
        (1, "First line\n  \nsecond", "First line…"),
        (1, "Wait… Then.\n\nMore…", "Wait… Then. …"),
        (1, "Wait…\n\nMore…", "Wait…"),
        (1, "## Only a heading", "Only a heading"),
        (1, "## Only **a** heading", "Only **a** heading"),
        (1, "#hashtag is no heading", "#hashtag is no heading"),
        (1, "***", ""),
        (1, "The end.\n\n---", "The end.\n\n---"),
        (1, "```x``` is a span. Yes.", "```x``` is a span. …"),
        (1, "> Quoted. Twice.", "> Quoted. …"),
        (1, "Map<String, <b>x</b>> fails. Then.", "Map<String, <b>x</b>> fails. …"),
    ] {
        assert_eq!(cut(text, count, 300), expected, "{text}");
    }
}

#[test]
fn a_full_stop_of_a_short_form_ends_no_sentence() {
    for text in [
        "Dr. Smith said so.",
        "Ask Mr. or Mrs. Doe, i.e. us (cf. Fig. 2), approx. twice.",
        "See No. 5 vs. no. 6.",
        "Carts, orders etc. are empty.",
    ] {
        assert_eq!(cut(text, 1, 300), text);
    }
    assert_eq!(cut("The answer is no. It fails.", 1, 300), "The answer is no. …");
    assert_eq!(cut("Carts, orders etc. They are empty.", 1, 300), "Carts, orders etc. …");
    assert_eq!(cut("**1. Why?** Because.", 1, 300), "**1. Why?** …");
}

#[test]
fn sentences_end_in_every_script() {
    for (text, expected) in [
        ("値がない。次の文。", "値がない。…"),
        ("なぜ？！値がない。", "なぜ？！…"),
        ("「値がない。」と言う。次。", "「値がない。」…"),
        ("مرحبا؟ نعم.", "مرحبا؟ …"),
        ("यह टूटा है। फिर।", "यह टूटा है। …"),
        ("He said \"no.\" Then left.", "He said \"no.\" …"),
        ("Really?! Yes.", "Really?! …"),
        ("Wait... what?", "Wait... …"),
        ("(It fails.) Then.", "(It fails.) …"),
    ] {
        assert_eq!(cut(text, 1, 300), expected);
    }
}

#[test]
fn what_is_bold_or_a_link_is_closed() {
    for (count, text, expected) in [
        (2, "**Why? Because of A. And B. And C. And D.** tail", "**Why? Because of A.** …"),
        (1, "**Why? *Because* of A.**", "**Why?** …"),
        (1, "**Why?** Because.", "**Why?** …"),
        (1, "*A ~~b **c. d**~~ e*", "*A ~~b **c.**~~* …"),
        (1, "See [the docs. They help](https://x.com \"t\").", "See [the docs.](https://x.com \"t\") …"),
        (1, "See [a. b][r] c.\n\n[r]: https://x.com", "See [a.](https://x.com) …"),
        (1, "See [a][r]. Then b.\n\n[r]: https://x.com/(a)", "See [a](<https://x.com/(a)>). …"),
        (1, "See [r]. Then.\n\n[r]: https://x.com", "See [r](https://x.com). …"),
        (1, "See [a][r].\n\n[r]: https://x.com", "See [a][r].\n\n[r]: https://x.com"),
        (1, "# T\n\nSee [a][r].\n\n[r]: https://x.com", "See [a](https://x.com)."),
        (1, "At <https://x.com/a. b>. Then `c. d`. So.", "At <https://x.com/a. …"),
        (1, "At <https://x.com/a.b>. Then.", "At <https://x.com/a.b>. …"),
        (1, "A\\. **b &amp; c. d**", "A\\. …"),
    ] {
        assert_eq!(cut(text, count, 300), expected, "{text}");
    }
    let words = "word ".repeat(60);
    assert_eq!(cut(&format!("**{words}end**"), 1, 300), format!("**{}…**", words.trim_end()));
    assert_eq!(
        cut(&format!("{words}[{words}](https://x.com)"), 1, 309),
        format!("{words}[word word…](https://x.com)")
    );
}

#[test]
fn what_a_paragraph_announces_belongs_to_it() {
    let list = "Two causes:\n\n1. The coupon is null.\n2. The total is wrong.";
    assert_eq!(cut(list, 1, 300), list);
    assert_eq!(cut(&format!("{list}\n\nMore."), 1, 300), format!("{list} …"));
    assert_eq!(cut(list, 1, 40), "Two causes:\n\n1. The coupon is null. …");
    assert_eq!(cut(list, 1, 24), "Two causes:\n\n1. The coupon…");
    assert_eq!(cut(list, 1, 11), "Two causes…");
    for (text, expected) in [
        ("Guard it:\n\n```\nx\n```", "Guard it:\n\n```\nx\n```"),
        ("Guard it:\n```\nx\n```\nDone.", "Guard it:\n```\nx\n```\n\n…"),
        ("So:\n\n| a |\n| - |\n| b |", "So:\n\n| a |\n| - |\n| b |"),
        ("So:\n\nThe coupon is null. Then.", "So:\n\nThe coupon is null. …"),
        ("One. Two:\n\n- a\n- b", "One. …"),
        ("So:\n\n# Heading", "So…"),
        ("So:", "So:"),
        ("- a\n\n- b\n\n  para", "- a\n\n- b\n\n  para"),
        ("1. first\n2. second", "1. first\n2. second"),
        ("1. first\n2. second\n\nand more", "1. first\n2. second…"),
        ("```py\na = 1\n\nb = 2\n```", "```py\na = 1\n\nb = 2\n```"),
        ("---\n\n```\na. b\n\nc\n```\n\nIt dies. Then.", "```\na. b\n\nc\n```\n\nIt dies. …"),
        ("| a |\n| - |\n| b |\n\nIt dies.", "| a |\n| - |\n| b |\n\nIt dies."),
    ] {
        assert_eq!(cut(text, 1, 300), expected, "{text}");
    }
    let code = format!("```\n{}```", "x\n".repeat(500));
    assert_eq!(cut(&format!("Run:\n{code}"), 1, 300), "Run…");
    assert_eq!(cut(&format!("{code}\n\nIt dies."), 1, 300), "It dies. …");
}

#[test]
fn nothing_is_cut_in_silence() {
    let text = "**Why?** Because.\n\n```py\na\n```\n\nSo it fails. Then.";
    assert_eq!(cut(text, 3, 300), "**Why?** Because. …");
    let rows = format!("| a | b |\n| - | - |\n{}", "| c | d |\n".repeat(99));
    assert_eq!(cut(&rows, 1, 40), "| a | b |\n| - | - |\n| c | d |\n| c | d |\n\n…");
}

#[test]
fn a_list_of_one_item_is_a_sentence() {
    for (text, expected) in [
        ("- Only this. And that.", "Only this. …"),
        ("1. **Why?** Because.\n\n   More.", "**Why?** …"),
        ("3) Why:\n   - a\n   - b", "Why:\n- a\n- b"),
        ("- [ ] to do. now", "- [ ] to do. now"),
        ("- - deep", "deep"),
        ("1. a\n\nAnd so on.", "a…"),
        ("-", "-"),
    ] {
        assert_eq!(cut(text, 1, 300), expected, "{text}");
    }
}

#[test]
fn code_that_is_too_long_ends_at_a_line_and_its_fence_is_closed() {
    assert_eq!(cut("~~~py\none\ntwo\nthree\n~~~", 1, 11), "~~~py\none\n…\n~~~");
    assert_eq!(cut(&format!("```\n{}\n```", "x".repeat(500)), 1, 300), "…");
}

#[test]
fn what_is_too_long_ends_at_a_word() {
    assert_eq!(cut("one two, three four", 1, 10), "one two…");
    assert_eq!(cut("one `two three four five`", 1, 15), "one…");
    assert_eq!(cut("`one two three`", 1, 5), "`one t`…");
    assert_eq!(cut(&"x".repeat(500), 1, 300), format!("{}…", "x".repeat(300)));
    assert_eq!(cut(&"💥".repeat(11), 1, 10).chars().count(), 11);
}
