//! Tests of the page: what it shows, and that no stranger becomes part of it.

use serde_json::{Value, json};

use super::*;

const PLATFORMS: [Platform; 3] = [Platform::Slack, Platform::SlackCompatible, Platform::Discord];

const POISONS: [&str; 9] = [
    "</style><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<!-- <svg onload=alert(1)>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://a.dev/\" onclick=\"alert(1)",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "<a href=https://evil.example>\u{202e}\u{0}\u{7}\u{9b}",
];

/// An element's start, its attributes by name.
#[derive(Debug, PartialEq)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// Reads a page as a browser would, but for this: it stands no element that is not closed in its turn.
fn tags(page: &str) -> Vec<Tag> {
    const EMPTY: [&str; 3] = ["meta", "input", "!doctype"];
    let mut tags = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let end = rest.find([' ', '=']).unwrap_or(rest.len());
            let (attribute, after) = rest.split_at(end);
            let (value, after) = match after.strip_prefix("=\"") {
                Some(after) => after.split_once('"').unwrap(),
                None => ("", after),
            };
            attributes.push((attribute.to_owned(), value.to_owned()));
            rest = after.trim_start_matches(' ');
        }
        if !EMPTY.contains(&name) {
            open.push(name.to_owned());
        }
        tags.push(Tag { name: name.to_owned(), attributes });
    }
    assert!(open.is_empty(), "{open:?}");
    tags
}

/// Returns what a reader sees.
fn words(page: &str) -> String {
    let texts: String =
        page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(texts, |text, (entity, character)| text.replace(entity, character))
}

fn assert_harmless(page: &str) {
    const ELEMENTS: &str = "!doctype html head meta title style body header div h1 h2 h3 p code form fieldset legend \
                            label input span nav a main section article b i s u pre ins del em ul li blockquote \
                            table tr td details summary";
    const ATTRIBUTES: &str = "html lang charset http-equiv content name class id type checked autocomplete href title \
                              rel target open";
    let known = |list: &str, name: &str| list.split_whitespace().any(|each| each == name);
    for Tag { name, attributes } in tags(page) {
        assert!(known(ELEMENTS, &name), "<{name}>");
        for (attribute, value) in &attributes {
            assert!(known(ATTRIBUTES, attribute), "{attribute}={value} of <{name}>");
            if attribute == "href" {
                let is_web = value.starts_with("https://") || value.starts_with("http://");
                assert!(value.starts_with('#') || is_web, "{value}");
                let rel = attributes
                    .iter()
                    .any(|(name, value)| name == "rel" && value.contains("noopener noreferrer"));
                assert_eq!(rel, is_web, "{attributes:?}");
            }
            if attribute == "class" {
                assert!(
                    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -".contains(&byte)),
                    "{value}"
                );
            }
            if attribute == "id" {
                assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{value}");
            }
        }
    }
    let control = page.chars().find(|character| character.is_control() && !"\n\t".contains(*character));
    assert_eq!(control, None);
}

/// Puts a text in the place of every `$`, names of fields included.
fn poisoned(body: &Value, poison: &str) -> Value {
    match body {
        Value::String(text) => Value::String(text.replace('$', poison)),
        Value::Array(items) => items.iter().map(|item| poisoned(item, poison)).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| (key.replace('$', poison), poisoned(value, poison));
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
    }
}

