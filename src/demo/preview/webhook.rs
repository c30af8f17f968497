//! A generic webhook: one line, for a receiver that is a program.

use super::{Style, accent};
use crate::demo::body::text_at;
use crate::demo::receivers::{Received, SignatureCheck};
use crate::demo::text::{Line, Look, Span, beside};

/// Draws one line: when, what, how large, and whether the signature held.
pub(super) fn lines(received: &Received, time: &str, style: Style) -> Vec<Line> {
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
