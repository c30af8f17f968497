//! The one HTTP client: timeouts, no redirects, capped answers, and no address in any error.
//!
//! Knows neither platforms nor Sentry. Only here is `reqwest` spoken to.

mod pause;
mod roots;
mod transport;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

pub(crate) use pause::pause_of_seconds;
pub use roots::certificates;
pub use transport::TransportError;

/// How long a connection may take to come about, TLS included, where the attempt itself may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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
pub struct HttpClient {
    /// For loopback, which is never proxied.
    direct: reqwest::Client,
    /// For everything else; `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count.
    outside: reqwest::Client,
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
        let tls = roots::client_config(ca_file)?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE)
                .user_agent(concat!("seer-relay/", env!("CARGO_PKG_VERSION")))
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| ClientError::Tls(error.without_url().to_string()))
        };
        Ok(Self { direct: build(builder().no_proxy())?, outside: build(builder())? })
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
        let request = self.for_address(url)?.post(url.clone()).headers(header_map(headers)?).body(body);
        send(request, timeout, read_body, LONGEST_ANSWER_BYTES).await
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
        let request = self.for_address(url)?.patch(url.clone()).headers(header_map(headers)?).body(body);
        send(request, timeout, true, LONGEST_ANSWER_BYTES).await
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
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = self.for_address(url)?.post(url.clone()).headers(header_map(headers)?);
        send(request.header(CONTENT_TYPE, kind).body(body), timeout, true, longest_bytes).await
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
        let request = self.for_address(url)?.get(url.clone()).headers(header_map(headers)?);
        send(request, timeout, true, longest_bytes).await
    }

    fn for_address(&self, url: &Url) -> Result<&reqwest::Client, TransportError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TransportError::Unsendable("the address is not an http or https URL"));
        }
        Ok(if is_loopback(url) { &self.direct } else { &self.outside })
    }
}

async fn send(
    request: reqwest::RequestBuilder,
    timeout: Duration,
    read_body: bool,
    longest_bytes: usize,
) -> Result<Answer, TransportError> {
    let deadline = Instant::now() + timeout;
    let response = match timeout_at(deadline, request.send()).await {
        Ok(response) => response.map_err(|error| transport::classify(&error))?,
        Err(_elapsed) => return Err(TransportError::Timeout),
    };
    Ok(read(response, deadline, read_body, longest_bytes).await)
}

async fn read(
    mut response: reqwest::Response,
    deadline: Instant,
    read_body: bool,
    longest_bytes: usize,
) -> Answer {
    let mut answer = Answer {
        status: response.status().as_u16(),
        headers: kept_headers(response.headers()),
        body: Vec::new(),
        end: End::Complete,
    };
    let matters = read_body || !response.status().is_success();
    let deadline = if matters { deadline } else { deadline.min(Instant::now() + DRAIN) };
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = longest_bytes - answer.body.len();
                answer.body.extend(chunk.iter().take(room));
                if chunk.len() >= room {
                    answer.end = End::Capped;
                    return answer;
                }
            }
            Ok(Ok(None)) => return answer,
            Ok(Err(error)) => {
                answer.end = End::Broken(transport::classify(&error));
                return answer;
            }
            Err(_elapsed) => {
                answer.end = End::Broken(TransportError::Timeout);
                return answer;
            }
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values that are text.
    pub headers: Vec<(String, String)>,
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
    /// Returns the first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
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
        let headers =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned())).collect();
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

