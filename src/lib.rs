//! seer-relay.

pub mod clock;
pub mod event;
pub mod secret;

pub mod delivery;
pub mod message;
pub mod run;
pub mod telemetry;

pub mod render;
pub mod routing;
pub mod sample;
pub mod sentry;

pub mod notify;
pub mod store;

pub mod dispatch;
pub mod http;

pub mod config;
