//! The client against servers and proxies on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;

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
    assert_eq!((requests[0].method.as_str(), requests[0].headers["x-one"].to_str().unwrap()), ("GET", "1"));
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

/// Starts a proxy that answers the first request's head so, and hands that head over.
fn proxy(answer: &'static [u8]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (hand_over, head) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.extend(byte);
        }
        hand_over.send(String::from_utf8(bytes).unwrap().to_ascii_lowercase()).unwrap();
        let _ = stream.write_all(answer);
    });
    (address, head)
}

fn client_through(proxies: Matcher) -> HttpClient {
    HttpClient::through(proxies, Arc::new(roots::client_config(None).unwrap()))
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_address_of_plain_http() {
    let (address, head) = proxy(b"HTTP/1.1 204 No Content\r\n\r\n");
    let proxies = Matcher::builder().all(format!("http://Aladdin:open%20sesame@{address}")).build();
    let url = Url::parse("http://chat.invalid:8080/in?key=1#top").unwrap();
    let answer = client_through(proxies).post(&url, &[], Bytes::new(), PATIENCE, true).await.unwrap();

    let head = head.recv().unwrap();
    assert_eq!(answer.status, 204);
    assert!(head.starts_with("post http://chat.invalid:8080/in?key=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: chat.invalid:8080\r\n"), "{head}");
    let pair = BASE64.encode("Aladdin:open sesame").to_ascii_lowercase();
    assert!(head.contains(&format!("\r\nproxy-authorization: basic {pair}\r\n")), "{head}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_to_an_https_address_and_sees_no_request() {
    let (address, head) = proxy(b"HTTP/1.1 200 OK\r\n\r\nno TLS");
    let proxies = Matcher::builder().https(format!("http://Aladdin:sesame@{address}")).build();
    let url = Url::parse("https://chat.invalid/secret-token").unwrap();
    let error = client_through(proxies).post(&url, &[], Bytes::new(), PATIENCE, true).await.unwrap_err();

    let head = head.recv().unwrap();
    assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
    assert!(head.starts_with("connect chat.invalid:443 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic "), "{head}");
    assert!(head.contains("\r\nuser-agent: seer-relay/"), "{head}");
    assert!(!head.contains("secret-token"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_or_is_none_is_no_connection() {
    let (address, _head) = proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    for address in [format!("http://{address}"), "socks5://127.0.0.1:1080".to_owned()] {
        let proxies = Matcher::builder().https(address).build();
        let url = Url::parse("https://chat.invalid/").unwrap();
        let error = client_through(proxies).get(&url, &[], PATIENCE, 1).await.unwrap_err();
        assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
    }
}

#[tokio::test]
async fn loopback_and_what_no_proxy_names_are_reached_straight() {
    let server = server(ResponseTemplate::new(200)).await;
    let (nobody, _head) = proxy(b"");
    let proxies = Matcher::builder().all(format!("http://{nobody}")).no("chat.invalid").build();
    let client = client_through(proxies);
    let url = Url::parse(&server.uri()).unwrap();
    assert_eq!(client.get(&url, &[], PATIENCE, 1).await.unwrap().status, 200);
    let url = Url::parse("http://chat.invalid/").unwrap();
    assert_eq!(client.get(&url, &[], PATIENCE, 1).await.unwrap_err(), TransportError::Dns);
}

#[tokio::test]
async fn the_name_and_password_of_an_address_become_a_header() {
    let server = server(ResponseTemplate::new(200)).await;
    let mut url = Url::parse(&server.uri()).unwrap();
    url.set_username("a").unwrap();
    url.set_password(Some("b:c@d")).unwrap();
    client().get(&url, &[], PATIENCE, 1).await.unwrap();
    client().get(&url, &[("authorization", "Bearer x")], PATIENCE, 1).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let basic = format!("Basic {}", BASE64.encode("a:b:c@d"));
    assert_eq!(requests[0].headers.get_all("authorization").iter().collect::<Vec<_>>(), [basic.as_str()]);
    assert_eq!(requests[1].headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer x"]);
    assert!(!requests[0].headers["host"].to_str().unwrap().contains('@'));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_about_is_waited_for_no_longer_than_that() {
    let address = raw_server(hold).replace("http:", "https:");
    let began = Instant::now();
    let error = post(&address, PATIENCE, true).await.unwrap_err();
    assert_eq!(error, TransportError::Timeout);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
