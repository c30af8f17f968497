//! The lenient reader of JSON: what `serde_json` takes it reads as the same, and everything in time.

use seer_relay::json::parse_lenient;
use seer_relay::sample::{self, SampleIds, Shape};
use serde_json::Value;

use super::mutation::Structure;
use super::{Target, in_time};
use seer_relay::event::Action;

const WORDS: &[&str] = &[
    "\\ud83d\\ude00",
    "\\ud800",
    "\\udfff",
    "\\u0000",
    "\\u005c",
    "\\",
    "\\\"",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    ",",
    ":",
    "null",
    "true",
    "1e999",
    "-",
    "1E+400",
    "0.1e-7",
    "18446744073709551616",
    "\u{feff}",
    "é",
    "💥",
    "\n",
    "//",
];

#[test]
fn json_is_read_as_serde_json_reads_it_or_more_leniently() {
    let seeds = Shape::ALL.iter().flat_map(|shape| {
        let bodies = Action::OF_SEER.iter().map(|action| sample::body(action, *shape, &SampleIds::default()));
        bodies.map(|body| sample::encode(&body))
    });
    let target =
        Target { name: "json", cases: 500, seeds: seeds.collect(), words: WORDS, structure: Structure::Json };
    target.fuzz(|bytes| {
        let lenient = in_time(|| parse_lenient(bytes));
        let strict = serde_json::from_slice::<Value>(bytes);
        match (&lenient, &strict) {
            (Ok(lenient), Ok(strict)) => assert!(is_like(lenient, strict), "{lenient} is not {strict}"),
            (Err(error), Ok(strict)) => panic!("{strict} is not read: {error}"),
            (Ok(_), Err(_)) => {}
            (Err(error), Err(_)) => {
                let words = error.to_string();
                assert!(words.len() < 200 && !words.contains(char::is_control), "{words:?}");
            }
        }
        if let Ok(value) = lenient {
            let again = parse_lenient(value.to_string().as_bytes()).unwrap();
            assert!(is_like(&again, &value), "{again} is not {value}");
            let text = std::str::from_utf8(bytes).unwrap();
            let is_mended = strict.is_err();
            let reasons = ["\\ud", "\\uD", "e", "E", "\u{feff}", "[", "{"];
            let has_reason = reasons.iter().any(|reason| text.contains(reason)) || text.len() > 300;
            assert!(!is_mended || has_reason, "{text:?} is read for no reason");
        }
    });
}

/// Whether two values are equal, but for integers beyond 64 bits, which `serde_json` rounds, and the last digit of a
/// fraction that was written and read.
fn is_like(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_like(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_same = |((key, one), (name, other)): ((_, _), (_, _))| key == name && is_like(one, other);
            one.len() == other.len() && one.iter().zip(other).all(is_same)
        }
        (Value::String(text), Value::Number(number)) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            digits.len() >= 19
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && text
                    .parse::<f64>()
                    .ok()
                    .zip(number.as_f64())
                    .is_some_and(|(one, other)| is_near(one, other))
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| is_near(one, other))
        }
        _ => one == other,
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs() * 1e-15 || (one - other).abs() < f64::MIN_POSITIVE
}
