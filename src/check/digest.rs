//! The digest of a config folder: whether two relays have the same settings, routes and templates.
//!
//! Says nothing of what the environment and secret files hold.

use sha2::{Digest, Sha256};

use crate::config::Reading;
use crate::render::Renderer;

/// So many bytes tell any two folders apart that somebody has.
const BYTES: usize = 6;

/// Returns the digest of the files as they were read.
pub(super) fn of(reading: &Reading, renderer: &Renderer) -> String {
    let templates = renderer.own_templates().flat_map(|(name, text)| [name, text]);
    let mut digest = Sha256::new();
    for part in reading.texts().chain(templates) {
        // With their lengths, so that nothing can move from one part to the next unnoticed.
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize().get(..BYTES).unwrap_or_default())
}
