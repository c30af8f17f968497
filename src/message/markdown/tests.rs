//! What each construct of Markdown becomes, and what must not come through.

use proptest::prelude::*;

use super::*;
use crate::message::outline::Outline;
use crate::message::{Button, Inline, ListItem, plain_text};

fn text(words: &str) -> Inline {
    Inline::Text(words.to_owned())
}

fn paragraph(words: &str) -> Block {
    Block::Paragraph(vec![text(words)])
}

fn link(address: &str, words: &str) -> Inline {
    Inline::Link { url: address.parse().unwrap(), content: vec![text(words)] }
}

/// Parses a template without values.
fn template(source: &str) -> Message {
    parse(source, &Values::default())
}

/// Parses a template in which `§` stands for the value as literal text.
fn with_text(source: &str, value: &str) -> Message {
    let mut values = Values::default();
    let token = values.text(value);
    parse(&source.replace('§', &token), &values)
}

/// Parses a template in which `§` stands for the value as Markdown.
fn with_markdown(source: &str, value: &str) -> Message {
    let mut values = Values::default();
    let token = values.markdown(value);
    parse(&source.replace('§', &token), &values)
}

fn item(words: &str) -> ListItem {
    ListItem { checked: None, blocks: vec![paragraph(words)] }
}

#[test]
fn the_first_heading_of_the_first_level_is_the_title() {
    let message = template("before\n\n## second\n\n# The *title*\n\n# another");

    assert_eq!(message.title, [text("The "), Inline::Emphasis(vec![text("title")])]);
    let heading = |level, words| Block::Heading { level, content: vec![text(words)] };
    assert_eq!(message.blocks, [paragraph("before"), heading(2, "second"), heading(1, "another")]);
}

#[test]
fn a_heading_in_a_quote_or_a_list_is_no_title() {
    assert!(template("> # quoted\n\n- # listed").title.is_empty());
}

#[test]
fn emphasis_code_and_breaks_are_parts_of_a_line() {
    let message = template("**a** _b_ ~~c~~ `d  e`  \nf\\\ng\nh");

    assert_eq!(
        message.blocks,
        [Block::Paragraph(vec![
            Inline::Strong(vec![text("a")]),
            text(" "),
            Inline::Emphasis(vec![text("b")]),
            text(" "),
            Inline::Strike(vec![text("c")]),
            text(" "),
            Inline::Code("d  e".to_owned()),
            Inline::Break,
            text("f"),
            Inline::Break,
            text("g h"),
        ])]
    );
}

#[test]
fn lists_nest_and_tight_items_hold_one_paragraph() {
    let message = template("3. one\n4. two\n   - inner\n\n- [x] done\n- [ ] open");

    let inner = Block::List { start: None, items: vec![item("inner")] };
    let two = ListItem { checked: None, blocks: vec![paragraph("two"), inner] };
    let task = |done, words| ListItem { checked: Some(done), blocks: vec![paragraph(words)] };
    assert_eq!(
        message.blocks,
        [
            Block::List { start: Some(3), items: vec![item("one"), two] },
            Block::List { start: None, items: vec![task(true, "done"), task(false, "open")] },
        ]
    );
}

#[test]
fn loose_items_and_loose_tasks_are_read_alike() {
    let message = template("- one\n\n- two\n\n1. [x] done\n\n   more");

    let Block::List { items, .. } = &message.blocks[0] else { panic!("no list") };
    assert_eq!(items, &[item("one"), item("two")]);
    let Block::List { items, .. } = &message.blocks[1] else { panic!("no list") };
    assert_eq!(
        items[0],
        ListItem { checked: Some(true), blocks: vec![paragraph("done"), paragraph("more")] }
    );
}

#[test]
fn fences_keep_their_language_and_their_lines() {
    let code = |language: Option<&str>, text: &str| Block::Code {
        language: language.map(str::to_owned),
        text: text.to_owned(),
    };
    assert_eq!(template("```diff\n+ a\n\n- b\n```").blocks, [code(Some("diff"), "+ a\n\n- b")]);
    assert_eq!(template("~~~ c++ {x}\na\n~~~").blocks, [code(Some("c++"), "a")]);
    assert_eq!(template("```\n<b>&amp;</b>\n```").blocks, [code(None, "<b>&amp;</b>")]);
    assert_eq!(template("    indented").blocks, [code(None, "indented")]);
    assert_eq!(template("```\n```").blocks, []);
}

