//! Pictures: what a stand-in receiver got, as the terminal shows it. A chat's post is framed; a generic webhook is one
//! line, for its receiver is a program.

use serde_json::Value;

use super::receivers::{Deed, Received, Receiver, SignatureCheck};
use crate::preview::Platform;
use crate::preview::body::{list_at, nested_text_at, text_at};
use crate::preview::terminal::text::{Line, Look, Span, beside, paint, width};
use crate::preview::terminal::{self, Frame, Style};

/// Draws what a receiver took; `time` is shown as it is. What is no new message is said to be none. Ends with a line
/// break.
pub(super) fn draw(received: &Received, time: &str, style: Style) -> String {
    match platform(received.receiver) {
        Some(platform) => {
            let frame = Frame { platform, channel: received.receiver.channel(), time };
            let post = terminal::draw(&platform.read(&received.body), frame, style);
            painted(&deed_lines(received, time, style.fitted()), style) + &post
        }
        None => painted(&webhook_lines(received, time, style.fitted()), style),
    }
}

fn painted(lines: &[Line], style: Style) -> String {
    lines.iter().map(|line| paint(line, style).trim_end().to_owned() + "\n").collect()
}

/// Says what became of which message, where it is no new one.
fn deed_lines(received: &Received, time: &str, style: Style) -> Vec<Line> {
    let name = Span::new(received.receiver.title(), accent(received.receiver).and(Look::BOLD));
    let quiet = |text: &str| Span::new(text, Look::QUIET);
    let bold = |text: &str| Span::new(text, Look::BOLD);
    let words = match &received.deed {
        None | Some(Deed::Posted) => return Vec::new(),
        Some(Deed::Replied { shown: false }) => vec![quiet(" ↳ a reply to the card")],
        Some(Deed::Replied { shown: true }) => {
            vec![quiet(" ↳ a reply to the card that the channel shows, too")]
        }
        Some(Deed::Edited { before }) => {
            let [before, after] = [before, &received.body].map(|body| headline(received.receiver, body));
            let edited = || vec![quiet(" ↻ edited in place: ")];
            let from = [quiet(&before), quiet(" → ")];
            let whole = [edited(), from.to_vec(), vec![bold(&after)]].concat();
            // What a card said before is worth no second line.
            let line = [&[quiet(time), quiet("  "), name.clone()], &whole[..]].concat();
            if before == after || width(&line) > style.width {
                [edited(), vec![bold(&after)]].concat()
            } else {
                whole
            }
        }
    };
    let spans: Vec<Span> = std::iter::once(name).chain(words).collect();
    beside(&quiet(&format!("{time}  ")), &spans, style)
}

/// Returns a message's title without the issue.
fn headline(receiver: Receiver, body: &Value) -> String {
    title(receiver, body).split(" · ").next().unwrap_or_default().to_owned()
}

/// Returns a chat message's title; empty where it has none.
pub(super) fn title(receiver: Receiver, body: &Value) -> String {
    match receiver {
        Receiver::Slack => {
            let header = list_at(body, "blocks").iter().find(|block| text_at(block, "type") == "header");
            header.map(|header| nested_text_at(header, "text", "text")).unwrap_or_default().to_owned()
        }
        Receiver::Discord => {
            let embed = list_at(body, "embeds").first();
            embed.map(|embed| text_at(embed, "title")).unwrap_or_default().replace('\\', "")
        }
        Receiver::Webhook => String::new(),
    }
}

/// Returns the colour that stands for a receiver.
pub(super) fn accent(receiver: Receiver) -> Look {
    platform(receiver).map_or(Look::ink(37), terminal::accent)
}

fn platform(receiver: Receiver) -> Option<Platform> {
    match receiver {
        Receiver::Slack => Some(Platform::Slack),
        Receiver::Discord => Some(Platform::Discord),
        Receiver::Webhook => None,
    }
}

