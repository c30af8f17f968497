//! The public address: whether it leads to a relay, as far as that can be seen from here.

use serde_json::Value;
use url::Url;

use super::outside::{Outside, PATIENCE};
use super::report::{Check, Group};
use crate::client::{Answer, TransportError};
use crate::config::Config;

/// How much of an answer is read.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

/// Looks at `http.public_url`.
pub(super) async fn look(config: &Config, outside: &Outside) -> Vec<Check> {
    let Some(base) = &config.http.public_url else {
        let message = "`http.public_url` is not set: messages have no links to the relay";
        let hint = "set it to where Sentry and people reach the relay, and `doctor` tries it";
        return vec![Check::unknown(Group::PublicUrl, message).hint(hint)];
    };
    let mut checks: Vec<Check> = Vec::new();
    let shown = format!("{}://{}", base.scheme(), base.host_str().unwrap_or_default());
    if base.scheme() != "https" {
        let message = format!("`{shown}` is not https: what Sentry sends could be read on its way");
        let hint = "put a proxy that speaks TLS before the relay, and name its address";
        checks.push(Check::warning(Group::PublicUrl, message).hint(hint));
    }
    if outside.is_offline {
        checks.push(Check::unknown(Group::PublicUrl, format!("`{shown}` was not called (--offline)")));
        return checks;
    }
    let Some((health, webhooks)) = below(base, "healthz").zip(below(base, "webhooks/sentry")) else {
        return checks;
    };
    let get = |url: Url| async move {
        let call = outside.client.get(&url, &[], PATIENCE, LONGEST_ANSWER_BYTES);
        outside.call(call).await.unwrap_or(Err(TransportError::Timeout))
    };
    let (health, webhooks) = tokio::join!(get(health), get(webhooks));
    checks.push(told(&shown, webhooks, health.as_ref().is_ok_and(is_alive)));
    checks
}

fn below(base: &Url, path: &str) -> Option<Url> {
    Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/'))).ok()
}

fn is_alive(answer: &Answer) -> bool {
    answer.status == 200 && word(answer, "status") == "alive"
}

/// A relay answers whoever asks for its webhooks' address by GET that only POST is allowed: nobody else says it so.
fn told(shown: &str, webhooks: Result<Answer, TransportError>, is_alive: bool) -> Check {
    let answer = match webhooks {
        Ok(answer) => answer,
        Err(error @ TransportError::Tls(_)) => {
            let hint =
                "mend the certificate of the proxy before the relay: Sentry sends nothing to such an address";
            return Check::fault(Group::PublicUrl, format!("`{shown}`: {error}")).hint(hint);
        }
        Err(error) => {
            let message = format!("`{shown}` does not answer this machine: {error}");
            let hint = "it may answer others all the same; ask for its /healthz from somewhere else";
            return Check::warning(Group::PublicUrl, message).hint(hint);
        }
    };
    if answer.status == 405 && word(&answer, "code") == "method_not_allowed" {
        return Check::ok(Group::PublicUrl, format!("`{shown}` leads to a relay, where webhooks are taken"));
    }
    if is_alive {
        let message = format!(
            "`{shown}` leads to a relay, but not for webhooks: /webhooks/sentry has status {}",
            answer.status
        );
        let hint = "let the proxy pass on POST /webhooks/sentry as well";
        return Check::fault(Group::PublicUrl, message).hint(hint);
    }
    let message = format!("`{shown}` answers, but not as a relay (status {})", answer.status);
    let hint = "start the relay, let the proxy pass on /webhooks/sentry to `http.listen`, and keep log-in pages away \
                from that path";
    Check::warning(Group::PublicUrl, message).hint(hint)
}

fn word(answer: &Answer, key: &str) -> String {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_an_answer_tells_of_the_way_to_the_relay() {
        let answer = |status, body| Ok(Answer::for_tests(status, &[], body));
        let refused = r#"{"code":"method_not_allowed","message":"only POST is allowed here"}"#;
        for (webhooks, is_alive, state, message) in [
            (
                answer(405, refused),
                false,
                State::Ok,
                "`https://a` leads to a relay, where webhooks are taken",
            ),
            (
                answer(403, "<html>"),
                true,
                State::Fault,
                "`https://a` leads to a relay, but not for webhooks: /webhooks/sentry has status 403",
            ),
            (
                answer(502, "<html>"),
                false,
                State::Warning,
                "`https://a` answers, but not as a relay (status 502)",
            ),
            (
                Err(TransportError::Tls("its certificate has expired")),
                false,
                State::Fault,
                "`https://a`: its certificate has expired",
            ),
            (
                Err(TransportError::Dns),
                false,
                State::Warning,
                "`https://a` does not answer this machine: the host's name does not resolve",
            ),
        ] {
            let check = told("https://a", webhooks, is_alive);
            assert_eq!((check.state, check.message.as_str()), (state, message));
        }
    }

    #[test]
    fn the_paths_lie_below_the_address() {
        for base in ["https://a.example", "https://a.example/relay", "https://a.example/relay/"] {
            let base: Url = base.parse().unwrap();
            let url = below(&base, "webhooks/sentry").unwrap();
            let prefix = base.path().trim_end_matches('/');
            assert_eq!(url.path(), format!("{prefix}/webhooks/sentry"));
        }
    }
}
