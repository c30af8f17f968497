//! Texts that models write: no message of them is over a limit, invalid, or does anything but be read.

use seer_relay::delivery::Rung;
use seer_relay::message::Message;
use seer_relay::message::markdown::{Values, parse, strip};
use serde_json::Value;

use super::mutation::Structure;
use super::{Target, fixtures, in_time};
use crate::proof::{Proof, addresses, body, discord, slack};

const WORDS: &[&str] = &[
    "*",
    "**",
    "_",
    "__",
    "~~",
    "`",
    "```",
    "```diff\n",
    "~~~",
    "# ",
    "\n- ",
    "\n  - ",
    "\n1. ",
    "\n> ",
    ">>>>>>>>",
    "| a | b |\n|---|---|\n",
    "|",
    "\n---\n",
    "[",
    "](",
    "]",
    ")",
    "![",
    "<",
    ">",
    "<b>",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "&lt;",
    "&#0;",
    "&#x202e;",
    "\\",
    "<!channel>",
    "<@U123>",
    "<@&1>",
    "<t:1:R>",
    "@everyone",
    "@here",
    ":tada:",
    "https://x.example/a?b=(1)",
    "javascript:",
    "[r]: https://r.example\n",
    "\"button\"",
    "\u{fdd0}",
    "\u{fde0}",
    "\u{fdd2}",
    "\u{202e}",
    "\u{200b}",
    "\u{0}",
    "\u{2028}",
    "e\u{301}",
    "👩‍👩‍👧‍👦",
    "値",
    "    ",
    "\t",
    "\n\n",
    "||",
    "-# ",
    "W",
    "[x](https://a.example \"button\")",
    "<https://a.example|b>",
    "www.x.example",
    "a@b.example",
];

/// CommonMark's own examples.
fn examples() -> Vec<Vec<u8>> {
    let examples: Value = serde_json::from_str(include_str!("../../fixtures/commonmark-0.31.json")).unwrap();
    let examples = examples.as_array().unwrap().iter();
    examples.map(|example| example["markdown"].as_str().unwrap().into()).collect()
}

#[test]
fn no_text_makes_a_message_that_is_over_a_limit_or_does_anything() {
    let (proof, validator) = (Proof::new(), crate::proof::discord::validator());
    let seeds = fixtures().into_iter().chain(examples()).collect();
    let target = Target { name: "markdown", cases: 12, seeds, words: WORDS, structure: Structure::Lines };
    target.fuzz(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        // What no text may hold is left out of messages, and so of the addresses in them.
        let seen = strip(&text).to_lowercase();
        let message = in_time(|| proof.whole(&text));
        for address in addresses(&message) {
            let host = address.split('/').nth(2).unwrap_or_default().to_lowercase();
            let host = host.split(':').next().unwrap();
            let known = ["ok.example", "acme.sentry.io"].contains(&host);
            assert!(known || host.contains('%') || host.contains("xn--") || seen.contains(host), "{address}");
        }
        holds(&message, &validator);
        holds(&in_time(|| proof.places(&text)), &validator);
        // As if it were a template of its own; one that makes nothing is refused before it is written.
        let own = in_time(|| parse(&text, &Values::default()));
        if !(own.title.is_empty() && own.blocks.is_empty() && own.buttons.is_empty()) {
            holds(&own, &validator);
        }
    });
}

fn holds(message: &Message, validator: &jsonschema::Validator) {
    let allowed = addresses(message);
    let written =
        |destination| in_time(|| Rung::ALL.iter().map(|rung| body(&destination, message, *rung)).collect());
    let [plain, buttons, classic, embeds]: [Vec<Value>; 4] =
        [slack(false, false), slack(true, false), slack(false, true), discord()].map(written);
    for body in plain.iter().chain(&buttons) {
        crate::proof::slack::check("", body, &allowed);
    }
    crate::proof::slack::check_classic("", &classic[0], &allowed);
    for body in &embeds {
        crate::proof::discord::check(validator, "", body, &allowed);
    }
}
