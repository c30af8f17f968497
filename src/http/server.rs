//! The server: takes connections on a listener, each within limits, and hands their requests to the handlers.
//!
//! Knows neither paths nor answers (`http.rs`). Whoever starts it decides when it stops.

use std::future::ready;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::Data;
use actix_web::{App, Error};
use tokio::net::TcpStream;

use super::wire::Wire;
use super::{AppState, routes, webhook};

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what still comes is read after an answer that did not wait for it, so that the answer is not lost.
const LINGER: Duration = Duration::from_secs(1);

/// How long a stop waits for requests that are being answered.
const STOP_SECONDS: u64 = 1;

/// How many connections are open at once, over all threads; further ones wait for one to end. Each costs 15 KiB.
const MOST_CONNECTIONS: usize = 2048;

/// Most threads that answer requests.
const MOST_THREADS: usize = 4;

/// Starts serving, with no more connections at once than the system lets us have; it stops by the [`Server`]'s handle,
/// never by a signal.
///
/// # Errors
/// Where the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    state: Data<AppState>,
    most_connections: usize,
) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    webhook::expect_answers(&state.metrics);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(MOST_THREADS);
    let builder = Server::build()
        .workers(threads)
        .max_concurrent_connections(most_connections.min(MOST_CONNECTIONS).div_ceil(threads))
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let draining = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let (state, draining) = (state.clone(), draining.clone());
        let app = App::new()
            .wrap(DefaultHeaders::new().add(("X-Content-Type-Options", "nosniff")))
            .configure(move |service| routes(service, state))
            .into_factory()
            .map_err(|error: Error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let draining = draining.clone();
                async move { draining.notified().await }
            })
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(LINGER)
            .local_addr(address)
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(|stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            ready(Ok((Wire::new(stream), peer)))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