/// A body with a stranger's text in every place of every platform.
fn body_of_strangers() -> Value {
    let text = json!([{ "type": "text", "text": "$", "style": { "bold": true, "code": true } },
        { "type": "link", "text": "$", "url": "$" }, { "type": "link", "url": "https://$" },
        { "type": "emoji", "name": "$" }, { "type": "user", "user_id": "$" }, { "type": "$" }]);
    json!({
        "type": "$", "$": "$", "username": "$",
        "content": "$ `$` [$](https://$) [$]($) <@$> <https://$>\n# $\n-# $\n```diff\n+$\n-$\n```\n> $\n- $\n  1. $",
        "text": "$ *$* `$` <https://a|$> <$|$> <!$> <@$>\n&gt; $\n```$```",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "$" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "$ `$` <$|$>" },
              "fields": [{ "type": "mrkdwn", "text": "*$*\n$" }] },
            { "type": "context", "elements": [{ "type": "image", "alt_text": "$" }] },
            { "type": "image", "alt_text": "$", "image_url": "$" }, { "type": "$" },
            { "type": "actions", "elements": [
                { "type": "button", "url": "$", "text": { "type": "plain_text", "text": "$" } },
                { "type": "button", "url": "https://$", "style": "$", "text": { "type": "plain_text", "text": "$" } }] },
            { "type": "table", "rows": [[{ "type": "raw_text", "text": "$" }]] },
            { "type": "rich_text", "elements": [
                { "type": "rich_text_section", "elements": text },
                { "type": "rich_text_list", "style": "$", "elements": [{ "elements": text }] },
                { "type": "rich_text_quote", "elements": text },
                { "type": "rich_text_preformatted", "elements": text }] },
        ],
        "attachments": [{ "color": "$", "pretext": "$", "title": "$", "title_link": "$", "text": "$ [$]($)",
            "fields": [{ "title": "$", "value": "$" }], "blocks": [{ "type": "divider" }] }],
        "embeds": [{ "title": "$", "url": "$", "description": "$", "color": 0x2e_a0_43, "author": { "name": "$" },
            "footer": { "text": "$" }, "timestamp": "$", "image": { "url": "$" },
            "fields": [{ "name": "$", "value": "$", "inline": true }] },
            { "title": "$", "url": "https://$", "color": 4_294_967_295_u32 }],
        "components": [{ "components": [{ "label": "$", "url": "$" }] }],
    })
}

/// A page that shows a body on every screen.
fn page_of(body: &Value, words: &str) -> String {
    let sent = Outcome::Sent { body: Bytes::from(body.to_string()), cut: Some(words.to_owned()) };
    let takes = vec![
        Take { samples: vec![Sample::Present, Sample::Documented], outcome: sent },
        Take { samples: vec![Sample::Long], outcome: Outcome::Untried("why") },
        Take { samples: vec![Sample::Hostile], outcome: Outcome::Failed(words.to_owned()) },
    ];
    let screens = PLATFORMS.map(Screen::Chat).into_iter().chain([Screen::Service]);
    let views = screens.map(|screen| View {
        destination: words.to_owned(),
        screen,
        template: words.to_owned(),
        is_own: true,
        is_routed: false,
        takes: takes.clone(),
    });
    let action = Action { name: words.to_owned(), views: views.collect() };
    Page { folder: words.to_owned(), actions: vec![action] }.to_html()
}

#[test]
fn no_text_of_a_body_becomes_markup() {
    for poison in POISONS {
        let page = page_of(&poisoned(&body_of_strangers(), poison), poison);
        assert_harmless(&page);
        let shown: String = poison.chars().filter(|character| !character.is_control()).collect();
        let text: String =
            words(&page).chars().filter(|each| !('\u{2400}'..='\u{2421}').contains(each)).collect();
        assert!(text.contains(&shown.replace('\u{9b}', "")), "{poison}");
    }
}

#[test]
fn the_structure_is_that_of_a_harmless_text_where_a_platform_reads_no_markup() {
    let literal = json!({ "last $": "$", "blocks": [
        { "type": "header", "text": { "type": "plain_text", "text": "$" } },
        { "type": "section", "fields": [{ "type": "plain_text", "text": "$" }] },
        { "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [{ "type": "text", "text": "$" },
                { "type": "link", "url": "https://a.dev", "text": "$" }] },
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "$" }] }] },
        { "type": "actions", "elements": [{ "type": "button", "url": "https://a.dev", "text": { "text": "$" } }] },
    ] });
    let structure = |text: &str| {
        tags(&page_of(&poisoned(&literal, text), "words")).into_iter().map(|tag| tag.name).collect::<Vec<_>>()
    };
    for poison in POISONS {
        assert_eq!(structure(poison), structure("x"), "{poison}");
    }
}