fn header_map(headers: &[(&str, &str)]) -> Result<HeaderMap, TransportError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_error| TransportError::Unsendable("a header's name is not valid"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_error| TransportError::Unsendable("a header's value is not valid"))?;
        value.set_sensitive(true);
        map.insert(name, value);
    }
    Ok(map)
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    /// Long enough for loopback on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);
    const SOON: Duration = Duration::from_millis(300);

    fn client() -> HttpClient {
        HttpClient::new(None).unwrap()
    }

    async fn post(url: &str, timeout: Duration, read_body: bool) -> Result<Answer, TransportError> {
        let url = Url::parse(url).unwrap();
        client().post(&url, &[("x-test", "1")], Bytes::from_static(b"{}"), timeout, read_body).await
    }

    async fn server(answer: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }

    /// Starts a server that reads a request's head and hands the connection over, once.
    fn raw_server(serve: impl FnOnce(TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/secret-token", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            serve(stream);
        });
        address
    }

    /// Keeps a connection open until the other side closes it.
    fn hold(mut stream: TcpStream) {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.read(&mut [0; 64]);
    }

    #[tokio::test]
    async fn an_answer_has_status_headers_and_body() {
        let server = server(ResponseTemplate::new(404).insert_header("X-A", "b").set_body_string("no")).await;
        let answer = post(&server.uri(), PATIENCE, true).await.unwrap();
        assert_eq!((answer.status, answer.header("x-a"), answer.text().as_ref()), (404, Some("b"), "no"));
        assert_eq!(answer.end, End::Complete);
    }

    #[tokio::test]
    async fn of_headers_given_twice_the_last_one_is_sent() {
        let server = server(ResponseTemplate::new(200)).await;
        let url = Url::parse(&server.uri()).unwrap();
        let headers = [("X-One", "first"), ("user-agent", "ours"), ("x-one", "last")];
        client().post(&url, &headers, Bytes::new(), PATIENCE, true).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests[0].headers.get_all("x-one").iter().collect::<Vec<_>>(), ["last"]);
        assert_eq!(requests[0].headers["user-agent"], "ours");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let server = server(ResponseTemplate::new(307).insert_header("location", "/other")).await;
        assert_eq!(post(&server.uri(), PATIENCE, true).await.unwrap().status, 307);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn silence_is_a_timeout() {
        let address = raw_server(hold);
        assert_eq!(post(&address, SOON, true).await.unwrap_err(), TransportError::Timeout);
    }

    #[tokio::test]
    async fn a_connection_that_breaks_or_is_refused_is_said_without_the_address() {
        let address = raw_server(drop);
        let broken = post(&address, PATIENCE, true).await.unwrap_err();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = post(&format!("http://{free}/secret-token"), PATIENCE, true).await.unwrap_err();
        assert_eq!(refused, TransportError::Connect("connection refused"));
        assert!(matches!(broken, TransportError::Broken(_)));
        for error in [broken, refused] {
            assert!(!format!("{error} {error:?}").contains("secret-token"));
            assert!(!format!("{error} {error:?}").contains("127.0.0.1"));
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_dns() {
        let name = "n".repeat(70);
        assert_eq!(
            post(&format!("http://{name}.invalid/"), PATIENCE, true).await.unwrap_err(),
            TransportError::Dns
        );
    }

    #[tokio::test]
    async fn a_server_that_speaks_no_tls_is_tls() {
        let address = raw_server(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        });
        let error = post(&address.replace("http:", "https:"), PATIENCE, true).await.unwrap_err();
        assert!(matches!(error, TransportError::Tls(_)));
    }

    #[tokio::test]
    async fn a_get_reads_as_much_as_it_is_asked_to() {
        let server = server(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 200_000])).await;
        let url = Url::parse(&server.uri()).unwrap();
        for (longest, expected) in [(300_000, (200_000, End::Complete)), (100_000, (100_000, End::Capped))] {
            let answer = client().get(&url, &[("x-one", "1")], PATIENCE, longest).await.unwrap();
            assert_eq!((answer.body.len(), answer.end), expected);
        }
        let requests = server.received_requests().await.unwrap();
        assert_eq!(
            (requests[0].method.as_str(), requests[0].headers["x-one"].to_str().unwrap()),
            ("GET", "1")
        );
    }

    #[tokio::test]
    async fn of_a_huge_answer_64_kib_are_read() {
        let server = server(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 10_000_000])).await;
        let answer = post(&server.uri(), PATIENCE, true).await.unwrap();
        assert_eq!((answer.body.len(), answer.end), (64 * 1024, End::Capped));
    }

    #[tokio::test]
    async fn a_head_followed_by_silence_is_an_answer_at_once_where_the_body_does_not_matter() {
        let silent = || {
            raw_server(|mut stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun");
                hold(stream);
            })
        };
        let answer = post(&silent(), PATIENCE, false).await.unwrap();
        assert_eq!((answer.status, answer.end), (200, End::Broken(TransportError::Timeout)));
        let answer = post(&silent(), SOON, true).await.unwrap();
        assert_eq!((answer.text().as_ref(), &answer.end), ("begun", &End::Broken(TransportError::Timeout)));
    }

    #[tokio::test]
    async fn a_body_that_drips_does_not_outlast_the_timeout() {
        let address = raw_server(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n");
            while stream.write_all(b"1\r\nx\r\n").is_ok() {
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        let answer = post(&address, SOON, true).await.unwrap();
        assert_eq!((answer.status, answer.end), (503, End::Broken(TransportError::Timeout)));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_said_without_being_shown() {
        let url = Url::parse("http://127.0.0.1:1/secret-token").unwrap();
        for headers in [[("bad name", "v")], [("name", "bad\nvalue")]] {
            let error = client().post(&url, &headers, Bytes::new(), SOON, true).await.unwrap_err();
            assert!(matches!(error, TransportError::Unsendable(_)));
            assert!(!error.to_string().contains("bad"));
        }
        assert!(matches!(post("ftp://127.0.0.1/", SOON, true).await, Err(TransportError::Unsendable(_))));
    }

    #[test]
    fn loopback_is_known_by_name_and_address() {
        for (url, expected) in [
            ("http://localhost/", true),
            ("http://a.LOCALHOST./", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost.example/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_ca_file_that_holds_no_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(matches!(HttpClient::new(Some(&path)), Err(ClientError::CaFile { .. })));
        std::fs::write(&path, "no certificate").unwrap();
        let error = HttpClient::new(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("no certificate in it"), "{error}");
    }
}
