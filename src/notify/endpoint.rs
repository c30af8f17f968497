//! Endpoints: a destination's address, parsed once, and the words of an answer freed of it.
//!
//! An address is a secret. Here alone it is held in clear, and nothing here shows it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::notify::fit;
use crate::words::is_blank;

/// The longest words that are kept of an answer, in code points.
const LONGEST_WORDS: usize = 200;

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// Why an address cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL.
    #[error("not a URL")]
    NotAUrl,
    /// Its scheme is another one.
    #[error("not an http or https URL")]
    Scheme,
    /// It has no host.
    #[error("a URL without a host")]
    NoHost,
}

/// Reads an address that can be called, such as a destination's.
///
/// # Errors
/// [`EndpointError`] where it cannot be called; its text does not show the address.
pub fn parse_address(address: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(address.trim()).map_err(|_error| EndpointError::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError::Scheme);
    }
    // The parser would take `https:/a` and `https:///a` for `https://a`.
    let rest = address.trim().get(url.scheme().len()..).unwrap_or_default();
    let has_host = rest.strip_prefix("://").is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if !has_host || url.host_str().is_none_or(str::is_empty) {
        return Err(EndpointError::NoHost);
    }
    Ok(url)
}

/// A destination's address and the secrets that go with it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    secrets: Vec<String>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(formatter, "Endpoint({}://{host})", self.url.scheme())
    }
}

impl Endpoint {
    /// Reads an address.
    pub(crate) fn parse(address: &SecretString) -> Result<Self, EndpointError> {
        let url = parse_address(address.expose_secret())?;
        let mut endpoint = Self { secrets: secrets_of(&url), url };
        endpoint.add_secret(address.expose_secret().trim());
        Ok(endpoint)
    }

    /// Takes an address that is no secret.
    pub(crate) fn public(url: Url) -> Self {
        Self { url, secrets: Vec::new() }
    }

    /// Keeps a further secret out of [`Self::words`].
    pub(crate) fn add_secret(&mut self, secret: &str) {
        if secret.chars().count() >= 4 {
            self.secrets.push(secret.to_ascii_lowercase());
        }
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.secrets.dedup();
    }

    /// Returns an answer's words: one line, at most 200 characters, without control characters and secrets.
    pub(crate) fn words(&self, text: &str) -> Option<String> {
        let line: String = fit::one_line(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let clean = self.secrets.iter().fold(line, |line, secret| redact(line, secret));
        let words = fit::shortened(&clean, LONGEST_WORDS);
        (!is_blank(&words)).then_some(words)
    }
}

/// Returns the parts of an address that give access or show where it leads, in lower case.
fn secrets_of(url: &Url) -> Vec<String> {
    let query = url.query().unwrap_or_default();
    let target = url.as_str().split_once("://").map_or(url.as_str(), |(_, target)| target);
    let short = [target, url.path(), query].into_iter().filter(|part| part.len() > 3).map(str::to_owned);
    let segments =
        url.path_segments().into_iter().flatten().filter(|part| part.len() >= 6).map(str::to_owned);
    let values = url.query_pairs().map(|(_, value)| value.into_owned()).filter(|value| value.len() >= 4);
    let user = [url.username(), url.password().unwrap_or_default()];
    let user = user.into_iter().filter(|part| part.len() >= 4).map(str::to_owned);
    let whole = [url.as_str().to_owned()].into_iter();
    whole
        .chain(short)
        .chain(segments)
        .chain(values)
        .chain(user)
        .map(|part| part.to_ascii_lowercase())
        .collect()
}

fn redact(text: String, secret: &str) -> String {
    let folded = text.to_ascii_lowercase();
    if !folded.contains(secret) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, found) in folded.match_indices(secret) {
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(REDACTED);
        done = at + found.len();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str) -> Endpoint {
        Endpoint::parse(&SecretString::from(address)).unwrap()
    }

    #[test]
    fn words_hold_no_part_of_the_address() {
        let endpoint =
            endpoint("https://user:pass1@hooks.example/services/T0AAAA/B0BBBB/xyzTOKENxyz?key=k-e-y&a=b");
        for text in [
            "no https://user:pass1@hooks.example/services/T0AAAA/B0BBBB/xyzTOKENxyz?key=k-e-y&a=b here",
            "POST /services/T0AAAA/B0BBBB/xyzTOKENxyz failed",
            "unknown token XYZtokenXYZ",
            "unknown token xyz\u{0}TOKENxyz",
            "team t0aaaa, key k-e-y, pass1",
        ] {
            let words = endpoint.words(text).unwrap().to_ascii_lowercase();
            for secret in ["xyztokenxyz", "t0aaaa", "b0bbbb", "k-e-y", "pass1", "/services"] {
                assert!(!words.contains(secret), "{words}");
            }
        }
    }

    #[test]
    fn words_are_one_line_of_at_most_200_characters() {
        let endpoint = endpoint("https://a.example/");
        assert_eq!(endpoint.words("a\n\n\u{7}b"), Some("a b".to_owned()));
        assert_eq!(endpoint.words(" \n "), None);
        assert_eq!(endpoint.words(&"word ".repeat(1_000)).unwrap().chars().count(), 200);
    }

    #[test]
    fn an_address_that_cannot_be_called_is_refused_without_showing_it() {
        for (address, expected) in [
            ("hunter2", EndpointError::NotAUrl),
            ("ftp://hunter2.example/", EndpointError::Scheme),
            ("mailto:hunter2@a", EndpointError::Scheme),
            ("https:///hunter2", EndpointError::NoHost),
            ("https:/hunter2", EndpointError::NoHost),
            ("https:hunter2", EndpointError::NoHost),
            ("https:\\\\hunter2", EndpointError::NoHost),
        ] {
            let error = Endpoint::parse(&SecretString::from(address)).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(format!("{:?}", endpoint("https://a.example/hunter2")), "Endpoint(https://a.example)");
    }
}