#[test]
fn bodies_that_are_no_messages_are_shown_as_they_are() {
    for body in [&b"<script>"[..], b"", b"[1]", b"null", b"\"<b>\"", b"\xff<"] {
        let outcome = Outcome::Sent { body: Bytes::copy_from_slice(body), cut: None };
        let views = PLATFORMS.map(Screen::Chat).into_iter().chain([Screen::Service]).map(|screen| View {
            destination: "d".to_owned(),
            screen,
            template: "t".to_owned(),
            is_own: false,
            is_routed: true,
            takes: vec![Take { samples: vec![Sample::Present], outcome: outcome.clone() }],
        });
        let action = Action { name: "a".to_owned(), views: views.collect() };
        assert_harmless(&Page { folder: String::new(), actions: vec![action] }.to_html());
    }
}

#[test]
fn the_policy_allows_this_style_sheet_and_nothing_else() {
    let page = page_of(&body_of_strangers(), "x");
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    assert!(
        page.contains(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")),
        "{policy}"
    );
    assert!(!style.contains("url(") && !style.contains("@import"), "the page asks no network");
    assert!(style.contains(".bar-2ea043{--bar:#2ea043}") && page.contains("class=\"card bar-2ea043\""));
    assert!(!style.contains(".bar-ffffffff"));
}

#[test]
fn the_page_says_who_made_what_for_whom_and_what_was_cut() {
    let words = words(&page_of(&json!({ "text": "Seer *found* it" }), "pr_created"));
    for part in
        ["PR created", "pr_created", "yours", "no route sends the sample here", "Cut to fit: pr_created"]
    {
        assert!(words.contains(part), "{part}");
    }
}

#[test]
fn a_chat_is_drawn_and_a_phone_says_its_notification() {
    let body = json!({ "text": "Seer *found* it", "blocks": [
        { "type": "header", "text": { "type": "plain_text", "text": "Root cause" } },
        { "type": "rich_text", "elements": [
            { "type": "rich_text_list", "style": "ordered", "indent": 0, "elements": [
                { "elements": [{ "type": "text", "text": "why", "style": { "bold": true } }] }] },
            { "type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [
                { "elements": [{ "type": "link", "text": "PR", "url": "https://a.dev/1" }] }] },
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "said" }] }] }] });
    let page = page_of(&body, "x");
    for part in [
        "<div class=\"says\">Seer found it</div>",
        "<div class=\"h1\">Root cause</div>",
        "<li class=\"in0\"><span class=\"mark\">1.</span><span class=\"words\"><b>why</b></span></li>",
        "<li class=\"in1\"><span class=\"mark\">◦</span>",
        "<a class=\"link\" href=\"https://a.dev/1\" title=\"https://a.dev/1\" rel=\"noopener noreferrer nofollow\" \
         target=\"_blank\">PR</a>",
        "<blockquote><p>said</p></blockquote>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let silent = page_of(&json!({ "blocks": [{ "type": "divider" }] }), "x");
    assert!(silent.contains("The body gives a notification nothing to say."));
}

#[test]
fn json_keeps_its_order_and_can_be_folded() {
    let body = br#"{"type":"seer.x","id":1,"data":{"b":[],"a":{"deep":{"deeper":null}}},"a":1.5}"#;
    let mut html = Html::default();
    json_tree::write(&mut html, body);
    let html = html.into_text();
    let shown = words(&html);
    let at = |part: &str| shown.find(part).unwrap_or_else(|| panic!("{part} in {shown}"));
    assert!(at("\"type\": \"seer.x\",") < at("\"id\": 1,") && at("\"b\": [],") < at("\"a\": {"));
    assert!(html.contains("<details open>") && html.contains("<details>"), "{html}");
}