/// Draws one line: when, what, how large, and whether the signature held.
fn webhook_lines(received: &Received, time: &str, style: Style) -> Vec<Line> {
    let quiet = |text: &str| Span::new(text, Look::QUIET);
    let mut spans = vec![
        Span::new(received.receiver.title(), accent(received.receiver).and(Look::BOLD)),
        quiet(" ← "),
        Span::plain(&format!("{:<25}", text_at(&received.body, "type"))),
        quiet(&format!(
            " {:>8}  {}",
            size(received.bytes),
            short(received.webhook_id.as_deref().unwrap_or("no id"))
        )),
    ];
    spans.push(Span::plain("  "));
    spans.push(match received.signature {
        SignatureCheck::Verified => Span::new("✓ verified", Look::ink(2)),
        SignatureCheck::Failed => Span::new("✗ wrong signature", Look::ink(1)),
        SignatureCheck::None => quiet("not signed"),
    });
    if received.repeated {
        spans.push(Span::new("  ↺ a repeat", Look::ink(3)));
    }
    beside(&quiet(&format!("{time}  ")), &spans, style)
}

fn size(bytes: usize) -> String {
    bytesize::ByteSize(bytes as u64).display().iec().to_string()
}

/// Ids of one second begin alike; the end tells them apart.
fn short(id: &str) -> String {
    const KEPT: usize = 6;
    match id.split_once('_') {
        Some((prefix, rest)) if rest.chars().count() > KEPT => {
            let end: String = rest.chars().skip(rest.chars().count() - KEPT).collect();
            format!("{prefix}_…{end}")
        }
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::demo::receivers::Answer;

    fn received(webhook_id: &str) -> Received {
        Received {
            receiver: Receiver::Webhook,
            bytes: 4_096,
            body: json!({ "type": "seer.root_cause_completed", "data": {} }),
            answer: Answer::Taken,
            deed: None,
            webhook_id: Some(webhook_id.to_owned()),
            signature: SignatureCheck::Verified,
            repeated: true,
            arrived: Instant::now(),
        }
    }

    #[test]
    fn a_webhook_is_one_line() {
        let received = received("dlv_01J9ZK3V7Q4MABCDEFGHJKMNPQ");
        let line = draw(&received, "14:03:22", Style { colour: false, width: 120 });
        insta::assert_snapshot!(line, @"14:03:22  webhook ← seer.root_cause_completed  4.0 KiB  dlv_…JKMNPQ  ✓ verified  ↺ a repeat");
    }

    #[test]
    fn an_edit_is_said_to_be_one_and_what_changed() {
        let body = |title: &str| json!({ "embeds": [{ "title": format!("{title} · API\\-1"), "description": "d" }] });
        let edited = |before: &str, after: &str| Received {
            receiver: Receiver::Discord,
            body: body(after),
            deed: Some(Deed::Edited { before: body(before) }),
            ..received("")
        };
        let said = |received: &Received| {
            let drawn = draw(received, "14:03:22", Style { colour: false, width: 96 });
            drawn.lines().next().unwrap().to_owned()
        };
        assert_eq!(
            said(&edited("Fix planned", "Writing the fix")),
            "14:03:22  Discord ↻ edited in place: Fix planned → Writing the fix"
        );
        assert_eq!(
            said(&edited("Fix planned", "Fix planned")),
            "14:03:22  Discord ↻ edited in place: Fix planned"
        );
        let long = "Revising the pull request (round 1)";
        assert_eq!(
            said(&edited(long, "Pull request updated (round 1)")),
            "14:03:22  Discord ↻ edited in place: Pull request updated (round 1)"
        );
        let posted = Received { deed: Some(Deed::Posted), ..edited("", "Fix planned") };
        assert!(said(&posted).starts_with("╭─ Discord"));
    }

    #[test]
    fn no_control_character_of_an_id_reaches_the_terminal() {
        let line = draw(&received("\u{1b}[2J"), "14:03:22", Style { colour: false, width: 120 });
        assert!(line.contains("␛[2J") && !line.contains('\u{1b}'), "{line}");
    }
}
