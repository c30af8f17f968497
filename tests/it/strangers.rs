//! What strangers cost: memory, connections and patience are bounded, and real webhooks get through meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{PATIENCE, Relay, RelayFolder};

/// What all strangers together may cost, in bytes of memory.
const MOST_BYTES: u64 = 60_000_000;

/// Within which time a real webhook is answered, whatever strangers do.
const IN_TIME: Duration = Duration::from_secs(1);

const FORGED: &str =
    "sentry-hook-signature: 0000000000000000000000000000000000000000000000000000000000000000";

/// Opens so many connections and lets each send as much of its request as the relay takes; returns them open.
fn flood(relay: &Relay, connections: usize, request: &[u8]) -> Vec<TcpStream> {
    let mut streams: Vec<(TcpStream, &[u8])> = (0..connections)
        .map(|_| {
            let stream = TcpStream::connect(relay.address()).unwrap();
            stream.set_nonblocking(true).unwrap();
            (stream, request)
        })
        .collect();
    let mut moved_at = Instant::now();
    while moved_at.elapsed() < Duration::from_millis(200) {
        for (stream, rest) in streams.iter_mut().filter(|(_, rest)| !rest.is_empty()) {
            match stream.write(&rest[..rest.len().min(64 * 1024)]) {
                Ok(length) => (*rest, moved_at) = (&rest[length..], Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *rest = &[],
            }
        }
    }
    streams.into_iter().map(|(stream, _)| stream).collect()
}

async fn holds_during(connections: usize, requests: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
    for (name, request) in requests {
        let folder = RelayFolder::new("");
        let relay = folder.serve();
        relay.sentry().accepted("pr_created", &json!({ "run_id": "before" })).await;
        let before = relay.peak_memory();

        let strangers = flood(&relay, connections, &request);
        let asked_at = Instant::now();
        relay.sentry().accepted("pr_created", &json!({ "run_id": "meanwhile" })).await;

        assert!(asked_at.elapsed() < IN_TIME, "{name}: a real webhook waited for {:?}", asked_at.elapsed());
        let cost = relay.peak_memory() - before;
        assert!(cost < MOST_BYTES, "{name}: {cost} bytes of memory");
        drop(strangers);
        assert_eq!(folder.json(&["runs"]).as_array().unwrap().len(), 2, "{name}: nothing of it is stored");
    }
}

#[tokio::test]
async fn two_hundred_large_bodies_at_once_cost_little_and_keep_no_real_webhook_out() {
    let body = vec![b'x'; 900_000];
    let announced = "content-length: 9000000";
    let head =
        |lines: &str| format!("POST /webhooks/sentry HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n").into_bytes();
    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
    let requests = [
        ("unsigned", [head(announced), body.clone()].concat()),
        ("forged", [head(&format!("{FORGED}\r\n{announced}")), body.clone()].concat()),
        ("forged, in chunks", [head(&format!("{FORGED}\r\ntransfer-encoding: chunked")), chunk].concat()),
    ];
    holds_during(200, requests).await;
}

#[tokio::test]
async fn two_hundred_small_bodies_that_never_end_keep_no_real_webhook_out() {
    let body = vec![b'x'; 250_000];
    let head = |lines: &str| {
        format!("POST /webhooks/sentry HTTP/1.1\r\nhost: x\r\n{FORGED}\r\n{lines}\r\n\r\n").into_bytes()
    };
    let chunk = [b"3d090\r\n".as_slice(), &body].concat();
    let requests = [
        ("announced", [head("content-length: 260000"), body].concat()),
        ("in chunks", [head("transfer-encoding: chunked"), chunk].concat()),
    ];
    holds_during(200, requests).await;
}

#[tokio::test]
async fn six_hundred_heads_without_end_cost_little() {
    let head =
        [b"POST /webhooks/sentry HTTP/1.1\r\nhost: x\r\na: ".as_slice(), &vec![b'x'; 500_000]].concat();
    holds_during(600, [("endless heads", head)]).await;
}

#[tokio::test]
async fn thousands_of_requests_on_one_connection_are_answered_by_its_end() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    for path in ["/healthz", "/readyz", "/metrics", "/nowhere", "/webhooks/sentry"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut stream = flood(&relay, 1, request.repeat(3_000).as_bytes()).remove(0);
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        let answers = String::from_utf8(answers).unwrap().matches("HTTP/1.1 ").count();
        assert!((1..300).contains(&answers), "{path}: {answers} answers");
    }
}

#[tokio::test]
async fn what_is_no_http_fills_no_log() {
    let folder = RelayFolder::new("");
    let relay = folder.serve();
    for request in ["\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\na\r\n\r\n"] {
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1 })).await;
    let log = relay.log();
    assert!(log.iter().all(|line| line["level"] != "ERROR"), "{log:#?}");
}
