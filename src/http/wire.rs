//! The wire: a connection as the HTTP server sees it, so that what comes over it costs little memory and ends.
//!
//! The server gives each connection a time limit for its first head only, reads up to 128 KiB ahead of whoever wants it,
//! and goes on reading a chunked body that nobody wants any more for as long as it comes. Knows of HTTP only where a
//! head ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How much the server gets before it has to deal with it: half of the buffer that it begins with, so that it needs no
/// larger one for a body.
const ROUND_BYTES: usize = 4 * 1024;

/// How long the first head may be. Nobody has shown a secret yet, and the server would keep 128 KiB for each stranger.
const FIRST_HEAD_BYTES: usize = 32 * 1024;

/// How long a connection may take from one answer to the next: the server's 5 s between two requests, 5 s for a body,
/// and a commit are well within it.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection that hands out a little at a time, and ends when nothing was answered for long.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    /// How much the server got since it last had to wait.
    round_bytes: usize,
    /// `None` once it is over.
    first_head: Option<FirstHead>,
    /// When something was last answered; at first, when the connection came about.
    answered_at: Instant,
    /// Wakes the server when patience may have run out. Set anew only when it rings, so that an answer costs nothing.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Wire<S> {
    /// Takes a new connection.
    pub(super) fn new(stream: S) -> Self {
        let now = Instant::now();
        Self {
            stream,
            round_bytes: 0,
            first_head: Some(FirstHead::default()),
            answered_at: now,
            alarm: Box::pin(sleep_until(now + PATIENCE)),
        }
    }

    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        while self.alarm.as_mut().poll(context).is_ready() {
            let end = self.answered_at + PATIENCE;
            if end <= Instant::now() {
                return true;
            }
            self.alarm.as_mut().reset(end);
        }
        false
    }

    /// Returns how many of these bytes, which have just come, the server gets.
    fn admit(&mut self, bytes: &[u8]) -> usize {
        let Some(head) = &mut self.first_head else { return bytes.len() };
        let admitted = head.admit(bytes);
        if head.is_over {
            self.first_head = None;
        }
        admitted
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_overdue(context) {
            // As if the other side had gone: what is under way is still answered.
            return Poll::Ready(Ok(()));
        }
        if self.round_bytes >= ROUND_BYTES {
            self.round_bytes = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = buffer.remaining().min(ROUND_BYTES - self.round_bytes);
        loop {
            let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(room));
            let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, &mut piece) else {
                self.round_bytes = 0;
                return Poll::Pending;
            };
            let came = piece.filled().len();
            let admitted = self.admit(piece.filled());
            buffer.advance(admitted);
            self.round_bytes += admitted;
            if admitted > 0 || came == 0 || read.is_err() {
                return Poll::Ready(read);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_overdue(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.answered_at = Instant::now();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Watches a head until its blank line. From the limit on everything is dropped, so that the server waits for the rest
/// in vain, and answers 408 when the head's time is over.
#[derive(Debug, Default)]
struct FirstHead {
    bytes: usize,
    /// Whether anything but line breaks came; the server passes over those before a head.
    has_begun: bool,
    /// Whether only `\r` came since the last `\n`.
    in_empty_line: bool,
    is_over: bool,
}

impl FirstHead {
    fn admit(&mut self, bytes: &[u8]) -> usize {
        let room = FIRST_HEAD_BYTES - self.bytes;
        if room == 0 {
            return 0;
        }
        for byte in bytes {
            match byte {
                b'\n' if self.in_empty_line => {
                    self.is_over = true;
                    return bytes.len();
                }
                b'\n' => self.in_empty_line = self.has_begun,
                b'\r' => {}
                _ => (self.has_begun, self.in_empty_line) = (true, false),
            }
        }
        let admitted = bytes.len().min(room);
        self.bytes += admitted;
        admitted
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;

    /// Returns the client's end of a connection, and the wire that the server reads from.
    fn connection() -> (DuplexStream, Wire<DuplexStream>) {
        let (client, server) = duplex(1024 * 1024);
        (client, Wire::new(server))
    }

    async fn read_all_there_is(wire: &mut Wire<DuplexStream>) -> Vec<u8> {
        let mut all = Vec::new();
        while let Ok(Ok(1..)) = timeout(Duration::from_millis(1), wire.read_buf(&mut all)).await {}
        all
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_has_to_deal_with_4_kib_before_it_gets_more() {
        let (mut client, mut wire) = connection();
        let sent = [b"POST / HTTP/1.1\r\n\r\n".as_slice(), &vec![b'x'; 100_000]].concat();
        client.write_all(&sent).await.unwrap();

        let mut buffer = vec![0; 64 * 1024];
        let mut one_round = ReadBuf::new(&mut buffer);
        std::future::poll_fn(|context| {
            while Pin::new(&mut wire).poll_read(context, &mut one_round).is_ready() {}
            Poll::Ready(())
        })
        .await;

        assert_eq!(one_round.filled().len(), ROUND_BYTES);
        let rest = read_all_there_is(&mut wire).await;
        assert_eq!([one_round.filled(), &rest].concat(), sent, "nothing is lost between the rounds");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_is_answered_ends_however_much_comes() {
        let (mut client, mut wire) = connection();
        let mut bytes = Vec::new();
        for _ in 0..14 {
            client.write_all(b"x").await.unwrap();
            assert_eq!(wire.read_buf(&mut bytes).await.unwrap(), 1);
            advance(Duration::from_secs(1)).await;
        }
        wire.write_all(b"100").await.unwrap();
        for _ in 0..15 {
            client.write_all(b"x").await.unwrap();
            assert_eq!(wire.read_buf(&mut bytes).await.unwrap(), 1, "an answer begins its time anew");
            advance(Duration::from_secs(1)).await;
        }
        client.write_all(b"x").await.unwrap();
        assert_eq!(wire.read_buf(&mut bytes).await.unwrap(), 0, "as if the client had gone");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_connection_without_any_event_on_it() {
        let (_client, mut wire) = connection();
        assert_eq!(wire.read_buf(&mut Vec::new()).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_its_answer_is_given_up() {
        let (_client, server) = duplex(16);
        let mut wire = Wire::new(server);
        let error = wire.write_all(&[b'x'; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_first_head_without_end_32_kib_are_kept() {
        for beginning in ["", "\r\n\r\n\n\n"] {
            let (mut client, mut wire) = connection();
            client.write_all(beginning.as_bytes()).await.unwrap();
            for _ in 0..1000 {
                client.write_all(b"a: b\r\n").await.unwrap();
                client.write_all(&[b'x'; 100]).await.unwrap();
            }
            client.write_all(b"\r\n\r\nand the body").await.unwrap();
            assert_eq!(
                read_all_there_is(&mut wire).await.len(),
                FIRST_HEAD_BYTES,
                "no head with a hole in it"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_first_head_is_as_long_as_it_is() {
        for end in ["\r\n\r\n", "\n\n", "\n\r\n"] {
            let (mut client, mut wire) = connection();
            let head = format!("GET / HTTP/1.1\r\nhost: x{end}");
            client.write_all(head.as_bytes()).await.unwrap();
            client.write_all(&vec![b'x'; 100_000]).await.unwrap();
            assert_eq!(read_all_there_is(&mut wire).await.len(), head.len() + 100_000);
        }
    }
}