#[test]
fn tables_have_a_head_and_rows_as_wide_as_it() {
    let message = template("| a | |\n| - | - |\n| 1 | 2 | 3 |\n| 4 |");

    let cell = |words: &str| vec![text(words)];
    assert_eq!(
        message.blocks,
        [Block::Table {
            header: vec![cell("a"), vec![]],
            rows: vec![vec![cell("1"), cell("2")], vec![cell("4"), vec![]]],
        }]
    );
}

#[test]
fn quotes_rules_and_entities_are_read() {
    let message = template("> quoted\n> - item\n\n---\n\n&lt;b&gt; &amp; &copy;");

    let list = Block::List { start: None, items: vec![item("item")] };
    assert_eq!(
        message.blocks,
        [Block::Quote(vec![paragraph("quoted"), list]), Block::Rule, paragraph("<b> & ©")]
    );
}

#[test]
fn a_paragraph_of_buttons_stands_only_among_the_buttons() {
    let message =
        template("[Review](https://x.example/1 \"button\") [Open](https://x.example/2 \"button\")\n\nwords");

    let button =
        |label: &str, address: &str| Button { label: label.to_owned(), url: address.parse().unwrap() };
    assert_eq!(message.blocks, [paragraph("words")]);
    assert_eq!(
        message.buttons,
        [button("Review", "https://x.example/1"), button("Open", "https://x.example/2")]
    );
}

#[test]
fn a_button_among_words_stays_as_a_link_too() {
    let message = template("see [it](https://x.example/ \"button\")");

    assert_eq!(message.buttons.len(), 1);
    assert_eq!(message.blocks, [Block::Paragraph(vec![text("see "), link("https://x.example/", "it")])]);
}

#[test]
fn an_unsafe_button_is_words() {
    let message = template("[Go](javascript:alert(1) \"button\")");

    assert_eq!(message.buttons, []);
    assert_eq!(message.blocks, [paragraph("Go")]);
}

#[test]
fn only_web_addresses_without_credentials_are_links() {
    for address in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:a@b.example",
        "//evil.example",
        "/relative",
        "https://user@evil.example",
        "https://user:password@evil.example/",
        "https://",
        "slack://open",
        "",
    ] {
        assert_eq!(template(&format!("[words](<{address}>)")).blocks, [paragraph("words")], "{address}");
    }
    assert_eq!(
        template("<https://sentry.io/x>").blocks,
        [Block::Paragraph(vec![link("https://sentry.io/x", "https://sentry.io/x")])]
    );
}

#[test]
fn an_address_holds_only_what_every_reader_of_addresses_takes() {
    for (written, expected) in [
        ("/a[1]|b^{c}\\d", "/a%5B1%5D%7Cb%5E%7Bc%7D/d"),
        ("/100%", "/100%25"),
        ("/%e4%zz%2F", "/%e4%25zz%2F"),
        ("/ä?q=[x]|y#a#b[c]", "/%C3%A4?q=%5Bx%5D%7Cy#a%23b%5Bc%5D"),
        ("/a(b)'*!;,@:?x=1&y=/?#z", "/a(b)'*!;,@:?x=1&y=/?#z"),
    ] {
        let address = format!("https://x.example{written}");
        let message = with_text("[words](§)", &address);
        let [Block::Paragraph(content)] = message.blocks.as_slice() else { panic!("{message:?}") };
        let [Inline::Link { url, .. }] = content.as_slice() else { panic!("{content:?}") };
        assert_eq!(url.as_str(), format!("https://x.example{expected}"), "{written}");
    }
    let shown = with_markdown("§", "<https://x.example/a|b>");
    assert_eq!(plain(&shown), "https://x.example/a|b", "its words show where it leads");
}

#[test]
fn a_link_without_words_shows_its_host() {
    assert_eq!(
        template("[](https://x.example/a)").blocks,
        [Block::Paragraph(vec![link("https://x.example/a", "x.example")])]
    );
}

