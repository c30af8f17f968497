//! Assets: the style sheets, the script and the sign of the pages. The name of each changes with what it holds, so that a
//! browser may keep it for good.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::answer::as_json;
use crate::http::error::ErrorCode;
use crate::preview::CHAT;

/// The names by which pages ask for them.
#[derive(Debug, Serialize)]
pub(super) struct Names {
    style: String,
    chat: String,
    script: String,
    icon: String,
}

struct Asset {
    name: String,
    mime: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, mime: &'static str, text: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(text));
        let digest = digest.get(..16).unwrap_or_default();
        Self { name: format!("{stem}-{digest}.{extension}"), mime, text }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../templates/dashboard/dashboard.css");
    Asset::new("dashboard", "css", "text/css; charset=utf-8", text)
});
static MESSAGES: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("chat", "css", "text/css; charset=utf-8", CHAT));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../templates/dashboard/dashboard.js");
    Asset::new("dashboard", "js", "text/javascript; charset=utf-8", text)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../templates/dashboard/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", text)
});

/// Returns the names.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let place = |asset: &Asset| format!("/assets/{}", asset.name);
    Names { style: place(&STYLE), chat: place(&MESSAGES), script: place(&SCRIPT), icon: place(&ICON) }
});

/// Shows an asset to anybody: there is nothing secret in it.
pub(super) async fn show(name: Path<String>) -> HttpResponse {
    let all: [&Asset; 4] = [&STYLE, &MESSAGES, &SCRIPT, &ICON];
    match all.into_iter().find(|asset| asset.name == *name) {
        Some(asset) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.mime))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.text),
        None => as_json(&ErrorCode::NotFound.into()),
    }
}
