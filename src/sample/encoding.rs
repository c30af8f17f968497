//! Encoding: JSON to the byte as Sentry's writer makes it, because the signature is over the bytes.

use serde_json::{Map, Value};

use crate::sentry::writing::{field_rank, write_string};

/// Writes a body as Sentry does: its order of fields, no blanks, everything beyond ASCII as `\uXXXX`.
// Source: getsentry/sentry src/sentry/utils/json.py (simplejson, separators "," and ":", ensure_ascii), read
// 2026-11-24.
pub fn encode(body: &Value) -> Vec<u8> {
    let mut text = String::with_capacity(1024);
    write(body, &mut text);
    text.into_bytes()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => write_object(fields, text),
    }
}

fn write_object(fields: &Map<String, Value>, text: &mut String) {
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| (field_rank(name), *name));
    text.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        separate(index, text);
        write_string(name, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::sentry::vectors::{V1, V2, V3};

    #[test]
    fn bodies_are_written_to_the_byte_as_sentry_writes_them() {
        for (text, bytes) in [(V1, V1), (V2, V2), (V3, V2)] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(String::from_utf8(encode(&value)).unwrap(), bytes);
        }
    }

    #[test]
    fn every_escape_is_pythons() {
        let value = json!("\"\\/\n\r\t\u{8}\u{c}\0\u{1f}\u{7f} ~é\u{2028}💥");
        let expected = r#""\"\\/\n\r\t\b\f\u0000\u001f\u007f ~\u00e9\u2028\ud83d\udca5""#;
        assert_eq!(String::from_utf8(encode(&value)).unwrap(), expected);
    }

    #[test]
    fn unknown_fields_come_last_by_name() {
        let value = json!({"zeta": 1, "alpha": [true, null, 1.5, -7], "data": {}, "action": "x"});
        assert_eq!(encode(&value), br#"{"action":"x","data":{},"alpha":[true,null,1.5,-7],"zeta":1}"#);
    }

    proptest! {
        #[test]
        fn it_is_json_of_the_same_value_in_ascii(text in any::<String>()) {
            let value = json!({ text.clone(): [text] });
            let bytes = encode(&value);
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}
