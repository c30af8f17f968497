//! A destination that misbehaves below HTTP: it refuses, hangs, resets, drips, floods and lies.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Nobody listens.
    Refuses,
    /// Reads, and never answers.
    Hangs,
    /// Answers half, and no more.
    HangsMidway,
    /// Resets the connection.
    Resets,
    /// Answers a byte a second.
    Drips,
    /// Answers 10 MB.
    Floods,
    /// Announces more than it sends.
    WrongLength,
    /// Answers well and closes without a word.
    ClosesIdle,
}

const FLOOD_BYTES: usize = 10_000_000;

/// The destination; its threads end with their connections.
pub(crate) struct Rogue {
    port: u16,
    conduct: Conduct,
    calls: Arc<AtomicUsize>,
}

impl Rogue {
    /// Starts it.
    pub(crate) fn start(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        if conduct != Conduct::Refuses {
            let calls = Arc::clone(&calls);
            thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let calls = Arc::clone(&calls);
                    thread::spawn(move || serve(stream, conduct, &calls));
                }
            });
        }
        Self { port, conduct, calls }
    }

    /// Returns an address here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns how it misbehaves.
    pub(crate) fn conduct(&self) -> Conduct {
        self.conduct
    }

    /// Returns how often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Whatever fails here ends the connection, which is all the same to it.
fn serve(mut stream: TcpStream, conduct: Conduct, calls: &AtomicUsize) {
    if conduct == Conduct::Resets {
        // What was not read when a socket is closed makes the system reset the connection.
        let _ = stream.read(&mut [0; 1]);
        calls.fetch_add(1, Ordering::Relaxed);
        return;
    }
    if read_request(&mut stream).is_none() {
        return;
    }
    calls.fetch_add(1, Ordering::Relaxed);
    let _ = stream.write_all(match conduct {
        Conduct::Refuses | Conduct::Resets | Conduct::Hangs => b"".as_slice(),
        Conduct::HangsMidway | Conduct::WrongLength => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\no",
        Conduct::Drips => b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n",
        Conduct::Floods => b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n",
        Conduct::ClosesIdle => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    });
    match conduct {
        Conduct::Refuses | Conduct::Resets | Conduct::WrongLength | Conduct::ClosesIdle => {}
        Conduct::Hangs | Conduct::HangsMidway => wait_for_end(&mut stream),
        Conduct::Drips => drip(stream),
        Conduct::Floods => {
            let _ = stream.write_all(&vec![b'x'; FLOOD_BYTES]);
            wait_for_end(&mut stream);
        }
    }
}

/// Reads a request to its end.
fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&part[..length]);
        let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let announced = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if request.len() >= head + 4 + announced.unwrap_or(0_usize) {
            return Some(());
        }
    }
}

fn wait_for_end(stream: &mut TcpStream) {
    while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
}

/// Sends a header that never ends, a byte a second, until the other side has had enough.
fn drip(mut stream: TcpStream) {
    while stream.write_all(b"x").is_ok() {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        if stream.read(&mut [0; 64]).is_ok_and(|length| length == 0) {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}
