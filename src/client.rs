//! The one HTTP client: timeouts, no redirects, capped answers, and no address in any error.
//!
//! Knows neither platforms nor Sentry. Only here is `hyper` spoken to.

mod connector;
mod pause;
mod roots;
#[cfg(test)]
mod tests;
mod transport;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use connector::Connector;
pub(crate) use pause::pause_of_seconds;
pub use roots::certificates;
pub use transport::TransportError;

/// What the relay calls itself.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("seer-relay/", env!("CARGO_PKG_VERSION")));

/// How long an idle connection is kept.
const POOL_IDLE: Duration = Duration::from_mins(1);

/// How much of the answer to a POST or PATCH request is read.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

/// How long the body of an answer that does not matter may take, so that its connection can be used again.
const DRAIN: Duration = Duration::from_millis(20);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The further root certificates cannot be read.
    #[error("cannot read certificates from `{path}`: {message}")]
    CaFile {
        /// The file of `ca_file`.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Sends requests.
///
/// Cloning it shares its connections.
#[derive(Clone)]
pub struct HttpClient(Arc<Pools>);

struct Pools {
    /// For loopback, which is never proxied.
    direct: Pool,
    /// For everything else; `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count.
    outside: Pool,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HttpClient")
    }
}

impl HttpClient {
    /// Builds the client. TLS trusts the system's roots, bundled ones where there are none, and those of `ca_file`.
    ///
    /// # Errors
    /// [`ClientError`] when `ca_file` cannot be read or TLS not be set up.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, ClientError> {
        let tls = Arc::new(roots::client_config(ca_file)?);
        Ok(Self::through(Matcher::from_env(), tls))
    }

    /// Builds it so that everything but loopback is reached through these proxies.
    fn through(proxies: Matcher, tls: Arc<ClientConfig>) -> Self {
        let direct = Connector::new(Matcher::builder().build(), Arc::clone(&tls));
        let outside = Connector::new(proxies, tls);
        Self(Arc::new(Pools { direct: Pool::new(direct), outside: Pool::new(outside) }))
    }

    /// Sends a POST request once, the whole of it within `timeout`. Of headers given twice the last one counts.
    ///
    /// Without `read_body` a 2xx is an answer as soon as its head is there.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        body: Bytes,
        timeout: Duration,
        read_body: bool,
    ) -> Result<Answer, TransportError> {
        let request = request(Method::POST, url, headers, body)?;
        self.pool(url).send(request, timeout, read_body, LONGEST_ANSWER_BYTES).await
    }

    /// Sends a PATCH request once, the whole of it within `timeout`, and reads its answer.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came.
    pub async fn patch(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        body: Bytes,
        timeout: Duration,
    ) -> Result<Answer, TransportError> {
        let request = request(Method::PATCH, url, headers, body)?;
        self.pool(url).send(request, timeout, true, LONGEST_ANSWER_BYTES).await
    }

    /// Sends a form by a POST request once, the whole of it within `timeout`, and reads `longest_bytes` of the answer at
    /// most.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came.
    pub async fn post_form(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
        timeout: Duration,
        longest_bytes: usize,
    ) -> Result<Answer, TransportError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = request(Method::POST, url, headers, body.into())?;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        self.pool(url).send(request, timeout, true, longest_bytes).await
    }

    /// Sends a GET request once, the whole of it within `timeout`, and reads `longest_bytes` of the answer at most.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came.
    pub async fn get(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        timeout: Duration,
        longest_bytes: usize,
    ) -> Result<Answer, TransportError> {
        let request = request(Method::GET, url, headers, Bytes::new())?;
        self.pool(url).send(request, timeout, true, longest_bytes).await
    }

    fn pool(&self, url: &Url) -> &Pool {
        if is_loopback(url) { &self.0.direct } else { &self.0.outside }
    }
}

/// Connections that are kept for the next request.
struct Pool {
    client: Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl Pool {
    fn new(connector: Connector) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Self { client, connector }
    }

