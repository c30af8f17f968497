//! The relay that runs beside the doctor: whether there is one, whether it can store, and what it counts.

use std::net::SocketAddr;

use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::outside::{Outside, PATIENCE};
use super::report::{Check, Group};
use crate::app::known_token;
use crate::client::{Answer, TransportError};
use crate::config::Config;
use crate::store::holder;

/// How much of an answer to a question is read.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;
/// How much of the metrics is read: some KiB for each destination.
const LONGEST_METRICS_BYTES: usize = 8 * 1024 * 1024;

/// What was seen of the relay.
pub(super) struct Seen {
    pub(super) checks: Vec<Check>,
    /// What it counts, where it tells.
    pub(super) metrics: Option<String>,
}

/// Looks at the relay that should listen here.
pub(super) async fn look(config: &Config, outside: &Outside) -> Seen {
    let listen = config.http.listen;
    if listen.port() == 0 {
        let message = "`http.listen` names port 0, so where a relay listens is known only from its log";
        return Seen { checks: vec![Check::unknown(Group::Relay, message)], metrics: None };
    }
    let address = config.http.local_address();
    let token = known_token(config.http.token.as_ref(), &config.store.path);
    let bearer = token.as_ref().map(|token| format!("Bearer {}", token.expose_secret()));
    let headers: Vec<(&str, &str)> =
        bearer.as_deref().map(|bearer| ("authorization", bearer)).into_iter().collect();
    let (alive, ready, metrics) = tokio::join!(
        get(outside, address, "/healthz", &[], LONGEST_ANSWER_BYTES),
        get(outside, address, "/readyz", &[], LONGEST_ANSWER_BYTES),
        get(outside, address, "/metrics", &headers, LONGEST_METRICS_BYTES),
    );
    let alive = match alive {
        Ok(answer) => answer,
        Err(error) => return Seen { checks: vec![absent(config, &error)], metrics: None },
    };
    if !(alive.status == 200 && word(&alive, "status") == "alive") {
        let message = format!("something else than a relay answers at `{listen}` (status {})", alive.status);
        let hint = "let `http.listen` name another address, or end what listens there";
        return Seen { checks: vec![Check::fault(Group::Relay, message).hint(hint)], metrics: None };
    }
    let mut checks = vec![readiness(listen, ready)];
    let metrics = metrics.ok().and_then(|answer| match answer.status {
        200 => Some(answer.text().into_owned()),
        _ => None,
    });
    if metrics.is_none() {
        let hint = "its token is another one: `http.token`, or the file `token` beside the store that it has";
        checks.push(Check::warning(Group::Relay, "it does not show what it counts").hint(hint));
    }
    Seen { checks, metrics }
}

async fn get(
    outside: &Outside,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    longest_bytes: usize,
) -> Result<Answer, TransportError> {
    let url = Url::parse(&format!("http://{address}{path}"));
    let url = url.map_err(|_| TransportError::Unsendable("the address cannot be called"))?;
    let call = outside.client.get(&url, headers, PATIENCE, longest_bytes);
    outside.call(call).await.unwrap_or(Err(TransportError::Timeout))
}

fn absent(config: &Config, error: &TransportError) -> Check {
    let listen = config.http.listen;
    if let Some(process) = holder(&config.store.path) {
        let message = format!("process {process} has the store, but at `{listen}` no relay answers: {error}");
        let hint =
            "it listens somewhere else, or hangs: compare `http.listen` with the first lines of its log";
        return Check::warning(Group::Relay, message).hint(hint);
    }
    let message = format!("no relay runs here: nobody answers at `{listen}` ({error})");
    let hint = "start it with `seer-relay serve`: Sentry sends no webhook twice";
    Check::warning(Group::Relay, message).hint(hint)
}

fn readiness(listen: SocketAddr, ready: Result<Answer, TransportError>) -> Check {
    let why = match ready {
        Ok(answer) if answer.status == 200 => {
            return Check::ok(Group::Relay, format!("it runs at `{listen}`, and can store"));
        }
        Ok(answer) => word(&answer, "reason"),
        Err(error) => error.to_string(),
    };
    let hint =
        "webhooks are answered 503 and lost until it can: look at the disk, its room and its permissions";
    Check::fault(Group::Relay, format!("it runs at `{listen}`, but cannot store: {why}")).hint(hint)
}

fn word(answer: &Answer, key: &str) -> String {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
