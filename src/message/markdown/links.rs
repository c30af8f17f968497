//! Links: what becomes of one whose address is no good, or whose words say nothing of it.

use std::fmt::Write;

use linkify::{LinkFinder, LinkKind};
use url::Url;

use crate::message::{Button, Inline, plain_text};

/// Reads an address that a message may lead to: http or https without credentials, in characters that every platform
/// takes for an address.
pub(super) fn web_address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let (path, query, fragment) = (strict(url.path()), url.query().map(strict), url.fragment().map(strict));
    url.set_path(&path);
    url.set_query(query.as_deref());
    url.set_fragment(fragment.as_deref());
    Some(url)
}

/// Takes a text apart into bare web addresses, which are links as in GitHub's Markdown, and the words between them.
// Source: https://github.github.com/gfm/#autolinks-extension-, read 2026-11-25.
pub(super) fn bare(text: &str) -> impl Iterator<Item = (&str, Option<Url>)> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let spans: Vec<_> = if text.contains("://") {
        finder.spans(text).map(|span| (span.as_str(), span.kind().is_some())).collect()
    } else {
        vec![(text, false)]
    };
    spans.into_iter().map(|(words, is_address)| {
        // Words that do not show the host that they lead to stay words.
        let shows = |url: &Url| url.host_str().is_some_and(|host| words.to_ascii_lowercase().contains(host));
        (words, is_address.then(|| web_address(words)).flatten().filter(shows))
    })
}

/// Percent-encodes what browsers bear with in a part of an address and stricter readers refuse.
// Source: RFC 3986, appendix A (`pchar`, `query`, `fragment`).
fn strict(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for (at, character) in part.char_indices() {
        let rest = part.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        let stands = match character {
            '%' => rest.len() == 2 && rest.iter().all(u8::is_ascii_hexdigit),
            other => other.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?".contains(other),
        };
        if stands {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A link as it was written, with its address checked.
pub(super) struct Link {
    /// `None` where it leads nowhere that a message may lead to.
    url: Option<Url>,
    content: Vec<Inline>,
}

impl Link {
    /// Puts a link together; `None` where nothing of it is left. Without words it shows its host.
    pub(super) fn new(url: Option<Url>, mut content: Vec<Inline>) -> Option<Self> {
        if plain_text(&content).trim().is_empty() {
            content = vec![Inline::Text(url.as_ref()?.host_str()?.to_owned())];
        }
        Some(Self { url, content })
    }

    /// Returns the host, where the words do not show it.
    pub(super) fn hidden_host(&self) -> Option<String> {
        let url = self.url.as_ref()?;
        let host = url.host_str()?;
        let words = plain_text(&self.content);
        let words = words.trim();
        let is_shown =
            words == host || short(words) == short(url.as_str()) || web_address(words).as_ref() == Some(url);
        (!is_shown).then(|| host.to_owned())
    }

    /// Returns it as a button.
    pub(super) fn button(&self) -> Option<Button> {
        let label = plain_text(&self.content).trim().to_owned();
        Some(Button { label, url: self.url.clone()? })
    }

    /// Returns it as one part of a line.
    pub(super) fn into_inline(self) -> Inline {
        match self.url {
            Some(url) => Inline::Link { url, content: self.content },
            None => Inline::Text(plain_text(&self.content)),
        }
    }

    /// Returns it as parts of a line: a link, or its words where it leads nowhere.
    pub(super) fn into_inlines(self) -> Vec<Inline> {
        match self.url {
            Some(url) => vec![Inline::Link { url, content: self.content }],
            None => self.content,
        }
    }
}

fn short(address: &str) -> &str {
    let address = address.strip_prefix("https://").or(address.strip_prefix("http://")).unwrap_or(address);
    address.trim_end_matches('/')
}
