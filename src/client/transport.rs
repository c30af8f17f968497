//! Transport errors: why no answer came, as a closed set whose texts hold no address.

use std::error::Error;
use std::io;

use super::connector::{Late, StrangeProxy, Unresolved};

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Not in time.
    #[error("no answer in time")]
    Timeout,
    /// There was no connection.
    #[error("{0}")]
    Connect(&'static str),
    /// The connection broke once the request was on its way: it may have arrived.
    #[error("{0}")]
    Broken(&'static str),
    /// The host's name did not resolve.
    #[error("the host's name does not resolve")]
    Dns,
    /// The TLS handshake failed.
    #[error("{0}")]
    Tls(&'static str),
    /// There was nothing that could be sent.
    #[error("{0}")]
    Unsendable(&'static str),
}

/// Finds why a request got no answer.
pub(super) fn classify_failure(error: &hyper_util::client::legacy::Error) -> TransportError {
    let words = match known(error) {
        Ok(known) => return known,
        Err(words) => words,
    };
    if error.is_connect() {
        TransportError::Connect(words.unwrap_or("no connection"))
    } else {
        TransportError::Broken(words.unwrap_or("the connection broke before the answer"))
    }
}

/// Finds why an answer broke off.
pub(super) fn classify_break(error: &hyper::Error) -> TransportError {
    let broken = |words: Option<_>| {
        TransportError::Broken(words.unwrap_or("the connection broke before the answer's end"))
    };
    known(error).unwrap_or_else(broken)
}

/// Looks for what is known by itself among the sources of an error; returns what else can be said of it.
fn known(error: &(dyn Error + 'static)) -> Result<TransportError, Option<&'static str>> {
    let mut words = None;
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = next {
        if current.is::<Late>() {
            return Ok(TransportError::Timeout);
        }
        if current.is::<Unresolved>() {
            return Ok(TransportError::Dns);
        }
        if current.is::<StrangeProxy>() {
            return Ok(TransportError::Connect("the proxy is neither an http nor an https one"));
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Ok(TransportError::Tls(tls_words(tls)));
        }
        let io = current.downcast_ref::<io::Error>();
        if let Some(io) = io {
            if io.to_string() == "tls handshake eof" {
                return Ok(TransportError::Tls("the other side closed during the TLS handshake"));
            }
            if io.kind() == io::ErrorKind::TimedOut {
                return Ok(TransportError::Timeout);
            }
            words = words.or(io_words(io.kind()));
        }
        // An `io::Error` passes over what it wraps when it is asked for its source.
        let wrapped = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
        next = wrapped.or_else(|| current.source());
    }
    Err(words)
}

fn tls_words(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    use rustls::Error as Tls;
    let Tls::InvalidCertificate(certificate) = error else {
        return "the TLS handshake failed";
    };
    if matches!(certificate, Certificate::UnknownIssuer | Certificate::BadSignature) {
        return "its certificate is signed by nobody we trust (`ca_file` adds a root)";
    }
    let text = certificate.to_string().to_ascii_lowercase();
    if text.contains("not valid for") {
        "its certificate is not for this host"
    } else if text.contains("expired") {
        "its certificate has expired"
    } else {
        "its certificate is not valid"
    }
}

fn io_words(kind: io::ErrorKind) -> Option<&'static str> {
    let known = [
        (io::ErrorKind::ConnectionRefused, "connection refused"),
        (io::ErrorKind::ConnectionReset, "connection reset"),
        (io::ErrorKind::ConnectionAborted, "connection aborted"),
        (io::ErrorKind::BrokenPipe, "connection closed"),
        (io::ErrorKind::UnexpectedEof, "connection closed"),
        (io::ErrorKind::HostUnreachable, "host unreachable"),
        (io::ErrorKind::NetworkUnreachable, "network unreachable"),
    ];
    known.into_iter().find(|(known, _)| *known == kind).map(|(_, words)| words)
}
