//! Lenient JSON: reads what Sentry's writer makes of values that strict JSON has no form for.
//!
//! A pass over the bytes before `serde_json`, which copies only where something needs mending. Knows nothing of
//! webhooks. What it mends: half of a surrogate pair becomes U+FFFD, a number that no double holds null, an integer
//! beyond 64 bits text. Of a key given twice the last wins, and a byte order mark at the start is skipped.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 128;

/// An integer of so many digits fits into 64 bits, whatever they are.
const SAFE_DIGITS: usize = 18;

/// A number without an exponent and of so many characters fits into a double, whatever they are.
const SAFE_DOUBLE_CHARACTERS: usize = 300;

/// What stands for half of a surrogate pair; as long as the escape that it replaces.
const REPLACEMENT_ESCAPE: &str = "\\ufffd";

/// Why bytes are no JSON.
#[derive(Debug, thiserror::Error)]
pub enum NotJson {
    /// They are no text.
    #[error("byte {byte} is not UTF-8")]
    NotText {
        /// The first byte that is none, counted from 1.
        byte: usize,
    },
    /// They nest deeper than anything that Sentry sends.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// They break the syntax; says where.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

/// Reads JSON leniently.
///
/// # Errors
/// [`NotJson`]: not UTF-8, not JSON, or nested deeper than 128 levels.
pub fn parse_lenient(bytes: &[u8]) -> Result<Value, NotJson> {
    let text = mended(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    // The mender has counted the levels; serde_json's own limit is one level lower.
    deserializer.disable_recursion_limit();
    let value = Value::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads JSON leniently, and keeps it as text: in the order and with the spaces in which it came.
///
/// # Errors
/// As [`parse_lenient`].
pub fn raw_lenient(bytes: &[u8]) -> Result<Box<RawValue>, NotJson> {
    Ok(RawValue::from_string(mended(bytes)?.into_owned())?)
}

fn mended(bytes: &[u8]) -> Result<Cow<'_, str>, NotJson> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| NotJson::NotText { byte: error.valid_up_to().saturating_add(1) })?;
    mend(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Replaces what `serde_json` would refuse or round. What is no JSON at all is left for it to complain of.
fn mend(text: &str) -> Result<Cow<'_, str>, NotJson> {
    let mut mender = Mender { text, position: 0, copied: 0, output: String::new() };
    let mut depth = 0_usize;
    while let Some(byte) = mender.peek(0) {
        match byte {
            b'"' => mender.pass_string(),
            b'-' | b'0'..=b'9' => mender.pass_number(),
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(NotJson::TooDeep);
                }
                mender.position += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                mender.position += 1;
            }
            _ => mender.position += 1,
        }
    }
    Ok(mender.finish())
}

/// Walks over the text; `output` holds the mended text of everything before `copied`.
struct Mender<'text> {
    text: &'text str,
    position: usize,
    copied: usize,
    output: String,
}

impl<'text> Mender<'text> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn rest(&self) -> &'text [u8] {
        self.text.as_bytes().get(self.position..).unwrap_or_default()
    }

    /// Passes over a string, from its opening quote to behind its closing one.
    fn pass_string(&mut self) {
        self.position += 1;
        loop {
            let rest = self.rest();
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.position += rest.len();
                return;
            };
            self.position += length;
            if self.peek(0) == Some(b'"') {
                self.position += 1;
                return;
            }
            self.pass_escape();
        }
    }

    fn pass_escape(&mut self) {
        match self.code_unit(0) {
            None => self.position += 2,
            Some(0xd800..=0xdbff) if matches!(self.code_unit(6), Some(0xdc00..=0xdfff)) => {
                self.position += 12;
            }
            Some(0xd800..=0xdfff) => self.replace(6, REPLACEMENT_ESCAPE),
            Some(_) => self.position += 6,
        }
    }

    /// Reads `\uXXXX` at so many bytes from here.
    fn code_unit(&self, ahead: usize) -> Option<u16> {
        if self.peek(ahead)? != b'\\' || self.peek(ahead + 1)? != b'u' {
            return None;
        }
        (2..6).try_fold(0, |unit, digit| {
            let digit = char::from(self.peek(ahead + digit)?).to_digit(16)?;
            Some(unit << 4 | u16::try_from(digit).ok()?)
        })
    }

    fn pass_number(&mut self) {
        let rest = self.rest();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        if length <= SAFE_DIGITS && !rest.iter().take(length).any(|byte| matches!(byte, b'e' | b'E')) {
            self.position += length;
            return;
        }
        let literal = self.text.get(self.position..self.position + length).unwrap_or_default();
        match classify(literal) {
            Literal::Fine => self.position += length,
            Literal::BeyondDouble => self.replace(length, "null"),
            Literal::Beyond64Bits => {
                self.replace(0, "\"");
                self.position += length;
                self.replace(0, "\"");
            }
        }
    }

    /// Puts `mended` in the place of the next `length` bytes.
    fn replace(&mut self, length: usize, mended: &str) {
        self.output.push_str(self.text.get(self.copied..self.position).unwrap_or_default());
        self.output.push_str(mended);
        self.position += length;
        self.copied = self.position;
    }

    fn finish(mut self) -> Cow<'text, str> {
        if self.output.is_empty() {
            return Cow::Borrowed(self.text);
        }
        self.output.push_str(self.text.get(self.copied..).unwrap_or_default());
        Cow::Owned(self.output)
    }
}

/// What a number needs.
enum Literal {
    Fine,
    BeyondDouble,
    Beyond64Bits,
}