#[test]
fn of_an_image_the_words_stay() {
    assert_eq!(template("a ![the *alt*](https://x.example/i.png) b").blocks.len(), 1);
    assert_eq!(plain(&template("a ![the *alt*](https://x.example/i.png) b")), "a the alt b");
    assert_eq!(plain(&with_markdown("§", "![pixel](https://evil.example/p.gif)")), "pixel");
}

#[test]
fn html_goes_and_its_words_stay() {
    assert_eq!(plain(&template("<div class=\"x\">\n**bold** words\n</div>")), "bold words");
    assert_eq!(plain(&with_markdown("§", "<script>alert(1)</script> after")), "alert(1) after");
    assert_eq!(plain(&with_markdown("§", "Vec<String> and a < b")), "Vec<String> and a < b");
    assert_eq!(plain(&with_markdown("§", "<String> opens a line\n\n`<b>`")), "<String> opens a line|<b>");
    assert_eq!(
        template("one<br>two").blocks,
        [Block::Paragraph(vec![text("one"), Inline::Break, text("two")])]
    );
}

/// The words of all paragraphs, `|` between them.
fn plain(message: &Message) -> String {
    let paragraphs = message.blocks.iter().map(|block| match block {
        Block::Paragraph(content) | Block::Heading { content, .. } => plain_text(content).trim().to_owned(),
        Block::List { .. } | Block::Quote(_) | Block::Code { .. } | Block::Table { .. } | Block::Rule => {
            format!("{block:?}")
        }
    });
    paragraphs.collect::<Vec<_>>().join("|")
}

#[test]
fn a_value_is_text_wherever_it_stands() {
    let hostile = "*a* `b` [c](https://d.example) <!channel> | # e\n- f";
    let flat = hostile.replace('\n', " ");
    for (source, expected) in [
        ("§", Block::Paragraph(vec![text(&flat)])),
        ("`§`", Block::Paragraph(vec![Inline::Code(flat.clone())])),
        ("**§**", Block::Paragraph(vec![Inline::Strong(vec![text(&flat)])])),
        ("```\n§\n```", Block::Code { language: None, text: hostile.to_owned() }),
        ("## §", Block::Heading { level: 2, content: vec![text(&flat)] }),
        ("- §", Block::List { start: None, items: vec![item(&flat)] }),
        ("> §", Block::Quote(vec![paragraph(&flat)])),
        ("[§](https://x.example)", Block::Paragraph(vec![link("https://x.example", &flat)])),
        (
            "|§|\n|-|\n|§|",
            Block::Table { header: vec![vec![text(&flat)]], rows: vec![vec![vec![text(&flat)]]] },
        ),
    ] {
        assert_eq!(with_text(source, hostile).blocks, [expected], "{source}");
    }
}