    /// Sends a request, which is not kept until its answer is there.
    fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        timeout: Duration,
        read_body: bool,
        longest_bytes: usize,
    ) -> impl Future<Output = Result<Answer, TransportError>> + use<> {
        if let Some(authorization) = self.connector.proxy_authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let response = self.client.request(request);
        async move {
            let deadline = Instant::now() + timeout;
            let (head, body) = match timeout_at(deadline, response).await {
                Ok(response) => response.map_err(|error| transport::classify_failure(&error))?.into_parts(),
                Err(_elapsed) => return Err(TransportError::Timeout),
            };
            let matters = read_body || !head.status.is_success();
            let deadline = if matters { deadline } else { deadline.min(Instant::now() + DRAIN) };
            let (body, end) = read(body, deadline, longest_bytes).await;
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, end })
        }
    }
}

/// Makes a request. What the address holds of a user's name and password goes into a header, as everywhere.
// Source: https://www.rfc-editor.org/rfc/rfc7617#section-2, read 2026-12-01.
fn request(
    method: Method,
    url: &Url,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Request<Full<Bytes>>, TransportError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TransportError::Unsendable("the address is not an http or https URL"));
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::try_from(url.as_str())
        .map_err(|_error| TransportError::Unsendable("the request cannot be built from the address"))?;
    *request.headers_mut() = header_map(url, headers)?;
    Ok(request)
}

/// Reads so much of a body until then.
async fn read(mut body: Incoming, deadline: Instant, longest_bytes: usize) -> (Vec<u8>, End) {
    let mut bytes = Vec::new();
    loop {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(chunk) = frame.into_data() else { continue };
                let room = longest_bytes - bytes.len();
                bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() >= room {
                    return (bytes, End::Capped);
                }
            }
            Ok(Some(Err(error))) => return (bytes, End::Broken(transport::classify_break(&error))),
            Ok(None) => return (bytes, End::Complete),
            Err(_elapsed) => return (bytes, End::Broken(TransportError::Timeout)),
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    /// The body, or as much of it as is read: 64 KiB, where the caller does not ask for more.
    pub body: Vec<u8>,
    /// How the body ended.
    pub end: End,
}

/// How an answer's body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is whole.
    Complete,
    /// There is more of it than is read.
    Capped,
    /// It broke off, or did not come in time.
    Broken(TransportError),
}

impl Answer {
    /// Returns the first header of this name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the pause that `Retry-After` asks for.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        self.header("retry-after").and_then(|value| pause::retry_after(value, now))
    }

    /// Returns what time it is where the answer comes from, where it says so.
    pub fn date(&self) -> Option<Timestamp> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        Timestamp::try_from(date).ok()
    }

    /// Returns the body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Returns whether the body is a web page, which a gateway answers and not an API.
    pub fn is_html(&self) -> bool {
        let declared =
            self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        declared || self.text().trim_start().starts_with('<')
    }

    /// Returns an answer that did not come over the wire.
    #[cfg(test)]
    pub(crate) fn for_tests(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let parsed = |(name, value): &(&str, &str)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        };
        let headers = headers.iter().filter_map(parsed).collect();
        Self { status, headers, body: body.as_bytes().to_vec(), end: End::Complete }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        None => false,
    }
}

fn header_map(url: &Url, headers: &[(&str, &str)]) -> Result<HeaderMap, TransportError> {
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    map.insert(USER_AGENT, AGENT);
    map.insert(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(authorization) = basic_authorization(url) {
        map.insert(AUTHORIZATION, secret_value(&authorization)?);
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_error| TransportError::Unsendable("a header's name is not valid"))?;
        map.insert(name, secret_value(value)?);
    }
    Ok(map)
}

fn secret_value(value: &str) -> Result<HeaderValue, TransportError> {
    let mut value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_error| TransportError::Unsendable("a header's value is not valid"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn basic_authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    Some(format!("Basic {}", BASE64.encode(pair)))
}
