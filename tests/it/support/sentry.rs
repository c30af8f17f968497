//! Sentry, as far as the relay sees it: bodies as it writes them, signed as it signs.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::client;

/// The client secret of the tests' integration.
pub(crate) const SECRET: &str = "a client secret that only the tests know";

/// Sends webhooks to a relay.
#[derive(Debug, Clone)]
pub(crate) struct Sentry {
    client: reqwest::Client,
    url: String,
}

impl Sentry {
    /// Sends to this address.
    pub(crate) fn new(address: &str) -> Self {
        Self { client: client(), url: format!("http://{address}/webhooks/sentry") }
    }

    /// Returns a body as Sentry writes it: compact, everything beyond ASCII escaped, its own order of keys.
    pub(crate) fn body(action: &str, data: &Value) -> Vec<u8> {
        let parts = [
            ("action", json!(action)),
            ("installation", json!({ "uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de" })),
            ("data", data.clone()),
            ("actor", json!({ "type": "application", "id": "sentry", "name": "Sentry" })),
        ];
        let fields: Vec<String> = parts.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let text = format!("{{{}}}", fields.join(","));
        let mut ascii = String::with_capacity(text.len());
        for character in text.chars() {
            if character.is_ascii() {
                ascii.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(ascii, "\\u{unit:04x}").unwrap();
                }
            }
        }
        ascii.into_bytes()
    }

    /// Returns the signature that Sentry would send.
    pub(crate) fn sign(body: &[u8], secret: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    /// Posts a signed webhook.
    pub(crate) async fn post(&self, action: &str, data: &Value) -> reqwest::Response {
        let body = Self::body(action, data);
        let signature = Self::sign(&body, SECRET);
        self.post_raw(body, &[("sentry-hook-signature", &signature), ("sentry-hook-resource", "seer")]).await
    }

    /// Posts a signed webhook that must be accepted; returns the event's id.
    pub(crate) async fn accepted(&self, action: &str, data: &Value) -> String {
        let response = self.post(action, data).await;
        let status = response.status().as_u16();
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!((status, answer["status"].as_str()), (202, Some("accepted")), "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Asks for a path of the relay; returns the status and the body as JSON.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let url = self.url.replace("/webhooks/sentry", path);
        let response = self.client.get(url).send().await.expect("the relay answers");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Posts whatever it is given.
    pub(crate) async fn post_raw(&self, body: Vec<u8>, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("the relay answers")
    }
}

impl Sentry {
    /// Posts a signed body; `None` where the relay is gone.
    pub(crate) async fn try_post(&self, body: Vec<u8>, signature: &str) -> Option<u16> {
        let request = self.client.post(&self.url).header("sentry-hook-signature", signature).body(body);
        request.send().await.ok().map(|response| response.status().as_u16())
    }
}
