//! Who may see more than that the relay is alive: whoever has its token.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::{ApiError, ErrorCode};

/// The relay's token, kept as its digest, so that comparing takes the same time whatever is guessed.
#[derive(Clone)]
pub struct AccessToken([u8; 32]);

impl AccessToken {
    /// Takes the token that opens the door.
    pub fn new(token: &SecretString) -> Self {
        Self(Sha256::digest(token.expose_secret()).into())
    }

    /// Lets a request through that has the token: `Authorization: Bearer`, or Basic with it as the password.
    ///
    /// # Errors
    /// 401 `token_required`.
    pub(super) fn admit(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let offered = header.and_then(offered_token);
        match offered {
            Some(token) if <[u8; 32]>::from(Sha256::digest(&token)) == self.0 => Ok(()),
            Some(_) | None => Err(ErrorCode::TokenRequired.into()),
        }
    }
}

fn offered_token(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        return pair.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn bearer_and_basic_with_the_token_get_in_and_nothing_else_does() {
        let token = AccessToken::new(&SecretString::from("open sesame"));
        let basic = format!("Basic {}", STANDARD.encode("anyone:open sesame"));
        for (header, admitted) in [
            (Some("Bearer open sesame"), true),
            (Some("bearer open sesame"), true),
            (Some(basic.as_str()), true),
            (Some("Bearer open"), false),
            (Some("Bearer "), false),
            (Some("Basic !!"), false),
            (Some("open sesame"), false),
            (None, false),
        ] {
            let mut request = TestRequest::default();
            if let Some(header) = header {
                request = request.insert_header((AUTHORIZATION, header));
            }
            assert_eq!(token.admit(&request.to_http_request()).is_ok(), admitted, "{header:?}");
        }
    }
}
