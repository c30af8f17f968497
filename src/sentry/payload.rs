//! Payloads.

/// Placeholder of the skeleton.
#[derive(Debug, Clone)]
pub struct AcceptedEvent {}
