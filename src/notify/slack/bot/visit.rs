//! A visit to Slack: who the bot is, and what it may. Posts nothing.
// Source: https://docs.slack.dev/reference/methods/auth.test; every answer names the token's scopes in
// `X-OAuth-Scopes`: https://docs.slack.dev/authentication/installing-with-oauth, read 2026-11-30.

use secrecy::ExposeSecret;

use super::Bot;
use super::answer::parse;
use crate::client::Answer;
use crate::notify::slack::answer::class_of_word;
use crate::notify::visit::{Visit, Welcome};
use crate::words::quoted;

/// What a bot needs to post and edit.
const SCOPE: &str = "chat:write";
/// How much of the answer is read.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

impl Bot {
    /// Asks Slack who the bot is.
    pub(in crate::notify) async fn visit(&self) -> Visit {
        let url = self.settings.method("auth.test");
        let headers = [("authorization", self.authorization.expose_secret())];
        let answered = self.client.post_form(&url, &headers, &[], self.timeout, LONGEST_ANSWER_BYTES).await;
        Visit::of(&self.endpoint, answered, |answer| self.welcome(answer))
    }

    fn welcome(&self, answer: &Answer) -> Welcome {
        let json = match parse(answer, class_of_word) {
            Ok(json) => json,
            Err(reading) => return Welcome::refused(&reading, &self.endpoint),
        };
        // Gateways and old tokens do not say what they may.
        let scopes = answer.header("x-oauth-scopes");
        if let Some(scopes) = scopes.filter(|scopes| !scopes.split(',').any(|scope| scope.trim() == SCOPE)) {
            let has = quoted(scopes);
            return Welcome::Refused(format!("the bot lacks scope `{SCOPE}`; it has {has}"));
        }
        let name = |key: &str| quoted(json.get(key).and_then(serde_json::Value::as_str).unwrap_or("?"));
        Welcome::Known(format!("{} in workspace {}", name("user"), name("team")))
    }
}
