//! Cuts: what of a message a platform's limits would leave out, for `check`.
//!
//! Asks the same writers that make the body; knows no limit of its own.

use crate::message::{Block, Message};
use crate::notify::{Service, discord, shortening, slack, table};

/// Something of a message that would be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Which part.
    pub part: Part,
    /// What it is and by which limit, as in "the diff, by the limit of 10,000 characters in a message".
    pub what: String,
}

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The title.
    Title,
    /// The block with this index.
    Block(usize),
    /// The button with this index.
    Button(usize),
}

/// The limits of a service that cut, as words.
struct Limits {
    title: usize,
    label: usize,
    field: &'static str,
    body: &'static str,
    all: &'static str,
}

const SLACK: Limits = Limits {
    title: slack::limit::HEADER,
    label: slack::limit::BUTTON,
    field: "2,000 characters in a field",
    body: "10,000 characters in a message",
    all: "10,000 characters in a message",
};

const CLASSIC: Limits = Limits {
    field: "4,000 characters in an attachment",
    body: "4,000 characters in an attachment",
    all: "4,000 characters in an attachment",
    ..SLACK
};

const DISCORD: Limits = Limits {
    title: discord::limit::TITLE,
    label: discord::limit::LABEL,
    field: "256 characters in a field's name and 1,024 in its value",
    body: "4,096 characters in an embed's description",
    all: "6,000 characters in all embeds",
};

/// Returns everything that would be cut, from top to bottom; of the blocks only the first.
pub fn cuts(service: &Service, message: &Message) -> Vec<Cut> {
    let (limits, fits): (Limits, &dyn Fn(&Message) -> bool) = match service {
        Service::Slack(config) if config.slack_compatible => (CLASSIC, &slack::classic_fits),
        Service::Slack(config) => (SLACK, &|message| slack::fits(config, message)),
        Service::Discord(_) => (DISCORD, &discord::fits),
        Service::Webhook(_) => return Vec::new(),
    };
    let mut cuts = Vec::new();
    let title = crate::notify::summary::title(message).chars().count();
    if title > limits.title {
        let what = format!("the title of {title} characters, by the limit of {}", limits.title);
        cuts.push(Cut { part: Part::Title, what });
    }
    cuts.extend(first_block(message, &limits, fits));
    for (index, button) in message.buttons.iter().enumerate() {
        let label = shortening::label(button).chars().count();
        if label > limits.label {
            let what = format!("a button's label of {label} characters, by the limit of {}", limits.label);
            cuts.push(Cut { part: Part::Button(index), what });
        }
    }
    cuts
}

/// Finds the first block that does not fit whole behind those before it.
fn first_block(message: &Message, limits: &Limits, fits: &dyn Fn(&Message) -> bool) -> Option<Cut> {
    if fits(message) {
        return None;
    }
    let with = |blocks: &[Block]| fits(&Message { blocks: blocks.to_vec(), ..message.clone() });
    let index =
        (0..message.blocks.len()).find(|index| !with(message.blocks.get(..=*index).unwrap_or_default()));
    let Some((index, block)) = index.and_then(|index| Some((index, message.blocks.get(index)?))) else {
        let what = format!("the links, by the limit of {}", limits.all);
        return Some(Cut { part: Part::Button(0), what });
    };
    let is_alone_too_long = !with(std::slice::from_ref(block));
    let limit = match (table::pairs(block).is_some(), is_alone_too_long) {
        (true, true) => limits.field,
        (true, false) => limits.all,
        (false, _) => limits.body,
    };
    let what = format!("the {}, by the limit of {limit}", shortening::name(block));
    Some(Cut { part: Part::Block(index), what })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use url::Url;

    use super::*;
    use crate::message::{Button, Inline};
    use crate::notify::discord::DiscordConfig;
    use crate::notify::slack::{SlackAccess, SlackConfig};
    use crate::secret::Secret;

    fn slack(slack_compatible: bool) -> Service {
        let webhook_url = Secret::Known(SecretString::from("https://hooks.example/x"));
        Service::Slack(SlackConfig {
            access: SlackAccess::Webhook(webhook_url),
            buttons: true,
            slack_compatible,
        })
    }

    fn discord() -> Service {
        let webhook_url = Secret::Known(SecretString::from("https://hooks.example/x"));
        Service::Discord(DiscordConfig::of_webhook(webhook_url))
    }

    fn text(words: &str) -> Vec<Inline> {
        vec![Inline::Text(words.to_owned())]
    }

    fn paragraph(length: usize) -> Block {
        Block::Paragraph(text(&"x".repeat(length)))
    }

    fn table(columns: usize, length: usize) -> Block {
        let row = vec![text(&"x".repeat(length)); columns];
        Block::Table { header: vec![text("head"); columns], rows: vec![row] }
    }

    fn found(service: &Service, blocks: Vec<Block>) -> Vec<(Part, String)> {
        let message = Message { title: text("Title"), blocks, ..Message::default() };
        cuts(service, &message).into_iter().map(|cut| (cut.part, cut.what)).collect()
    }

    #[test]
    fn what_fits_is_not_told() {
        let blocks = vec![paragraph(2_000), table(2, 250), table(3, 60)];
        assert_eq!(found(&slack(false), blocks.clone()), []);
        assert_eq!(found(&discord(), blocks), []);
        assert_eq!(found(&slack(true), vec![paragraph(3_000)]), []);
    }

    #[test]
    fn the_first_block_that_does_not_fit_is_named_with_its_limit() {
        let one = |service: &Service, blocks| {
            let [(part, what)] = found(service, blocks).try_into().unwrap();
            (
                part,
                what.split_once(", by the limit of ")
                    .map(|(what, limit)| format!("{what}: {limit}"))
                    .unwrap(),
            )
        };
        let code = Block::Code { language: Some("diff".to_owned()), text: "+x\n".repeat(4_000) };
        for (service, blocks, expected) in [
            (slack(false), vec![paragraph(9), code], (1, "the diff: 10,000 characters in a message")),
            (slack(false), vec![table(2, 2_100)], (0, "the table: 2,000 characters in a field")),
            (
                slack(true),
                vec![paragraph(9), paragraph(4_000)],
                (1, "the text: 4,000 characters in an attachment"),
            ),
            (
                discord(),
                vec![paragraph(4_097), paragraph(9)],
                (0, "the text: 4,096 characters in an embed's description"),
            ),
            (
                discord(),
                vec![table(2, 1_025)],
                (0, "the table: 256 characters in a field's name and 1,024 in its value"),
            ),
            (
                discord(),
                [vec![paragraph(3_000)], vec![table(2, 250); 8]].concat(),
                (6, "the table: 6,000 characters in all embeds"),
            ),
        ] {
            assert_eq!(one(&service, blocks), (Part::Block(expected.0), expected.1.to_owned()));
        }
    }

    #[test]
    fn titles_and_labels_have_limits_too() {
        let url = Url::parse("https://x.dev/").unwrap();
        let message = Message {
            title: text(&"t".repeat(257)),
            buttons: vec![Button { label: "b".repeat(81), url }],
            ..Message::default()
        };
        for service in [slack(false), slack(true), discord()] {
            let parts: Vec<Part> = cuts(&service, &message).into_iter().map(|cut| cut.part).collect();
            assert_eq!(parts, [Part::Title, Part::Button(0)]);
        }
    }
}