#[test]
fn a_value_in_an_address_stays_in_its_place() {
    let url = |source: &str, value: &str| match with_text(source, value).blocks.pop() {
        Some(Block::Paragraph(mut content)) => match content.pop() {
            Some(Inline::Link { url, .. }) => url.to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    assert_eq!(url("[x](§)", "https://a.example/b?c=d e"), "https://a.example/b?c=d%20e");
    assert_eq!(
        url("[x](https://a.example/§/b)", "o/n ?#&\n)("),
        "https://a.example/o/n%20%3F%23%26%0A%29%28/b"
    );
    assert_eq!(url("[x](§/b)", "javascript:alert(1)//"), "");
    assert_eq!(url("[x](§)", "https://u:p@evil.example"), "");
}

#[test]
fn a_markdown_value_alone_in_its_place_keeps_its_blocks() {
    let value = "first\n\n- a\n- b\n\n```rust\nfn x() {}\n```";
    let blocks = [
        paragraph("first"),
        Block::List { start: None, items: vec![item("a"), item("b")] },
        Block::Code { language: Some("rust".to_owned()), text: "fn x() {}".to_owned() },
    ];
    assert_eq!(with_markdown("§", value).blocks, blocks);
    assert_eq!(with_markdown("> §", value).blocks, [Block::Quote(blocks.to_vec())]);
    let items = vec![ListItem { checked: None, blocks: blocks.to_vec() }];
    assert_eq!(with_markdown("- §", value).blocks, [Block::List { start: None, items: items.clone() }]);
    assert_eq!(with_markdown("- §\n\n  \n", value).blocks, [Block::List { start: None, items }]);
}

#[test]
fn a_markdown_value_at_the_end_of_a_line_goes_on_below_it() {
    let message = with_markdown("**Why:** §", "because\n\n> of *this*");

    let why = Block::Paragraph(vec![Inline::Strong(vec![text("Why:")]), text(" because")]);
    let quote = Block::Paragraph(vec![text("of "), Inline::Emphasis(vec![text("this")])]);
    assert_eq!(message.blocks, [why, Block::Quote(vec![quote])]);
}

#[test]
fn a_markdown_value_among_words_is_flattened() {
    let message = with_markdown("a § b", "# one\n\n1. two\n2. [three](https://x.example)");

    assert_eq!(
        message.blocks,
        [Block::Paragraph(vec![
            text("a "),
            Inline::Strong(vec![text("one")]),
            Inline::Break,
            text("1. two"),
            Inline::Break,
            text("2. "),
            link("https://x.example", "three"),
            text(" (x.example) b"),
        ])]
    );
    assert_eq!(plain(&with_markdown("## §", "a\n\nb")), "a b");
}

#[test]
fn a_markdown_value_in_code_is_literal() {
    assert_eq!(with_markdown("`§`", "*a*").blocks, [Block::Paragraph(vec![Inline::Code("*a*".to_owned())])]);
}

#[test]
fn a_markdown_value_takes_no_title_and_makes_no_button() {
    let message = with_markdown("§\n\n# title", "# mine\n\n[press](https://x.example \"button\")");

    assert_eq!(plain_text(&message.title), "title");
    assert_eq!(message.buttons, []);
    assert_eq!(message.blocks[0], Block::Heading { level: 2, content: vec![text("mine")] });
}

#[test]
fn a_model_s_link_shows_where_it_leads() {
    for (value, expected) in [
        ("[click here](https://evil.example/x)", "click here (evil.example)"),
        ("[https://good.example](https://evil.example)", "https://good.example (evil.example)"),
        ("[docs.example/a](https://docs.example/a/)", "docs.example/a"),
        ("[docs.example](https://docs.example/a)", "docs.example"),
        ("<https://docs.example/a>", "https://docs.example/a"),
        ("[x](https://g\u{f6}\u{f6}gle.example)", "x (xn--ggle-5qaa.example)"),
        ("[a **b**](javascript:alert(1))", "a b"),
    ] {
        assert_eq!(plain(&with_markdown("§", value)), expected, "{value}");
    }
}

#[test]
fn links_do_not_nest() {
    let message = with_markdown("[a § b](https://x.example)", "[c](https://y.example)");

    let content = vec![text("a c (y.example) b")];
    let url = "https://x.example".parse().unwrap();
    assert_eq!(message.blocks, [Block::Paragraph(vec![Inline::Link { url, content }])]);
}

#[test]
fn reference_definitions_and_open_fences_of_a_value_end_with_it() {
    let mut values = Values::default();
    let first = values.markdown("[a]: https://evil.example\n\n```\nopen");
    let second = values.markdown("[a]");
    let message = parse(&format!("{first}\n\n{second}\n\n[a]\n\n**after**"), &values);

    assert_eq!(message.blocks.len(), 4);
    assert_eq!(message.blocks[1], paragraph("[a]"));
    assert_eq!(message.blocks[2], paragraph("[a]"));
    assert_eq!(message.blocks[3], Block::Paragraph(vec![Inline::Strong(vec![text("after")])]));
}

#[test]
fn entities_cannot_forge_a_token() {
    let mut values = Values::default();
    let secret = values.text("secret");
    let forged = values.markdown("&#xFDD0;&#xFDE0;&#xFDD2;");
    let message = parse(&format!("{secret} {forged} &#xFDD0;&#xFDE0;&#xFDD2;"), &values);

    assert_eq!(plain(&message), "secret");
}

#[test]
fn control_characters_never_come_through() {
    let message = with_text("# t\u{202e}\u{7}\n\n§ `§`\n\n```\n§\n```", "a\0\u{1b}[31m\u{2066}b");

    assert_eq!(Outline::of(&message).leaves, ["t", "a[31mb ", "a[31mb", "a[31mb"]);
    assert_eq!(plain_text(&message.title), "t");
}

#[test]
fn words_deeper_than_the_limit_stay() {
    for source in
        ["> ".repeat(500) + "deep", "- ".repeat(500) + "deep", "*_".repeat(500) + "deep" + &"_*".repeat(500)]
    {
        let message = template(&source);
        let shown = format!("{message:?}");
        assert!(shown.contains("deep"), "{shown}");
        assert!(shown.matches("Quote").count() <= MAX_DEPTH);
    }
}

#[test]
fn a_megabyte_of_anything_neither_overflows_the_stack_nor_is_lost() {
    for unit in
        [">", "- ", "[", "*_", "`", "<b>", "<!--", "|a", "![", "1. ", "~~", "[a](", "<a b=\"", "&#x", "\\<"]
    {
        let value = unit.repeat(1024 * 1024 / unit.len());
        let message = with_markdown("§", &value);
        assert!(message.blocks.len() <= 1, "{unit}: {}", message.blocks.len());
        template(value.get(..64 * 1024).unwrap_or_default());
        with_markdown("§", value.get(..64 * 1024).unwrap_or_default());
    }
}

#[test]
fn a_value_too_long_to_be_parsed_is_shown_unformatted() {
    let message = with_markdown("§", &"**word** ".repeat(40_000));

    let [Block::Paragraph(content)] = message.blocks.as_slice() else { panic!("one paragraph") };
    assert!(plain_text(content).starts_with("**word** **word**"));
}

#[test]
fn a_template_s_text_is_cut_at_the_limit() {
    let message = template(&"word ".repeat(300_000));

    assert_eq!(message.blocks.last(), Some(&paragraph("…")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_comes_out_inert(
        source in ".{0,200}",
        value in "[-*_`#>|<&\\[\\]()!~=+1. \na-c\\\\\"\u{202e}:/]{0,120}",
    ) {
        for message in [template(&source), with_text(&source, &value), with_markdown("a §\n\n- §\n\n|§|\n|-|", &value)] {
            let outline = Outline::of(&message);
            for leaf in &outline.leaves {
                assert_eq!(strip(leaf), *leaf);
            }
        }
    }
}

#[test]
fn a_bare_address_in_markdown_is_a_link_and_in_a_value_is_text() {
    let address = "https://docs.sentry.io/a_b?c=d";
    let message = with_markdown("§", &format!("See {address}, or (https://x.dev/)."));
    let expected = vec![
        text("See "),
        link(address, address),
        text(", or ("),
        link("https://x.dev/", "https://x.dev/"),
        text(")."),
    ];
    assert_eq!(message.blocks, [Block::Paragraph(expected)]);
    let message = with_text("§", address);
    assert_eq!(message.blocks, [paragraph(address)]);
    for inert in
        ["`https://x.dev/`", "ftp://x.dev/", "https://user:password@x.dev/", "javascript://x.dev/%0a"]
    {
        let Block::Paragraph(line) = with_markdown("§", inert).blocks.remove(0) else { panic!() };
        assert!(!line.iter().any(|inline| matches!(inline, Inline::Link { .. })), "{line:?}");
    }
}

#[test]
fn a_footnote_keeps_its_words() {
    let message = with_markdown("§", "It is late[^1].\n\n[^1]: As the log says.\n[^2]: Alone");
    assert_eq!(
        message.blocks,
        [paragraph("It is late[1]."), paragraph("[1] As the log says."), paragraph("[2] Alone")]
    );
}

#[test]
fn a_value_in_a_path_leads_to_no_other_folder() {
    for (value, path) in [
        ("acme/api", "/acme/api/pull/1"),
        ("../../evil/r", "/%252E%252E/%252E%252E/evil/r/pull/1"),
        ("./..", "/%252E/%252E%252E/pull/1"),
        ("a..b", "/a..b/pull/1"),
        ("%2e%2e/x", "/%252e%252e/x/pull/1"),
    ] {
        let message = with_text("[a](https://github.com/§/pull/1)", value);
        let [Block::Paragraph(line)] = message.blocks.as_slice() else { panic!() };
        let [Inline::Link { url, .. }] = line.as_slice() else { panic!("{line:?}") };
        assert_eq!(url.path(), path, "{value}");
    }
}
