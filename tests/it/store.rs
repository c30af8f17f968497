//! The promises of a store, one test each, told through the traits alone so that every backend can be held to them.
//!
//! `bench` picks the backend; `sqlite_file` holds what is particular to a store in a file.

mod acceptance;
mod accounts;
mod alerts;
pub(crate) mod bench;
mod cards;
mod catalogue;
mod deliveries;
mod digests;
mod durability;
mod exports;
mod fallbacks;
mod forgetting;
mod health;
mod hearing;
mod history;
mod issues;
mod lanes;
mod messages;
mod mutes;
mod planning;
mod replays;
mod reports;
mod runs;
mod sqlite_file;
mod stripping;
mod watch;
