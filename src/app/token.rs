//! The token that opens metrics: from the settings, or made once and kept beside the store.

use std::fs::{OpenOptions, read_to_string};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::StartError;

/// The name of the file beside the store.
const FILE_NAME: &str = "token";

/// Returns where the token lies that belongs to a store.
fn path_beside(store: &Path) -> PathBuf {
    store.with_file_name(FILE_NAME)
}

/// Returns the configured token, or the one beside the store; makes that one where there is none yet.
pub(super) fn obtain(configured: Option<SecretString>, store: &Path) -> Result<SecretString, StartError> {
    if let Some(token) = configured {
        return Ok(token);
    }
    let path = path_beside(store);
    let token = read(&path)
        .or_else(|error| if error.kind() == ErrorKind::NotFound { make(&path) } else { Err(error) })
        .map_err(|source| StartError::Token { path: path.display().to_string(), source })?;
    tracing::info!(path = %path.display(), "metrics ask for the token in this file");
    Ok(token)
}

/// Returns the configured token, or the one beside the store; makes none.
pub(crate) fn known(configured: Option<&SecretString>, store: &Path) -> Option<SecretString> {
    configured.cloned().or_else(|| read(&path_beside(store)).ok())
}

fn read(path: &Path) -> Result<SecretString, Error> {
    let token = read_to_string(path)?;
    let token = token.trim();
    if token.is_empty() {
        return Err(Error::new(ErrorKind::InvalidData, "the file is empty; remove it and start again"));
    }
    Ok(SecretString::from(token))
}

fn make(path: &Path) -> Result<SecretString, Error> {
    let token = SecretString::from(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.expose_secret().as_bytes())?;
    file.sync_all()?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("relay.db");
        assert!(known(None, &store).is_none());
        let first = obtain(None, &store).unwrap();
        let again = obtain(None, &store).unwrap();
        assert_eq!(known(None, &store).unwrap().expose_secret(), first.expose_secret());
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert!(first.expose_secret().len() >= 40);
        let mode = std::fs::metadata(path_beside(&store)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_configured_token_wins() {
        let folder = tempfile::tempdir().unwrap();
        let token = obtain(Some(SecretString::from("mine")), &folder.path().join("relay.db")).unwrap();
        assert_eq!(token.expose_secret(), "mine");
        assert!(!folder.path().join(FILE_NAME).exists());
    }
}
