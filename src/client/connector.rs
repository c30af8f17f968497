//! Connections: how one comes about, straight or through a proxy. Knows no requests.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri, header};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

/// How long a connection may take to come about, TLS included, where the attempt itself may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how long a connection without a word is asked whether it is still there, and how often it is asked again.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// For how long what was sent may go without an acknowledgement of the other machine.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

type AnyError = Box<dyn Error + Send + Sync>;

/// The host's name does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the host's name does not resolve")]
pub(super) struct Unresolved(#[source] io::Error);

/// The connection did not come about in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection in time")]
pub(super) struct Late;

/// The proxy is none that can be spoken to.
#[derive(Debug, thiserror::Error)]
#[error("the proxy is neither an http nor an https one")]
pub(super) struct StrangeProxy;

/// Opens connections, through proxies for the addresses for which some are named.
#[derive(Clone)]
pub(super) struct Connector(Arc<Ways>);

struct Ways {
    proxies: Matcher,
    straight: HttpsConnector<HttpConnector<Resolver>>,
    tls: Arc<ClientConfig>,
}

impl Connector {
    /// Sets it up; connects to nothing yet.
    pub(super) fn new(proxies: Matcher, tls: Arc<ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let straight = HttpsConnector::from((tcp, Arc::clone(&tls)));
        Self(Arc::new(Ways { proxies, straight, tls }))
    }

    /// Returns what a proxy that reads the request itself, as of plain HTTP, wants to see in it.
    pub(super) fn proxy_authorization(&self, address: &Uri) -> Option<HeaderValue> {
        let is_plain = address.scheme() == Some(&Scheme::HTTP);
        let proxy = is_plain.then(|| self.0.proxies.intercept(address)).flatten()?;
        proxy.basic_auth().cloned()
    }
}

impl Ways {
    async fn connect(&self, address: Uri) -> Result<Connection, AnyError> {
        let mut straight = self.straight.clone();
        let Some(proxy) = self.proxies.intercept(&address) else {
            let stream = MaybeHttpsStream::Http(straight.call(address).await?);
            return Ok(Connection { stream, reads_requests: false });
        };
        if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
            return Err(StrangeProxy.into());
        }
        if address.scheme() == Some(&Scheme::HTTPS) {
            let tunnel = tunnel(&proxy, straight);
            let stream = HttpsConnector::from((tunnel, Arc::clone(&self.tls))).call(address).await?;
            return Ok(Connection { stream, reads_requests: false });
        }
        let stream = MaybeHttpsStream::Http(straight.call(proxy.uri().clone()).await?);
        Ok(Connection { stream, reads_requests: true })
    }
}

fn tunnel<C>(proxy: &Intercept, straight: C) -> Tunnel<C> {
    let agent = HeaderMap::from_iter([(header::USER_AGENT, super::AGENT)]);
    let tunnel = Tunnel::new(proxy.uri().clone(), straight).with_headers(agent);
    match proxy.basic_auth() {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, AnyError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let ways = Arc::clone(&self.0);
        Box::pin(async move {
            timeout(CONNECT_TIMEOUT, ways.connect(address)).await.unwrap_or_else(|_| Err(Late.into()))
        })
    }
}

/// Finds addresses as the system does, and says when it cannot.
#[derive(Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<GaiAddrs, Unresolved>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        self.0.poll_ready(context).map_err(Unresolved)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async { resolving.await.map_err(Unresolved) })
    }
}

/// A connection.
pub(super) struct Connection {
    /// To the destination, where it speaks TLS around that to a proxy.
    stream: MaybeHttpsStream<MaybeHttpsStream<TokioIo<TcpStream>>>,
    /// Whether the other side is a proxy that reads the requests, and wants to see their whole addresses.
    reads_requests: bool,
}

impl hyper_util::client::legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.reads_requests)
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
