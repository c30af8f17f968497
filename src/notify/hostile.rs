//! Hostile texts in every place of a message, and messages of any size, held against the platforms' own rules.

mod discord;
mod mentions;
mod samples;
mod slack;
mod texts;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::delivery::{DestinationName, Rung};
use crate::message::{Block, Button, Inline, ListItem, Message, Tone};
use crate::notify::discord::DiscordConfig;
use crate::notify::slack::{SlackAccess, SlackConfig};
use crate::notify::{Destination, Envelope, Rate, Service, Style, body_for};
use crate::render::Rendered;
use crate::secret::Secret;

fn secret() -> Secret {
    Secret::Known(SecretString::from("https://chat.example/hook"))
}

fn destination(service: Service) -> Destination {
    Destination {
        name: DestinationName::new("x"),
        template_set: None,
        rate: Rate::Unlimited,
        in_flight: 1,
        timeout: Duration::from_secs(1),
        expire_after: None,
        fallback: None,
        diff_lines: 0,
        style: Style::Messages,
        digest: None,
        announce: Vec::new(),
        service,
    }
}

fn slack(buttons: bool, slack_compatible: bool) -> Destination {
    destination(Service::Slack(SlackConfig {
        access: SlackAccess::Webhook(secret()),
        buttons,
        slack_compatible,
    }))
}

fn discord() -> Destination {
    destination(Service::Discord(DiscordConfig::of_webhook(secret())))
}

fn made(destination: &Destination, message: &Message, rung: Rung) -> Value {
    let body = body_for(destination, &Rendered::Message(message.clone()), rung, &Envelope::default());
    serde_json::from_slice(&body).unwrap()
}

fn text(words: &str) -> Vec<Inline> {
    vec![Inline::Text(words.to_owned())]
}

fn paragraph(words: &str) -> Block {
    Block::Paragraph(text(words))
}

fn item(blocks: Vec<Block>) -> ListItem {
    ListItem { checked: None, blocks }
}

fn address() -> Url {
    Url::parse("https://acme.sentry.io/issues/117/?a=1&b=(2)").unwrap()
}

fn link(words: &str) -> Inline {
    Inline::Link { url: address(), content: text(words) }
}

fn button(label: &str) -> Button {
    Button { label: label.to_owned(), url: address() }
}

fn of_blocks(blocks: Vec<Block>) -> Message {
    Message {
        title: text("Title"),
        blocks,
        buttons: vec![button("Open in Sentry")],
        tone: Tone::Progress,
        source: None,
    }
}

/// Every place of a message that holds a text, by name, with this text in it.
fn places(words: &str) -> Vec<(&'static str, Message)> {
    let list = |start, item: ListItem| of_blocks(vec![Block::List { start, items: vec![item] }]);
    let code = |language: Option<&str>| Block::Code {
        language: language.map(str::to_owned),
        text: words.to_owned(),
    };
    let table = |header: Vec<Vec<Inline>>, cells: Vec<Vec<Inline>>| {
        of_blocks(vec![Block::Table { header, rows: vec![cells] }])
    };
    vec![
        ("title", Message { title: text(words), ..of_blocks(vec![]) }),
        ("title code", Message { title: vec![Inline::Code(words.to_owned())], ..of_blocks(vec![]) }),
        ("paragraph", of_blocks(vec![paragraph(words)])),
        ("after words", of_blocks(vec![Block::Paragraph([text("before "), text(words)].concat())])),
        (
            "after a break",
            of_blocks(vec![Block::Paragraph([text("a"), vec![Inline::Break], text(words)].concat())]),
        ),
        ("strong", of_blocks(vec![Block::Paragraph(vec![Inline::Strong(text(words))])])),
        ("emphasis", of_blocks(vec![Block::Paragraph(vec![Inline::Emphasis(text(words))])])),
        ("strike", of_blocks(vec![Block::Paragraph(vec![Inline::Strike(text(words))])])),
        ("link", of_blocks(vec![Block::Paragraph(vec![link(words)])])),
        ("code", of_blocks(vec![Block::Paragraph(vec![Inline::Code(words.to_owned())])])),
        ("heading", of_blocks(vec![Block::Heading { level: 2, content: text(words) }])),
        ("item", list(None, item(vec![paragraph(words)]))),
        ("numbered item", list(Some(3), item(vec![paragraph(words)]))),
        ("task", list(None, ListItem { checked: Some(true), blocks: vec![paragraph(words)] })),
        (
            "inner item",
            list(
                None,
                item(vec![
                    paragraph("outer"),
                    Block::List { start: Some(1), items: vec![item(vec![paragraph(words)])] },
                    paragraph("after"),
                ]),
            ),
        ),
        ("code in an item", list(None, item(vec![paragraph("outer"), code(Some("diff"))]))),
        ("quote", of_blocks(vec![Block::Quote(vec![paragraph(words)])])),
        ("code in a quote", of_blocks(vec![Block::Quote(vec![paragraph("said"), code(None)])])),
        (
            "list in a quote",
            of_blocks(vec![Block::Quote(vec![Block::List {
                start: None,
                items: vec![item(vec![paragraph(words)])],
            }])]),
        ),
        ("fence", of_blocks(vec![code(None)])),
        ("diff", of_blocks(vec![code(Some("diff"))])),
        ("field name", table(vec![vec![], vec![]], vec![text(words), text("value")])),
        ("field value", table(vec![vec![], vec![]], vec![text("name"), text(words)])),
        ("field link", table(vec![vec![], vec![]], vec![text("name"), vec![link(words)]])),
        ("field code", table(vec![vec![], vec![]], vec![text("name"), vec![Inline::Code(words.to_owned())]])),
        ("cell", table(vec![text("a"), text("b"), text("c")], vec![text("1"), text(words), text("3")])),
        (
            "cell beside a link",
            table(vec![text("a"), text("b"), text("c")], vec![vec![link("1")], text(words), text("3")]),
        ),
        ("button", Message { buttons: vec![button(words)], ..of_blocks(vec![paragraph("body")]) }),
    ]
}

