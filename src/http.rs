//! The HTTP server.

use std::net::SocketAddr;

use secrecy::SecretString;
use url::Url;

/// Settings of the `[http]` table.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where to listen. Default `127.0.0.1:8080`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where people reach the relay, for links in messages; without it there are none. Default none.
    pub public_url: Option<Url>,
    /// The largest webhook body, in bytes. Default 10 MiB; 64 KiB to 32 MiB.
    pub max_body_bytes: usize,
    /// Asked for by dashboard, API and metrics; `None` lets one be made and kept beside the store.
    pub token: Option<SecretString>,
}
