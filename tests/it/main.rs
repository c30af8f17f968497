//! The integration tests: one binary, one module for each door that a user or an outsider has.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic; the switches of .clippy.toml reach only `#[test]` functions"
)]

mod api;
mod backtesting;
mod browser;
mod cards;
mod commands;
mod delivering;
mod digests;
mod doctor;
mod documents;
mod emulated;
mod explaining;
mod export;
mod fallback;
mod faults;
mod forgetting;
mod fuzz;
mod house;
mod ingest;
mod issues;
mod ladder;
mod living;
mod lookup;
mod muting;
mod observability;
mod past;
mod preview;
mod proof;
mod reload;
mod reporting;
mod routing_table;
mod shells;
mod signatures;
mod store;
mod strangers;
mod support;
mod templates;
mod threads;
mod volume;
mod watching;