fn classify(literal: &str) -> Literal {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    if digits.starts_with('0') && digits.len() > 1 && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
    {
        return Literal::Fine; // No JSON number.
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let fits = literal.parse::<u64>().is_ok() || literal.parse::<i64>().is_ok();
        return if fits { Literal::Fine } else { Literal::Beyond64Bits };
    }
    let may_overflow = literal.len() > SAFE_DOUBLE_CHARACTERS || literal.contains(['e', 'E']);
    if may_overflow && is_json_number(digits) && serde_json::from_str::<f64>(literal).is_err() {
        return Literal::BeyondDouble;
    }
    Literal::Fine
}

/// Tells whether this is digits, a fraction if any, and an exponent if any.
fn is_json_number(unsigned: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|digits| digits.strip_prefix(['+', '-']).unwrap_or(digits));
    is_digits(whole) && fraction.is_none_or(is_digits) && exponent.is_none_or(is_digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        parse_lenient(text.as_bytes()).unwrap()
    }

    #[test]
    fn ordinary_json_is_read_without_a_copy() {
        let text = r#"{"a":[1,-2.5e3,"é\n\ud83d\ude00\\",null,true],"b":{}}"#;
        assert!(matches!(mend(text).unwrap(), Cow::Borrowed(_)));
        assert_eq!(read(text), json!({"a": [1, -2500.0, "é\n😀\\", null, true], "b": {}}));
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_the_replacement_character() {
        assert_eq!(read(r#""\ud800""#), json!("\u{fffd}"));
        assert_eq!(read(r#""\uDC00x""#), json!("\u{fffd}x"));
        assert_eq!(read(r#""\ud83d\ud83d\ude00""#), json!("\u{fffd}😀"));
        assert_eq!(read(r#""\ud83d\u0041""#), json!("\u{fffd}A"));
        assert_eq!(read(r#""\ud83d\\ude00""#), json!("\u{fffd}\\ude00"));
        assert_eq!(read(r#"{"\udfff":"\\ud800"}"#), json!({"\u{fffd}": "\\ud800"}));
    }

    #[test]
    fn a_number_that_no_double_holds_is_null() {
        assert_eq!(
            read("[1e999,-1E+999,1.5e308,0e999999999999,1e-999]"),
            json!([null, null, 1.5e308, 0.0, 0.0])
        );
        assert_eq!(read(&format!("[1{}.0]", "0".repeat(400))), json!([null]));
        assert_eq!(read("1.7976931348623157e308"), json!(f64::MAX));
    }

    #[test]
    fn an_integer_beyond_64_bits_is_text_and_every_other_one_exact() {
        let text = "[18446744073709551615,18446744073709551616,-9223372036854775808,-9223372036854775809,9]";
        let mended = json!([u64::MAX, "18446744073709551616", i64::MIN, "-9223372036854775809", 9]);
        assert_eq!(read(text), mended);
        let long = "7".repeat(5000);
        assert_eq!(read(&long), json!(long));
    }

    #[test]
    fn of_a_key_given_twice_the_last_wins() {
        assert_eq!(read(r#"{"a":1,"b":0,"\u0061":[2]}"#), json!({"a": [2], "b": 0}));
    }

    #[test]
    fn control_characters_are_kept() {
        assert_eq!(read(r#""a\u0000\u0007\u0085b""#), json!("a\0\u{7}\u{85}b"));
    }

    #[test]
    fn nesting_is_read_to_128_levels_and_refused_beyond() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_lenient(nested(128).as_bytes()).is_ok());
        let too_deep = parse_lenient(nested(129).as_bytes()).unwrap_err().to_string();
        assert_eq!(too_deep, "nested deeper than 128 levels");
        assert!(parse_lenient("{\"a\":[".repeat(1_000_000).as_bytes()).is_err());
        assert_eq!(read(r#"["[[[","{"]"#), json!(["[[[", "{"]));
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_other_bytes_that_are_no_text_refused() {
        assert_eq!(parse_lenient(b"\xef\xbb\xbf{\"a\":1}").unwrap(), json!({"a": 1}));
        let not_text = parse_lenient(b"{\"a\":\"\xff\"}").unwrap_err().to_string();
        assert_eq!(not_text, "byte 7 is not UTF-8");
        assert!(parse_lenient(b"\"\xed\xa0\x80\"").is_err());
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_place() {
        for text in [
            "",
            "{",
            "{}x",
            "01",
            "-",
            "1e",
            "1e+",
            "1.e5",
            ".5",
            "--1",
            "1.2.3e4",
            "012345678901234567890123",
            "+1",
            "\"",
            "\"\\",
            "\"\\u12\"",
            "\"\\ud8",
            "'a'",
            "NaN",
            "[1,]",
            "\"a\nb\"",
            "-e5",
            "1-2e5",
        ] {
            let error = parse_lenient(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("at line"), "{text:?}: {error}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn ordinary_json_reads_as_serde_json_reads_it(value in any_json()) {
            let bytes = serde_json::to_vec(&value).unwrap();
            let expected: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(parse_lenient(&bytes).unwrap(), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_lenient(&bytes);
        }

        #[test]
        fn no_near_json_makes_it_panic_and_what_serde_json_reads_it_reads(
            text in r#"([\[\]{}:,"\\]|\\u[dD][89abcdfABCDF0][0-9a-f]{2}|[-+0-9.eE]{1,25}|é|null|"[a-z]"){0,40}"#
        ) {
            let lenient = parse_lenient(text.as_bytes());
            prop_assert!(serde_json::from_str::<Value>(&text).is_err() || lenient.is_ok());
        }
    }
}
