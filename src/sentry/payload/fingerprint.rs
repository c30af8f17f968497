//! Fingerprints: what tells that two webhooks say the same, whatever their bytes and the order of their keys.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::event::{Action, Organization};

/// Returns the first half of a SHA-256 over organization, action and `data`.
///
/// `installation`, `actor` and the headers do not count: two integrations of one organization get the same event,
/// each its own copy.
pub(super) fn of(organization: &Organization, action: &Action, data: &Map<String, Value>) -> [u8; 16] {
    let mut canonical = Vec::with_capacity(1024);
    write_text(organization.as_str(), &mut canonical);
    write_text(action.as_str(), &mut canonical);
    write_object(data, &mut canonical);
    let digest: [u8; 32] = Sha256::digest(&canonical).into();
    let mut fingerprint = [0; 16];
    fingerprint.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
    fingerprint
}

/// Writes a value so that no other value is written alike: a letter for its type, lengths before what varies.
fn write(value: &Value, canonical: &mut Vec<u8>) {
    match value {
        Value::Null => canonical.push(b'n'),
        Value::Bool(false) => canonical.push(b'f'),
        Value::Bool(true) => canonical.push(b't'),
        Value::Number(number) => {
            canonical.push(b'd');
            write_text(&number.to_string(), canonical);
        }
        Value::String(text) => {
            canonical.push(b's');
            write_text(text, canonical);
        }
        Value::Array(items) => {
            canonical.push(b'[');
            write_length(items.len(), canonical);
            for item in items {
                write(item, canonical);
            }
        }
        Value::Object(fields) => write_object(fields, canonical),
    }
}

/// Writes the fields by name: whether the map keeps them in that order is not for us to say.
fn write_object(fields: &Map<String, Value>, canonical: &mut Vec<u8>) {
    canonical.push(b'{');
    write_length(fields.len(), canonical);
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in fields {
        write_text(name, canonical);
        write(value, canonical);
    }
}

fn write_text(text: &str, canonical: &mut Vec<u8>) {
    write_length(text.len(), canonical);
    canonical.extend_from_slice(text.as_bytes());
}

fn write_length(length: usize, canonical: &mut Vec<u8>) {
    canonical.extend_from_slice(&(length as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fingerprint(data: &Value) -> [u8; 16] {
        of(&Organization::new("acme"), &Action::PrCreated, data.as_object().unwrap())
    }

    #[test]
    fn the_order_of_keys_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{ "b": {"d":null,"c":[1,2]}, "\u0061": 1 }"#).unwrap();
        assert_eq!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn it_is_the_same_in_every_version() {
        let known =
            fingerprint(&json!({"run_id": 12345, "group_id": "1", "x": [null, true, false, 1.5, {}]}));
        assert_eq!(hex::encode(known), "13f920937b56d28866d7401ae6bbd6c8");
    }

    #[test]
    fn organization_and_action_count() {
        let data = json!({"run_id": 1});
        let data = data.as_object().unwrap();
        let of_acme = of(&Organization::new("acme"), &Action::PrCreated, data);
        assert_ne!(of_acme, of(&Organization::new("acme2"), &Action::PrCreated, data));
        assert_ne!(of_acme, of(&Organization::new("acme"), &Action::PrReadyForReview, data));
    }

    #[test]
    fn values_that_look_alike_differ() {
        let values = [
            json!({}),
            json!({"a": null}),
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": [1]}),
            json!({"a": {"1": null}}),
            json!({"a": ["b", "c"]}),
            json!({"a": ["b"], "c": null}),
            json!({"a": "bc"}),
            json!({"ab": "c"}),
            json!({"a": [[], []]}),
            json!({"a": [[[]]]}),
            json!({"a": {}}),
            json!({"a": []}),
            json!({"a": ""}),
        ];
        for (index, one) in values.iter().enumerate() {
            for other in &values[index + 1..] {
                assert_ne!(fingerprint(one), fingerprint(other), "{one} {other}");
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_and_order_do_not_count(entries in prop::collection::btree_map(any::<String>(), any::<i64>(), 0..8)) {
            let forward: Map<String, Value> = entries.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let backward: Map<String, Value> = entries.iter().rev().map(|(k, v)| (k.clone(), json!(v))).collect();
            prop_assert_eq!(fingerprint(&Value::Object(forward)), fingerprint(&Value::Object(backward)));
        }
    }
}