/// Messages that are too large in one way or another.
fn large() -> Vec<(&'static str, Message)> {
    let texts = [
        "x".repeat(100_000),
        format!("a{}", "\u{301}".repeat(100_000)),
        "👩‍👩‍👧‍👦".repeat(3_000),
        "*_`<&>@: ".repeat(3_000),
        "A sentence of some words. ".repeat(1_000),
    ];
    let mut cases: Vec<(&'static str, Message)> = texts.iter().flat_map(|words| places(words)).collect();
    cases.extend(many_parts());
    cases.extend(many_links());
    cases
}

fn many_parts() -> Vec<(&'static str, Message)> {
    let text_of_a_diff =
        (0..40_000).map(|line| format!("+ line {line} of a diff")).collect::<Vec<_>>().join("\n");
    let diff = Block::Code { language: Some("diff".to_owned()), text: text_of_a_diff };
    let pairs = |count: usize, value: &str| Block::Table {
        header: vec![vec![], vec![]],
        rows: (0..count).map(|row| vec![text(&format!("name {row}")), text(value)]).collect(),
    };
    let mut deep = paragraph("deepest");
    for _ in 0..60 {
        let quote = Block::Quote(vec![paragraph("level"), deep]);
        deep = Block::List { start: Some(1), items: vec![item(vec![quote])] };
    }
    let items = Block::List {
        start: Some(u64::MAX - 5),
        items: (0..50_000).map(|_| item(vec![paragraph("item")])).collect(),
    };
    let runs = (0..5_000).flat_map(|_| [Inline::Text("a".to_owned()), Inline::Strong(text("b"))]).collect();
    vec![
        ("diff", of_blocks(vec![paragraph("before"), diff, paragraph("after")])),
        ("500 paragraphs", of_blocks((0..500).map(|at| paragraph(&format!("paragraph {at}"))).collect())),
        ("500 rules", of_blocks((0..500).map(|_| Block::Rule).collect())),
        ("500 tables", of_blocks((0..500).map(|_| pairs(2, "v")).collect())),
        ("mixed", of_blocks((0..300).flat_map(|_| [paragraph("p"), Block::Rule, pairs(3, "v")]).collect())),
        ("10 fields", of_blocks(vec![pairs(10, &"v ".repeat(3_000))])),
        ("25 fields", of_blocks(vec![pairs(25, &"v ".repeat(3_000))])),
        ("100 fields", of_blocks(vec![pairs(100, "value")])),
        ("5,000 fields", of_blocks(vec![pairs(5_000, "value")])),
        ("50,000 items", of_blocks(vec![items])),
        ("deep", of_blocks(vec![deep])),
        ("10,000 runs", of_blocks(vec![Block::Paragraph(runs)])),
    ]
}

fn many_links() -> Vec<(&'static str, Message)> {
    let far = Url::parse(&format!("https://x.dev/{}", "y".repeat(3_500))).unwrap();
    let long = Url::parse(&format!("https://x.dev/{}", "y".repeat(600))).unwrap();
    let buttons = |url: &Url, count: usize, words: &str| Message {
        buttons: (0..count)
            .map(|at| Button { label: format!("{at} {}", "label ".repeat(30)), url: url.clone() })
            .collect(),
        ..of_blocks(vec![paragraph(words)])
    };
    let links = |url: &Url, count: usize| {
        let links = (0..count).map(|_| Inline::Link { url: url.clone(), content: text("words") });
        of_blocks(vec![Block::Paragraph(links.collect())])
    };
    vec![
        ("100 buttons", buttons(&address(), 100, "p")),
        ("100 long buttons", buttons(&long, 100, &"x".repeat(100_000))),
        ("far buttons", buttons(&far, 5, &"x".repeat(100_000))),
        ("far link", links(&far, 1)),
        ("long links", links(&long, 100)),
    ]
}

/// Messages with little or nothing in them.
fn empty() -> Vec<(&'static str, Message)> {
    let blank = ["", " ", "\u{200b}", "\u{0}\n"];
    let mut cases: Vec<(&'static str, Message)> = blank.iter().flat_map(|words| places(words)).collect();
    cases.extend([
        ("nothing", Message::default()),
        ("title alone", Message { title: text("Title"), ..Message::default() }),
        ("blank title", Message { title: text("\u{200b}"), ..Message::default() }),
        ("button alone", Message { buttons: vec![button("")], ..Message::default() }),
        (
            "empty blocks",
            of_blocks(vec![
                Block::Paragraph(vec![]),
                Block::List { start: None, items: vec![] },
                Block::List { start: Some(1), items: vec![ListItem::default(), ListItem::default()] },
                Block::Quote(vec![Block::Quote(vec![])]),
                Block::Code { language: None, text: "\n\n".to_owned() },
                Block::Table { header: vec![], rows: vec![] },
                Block::Table { header: vec![vec![], vec![]], rows: vec![vec![vec![], vec![]]] },
                Block::Table { header: vec![vec![], vec![], vec![]], rows: vec![vec![]] },
                Block::Heading { level: 0, content: vec![] },
            ]),
        ),
    ]);
    cases
}
