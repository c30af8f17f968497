//! `dashboard`: an address that logs in, so that the token itself is typed nowhere and stays in no history.

use std::path::Path;

use serde_json::json;
use url::Url;

use super::settings::{json, load};
use super::{Failure, Output};
use crate::app::known_token;
use crate::clock::Clock;
use crate::http::{AccessToken, HttpConfig, KEY_AGE};
use crate::render::context::rfc3339;

/// Print the address of the dashboard, with a key that logs in.
#[derive(Debug, clap::Args)]
pub(super) struct Dashboard {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Dashboard {
    pub(super) fn run(self, dir: &Path) -> Result<Output, Failure> {
        let config = load(dir)?;
        let base = base(&config.http)?;
        let token = known_token(config.http.token.as_ref(), &config.store.path).ok_or_else(|| {
            let store = config.store.path.display();
            Failure::new(
                format!("no token lies beside the store `{store}`"),
                "the first `seer-relay serve` makes one; whoever asks must be allowed to read it",
            )
        })?;
        let now = Clock::system().now();
        let address = address(base, &AccessToken::new(&token).key(now));
        if self.json {
            let until = now.checked_add(KEY_AGE).unwrap_or(now);
            return Ok(json(&json!({ "url": address.as_str(), "until": rfc3339(until) })).into());
        }
        let minutes = KEY_AGE.as_mins();
        let warning =
            format!("This address logs in for {minutes} minutes, whoever has it: pass it on to nobody.\n");
        Ok(Output { warning, ..Output::from(format!("{address}\n")) })
    }
}

/// Returns where people reach the relay, as far as the settings say.
fn base(http: &HttpConfig) -> Result<Url, Failure> {
    if let Some(public_url) = &http.public_url {
        return Ok(public_url.clone());
    }
    let local = http.local_address();
    let unknown = || {
        Failure::new(
            "`http.listen` names port 0, so where a relay listens is known only from its log",
            "let it name a port, or set `http.public_url`, in relay.toml",
        )
    };
    if local.port() == 0 {
        return Err(unknown());
    }
    Url::parse(&format!("http://{local}")).map_err(|_| unknown())
}

fn address(mut base: Url, key: &str) -> Url {
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().push("login");
    }
    base.set_fragment(None);
    base.set_query(None);
    base.query_pairs_mut().append_pair("key", key);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(listen: &str, public_url: Option<&str>) -> HttpConfig {
        HttpConfig {
            listen: listen.parse().unwrap(),
            public_url: public_url.map(|url| url.parse().unwrap()),
            max_body_bytes: 0,
            token: None,
        }
    }

    #[test]
    fn the_address_is_where_people_reach_the_relay() {
        for (listen, public_url, expected) in [
            ("127.0.0.1:8080", None, "http://127.0.0.1:8080/login?key=1.x"),
            ("0.0.0.0:8080", None, "http://127.0.0.1:8080/login?key=1.x"),
            ("[::]:80", None, "http://[::1]/login?key=1.x"),
            ("10.0.0.7:8080", None, "http://10.0.0.7:8080/login?key=1.x"),
            ("0.0.0.0:8080", Some("https://relay.acme.dev"), "https://relay.acme.dev/login?key=1.x"),
            ("127.0.0.1:0", Some("https://acme.dev/relay/"), "https://acme.dev/relay/login?key=1.x"),
        ] {
            let base = base(&http(listen, public_url)).unwrap();
            assert_eq!(address(base, "1.x").as_str(), expected);
        }
        assert!(base(&http("127.0.0.1:0", None)).is_err());
    }
}
