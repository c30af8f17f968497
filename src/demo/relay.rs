//! The relay that the demo plays to: the real one, from the demo's folder.

use std::path::Path;

use super::DemoError;
use crate::app::{self, Running};
use crate::check::load_checked;
use crate::clock::Clock;
use crate::config::Environment;

/// Loads the folder as `serve` does, with an environment of its own that holds nothing, and starts the relay.
///
/// # Errors
/// [`DemoError::Settings`] or [`DemoError::Relay`] where it does not start.
pub(super) async fn start_relay(config_dir: &Path, clock: Clock) -> Result<Running, DemoError> {
    let checked = load_checked(config_dir, &Environment::default()).map_err(DemoError::Settings)?;
    Ok(app::start(checked, clock).await?)
}
