//! Trials: one message by hand to a destination, to see whether it arrives.

use jiff::Timestamp;
use serde_json::json;

use super::{Call, Destination, Notifier, SendError, Sent};
use crate::delivery::{DeliveryId, DestinationKind, Rung};
use crate::message::{Block, Inline, Message, Tone};
use crate::render::Rendered;
use crate::render::context::{Document, rfc3339};

/// Sends a destination one test message.
///
/// # Errors
/// [`SendError`]: what the answer, or its absence, means.
pub async fn trial(
    destination: &Destination,
    notifier: &dyn Notifier,
    now: Timestamp,
) -> Result<Sent, SendError> {
    let call = Call::new(DeliveryId::new(format!("dlv_test{}", now.as_microsecond())), now);
    let body = notifier.body(&test_message(destination, now), Rung::Whole, &call.envelope);
    notifier.send(body, &call).await
}

fn test_message(destination: &Destination, now: Timestamp) -> Rendered {
    let name = destination.name.to_string();
    let why = " of seer-relay, sent by hand to see whether it arrives. It did.";
    match destination.service.kind() {
        DestinationKind::Slack | DestinationKind::Discord => Rendered::Message(Message {
            title: vec![Inline::Text("Test message".into())],
            blocks: vec![Block::Paragraph(vec![
                Inline::Text("This is ".into()),
                Inline::Code(name),
                Inline::Text(why.into()),
            ])],
            tone: Tone::Done,
            ..Message::default()
        }),
        DestinationKind::Webhook => Rendered::Document(Document::from(json!({
            "event": { "id": format!("evt_test{}", now.as_microsecond()), "action": "relay.test",
                       "received_at": rfc3339(now) },
            "message": format!("This is `{name}`{why}"),
        }))),
    }
}
