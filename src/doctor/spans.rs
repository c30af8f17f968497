//! Spans and sizes in words.

use jiff::{SignedDuration, Timestamp};

/// Returns a span in one unit: `3 min`.
pub(super) fn span(span: SignedDuration) -> String {
    let seconds = span.unsigned_abs().as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit}")
}

/// Returns how long ago a moment was.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.duration_since(at).max(SignedDuration::ZERO)))
}

/// Returns a size in its binary unit: `12 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let (count, unit) = match bytes {
        0..1_024 => (bytes, "bytes"),
        1_024..1_048_576 => (bytes >> 10, "KiB"),
        1_048_576..1_073_741_824 => (bytes >> 20, "MiB"),
        _ => (bytes >> 30, "GiB"),
    };
    format!("{count} {unit}")
}

/// Returns a number with its noun.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_says_enough() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (-90, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
        }
        for (bytes, expected) in
            [(0, "0 bytes"), (2_000, "1 KiB"), (5 << 20, "5 MiB"), (70_000_000_000, "65 GiB")]
        {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(ago(Timestamp::UNIX_EPOCH, Timestamp::from_second(61).unwrap()), "1 min ago");
        assert_eq!((counted(1, "run"), counted(0, "run")), ("1 run".to_owned(), "0 runs".to_owned()));
    }
}
