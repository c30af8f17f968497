//! The configuration.

pub mod fault;
