//! Has the linker put together what runs at rest, so that little of the program is in memory then.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment what is built")]

use std::env;

/// Written by `link/make`.
const SCRIPT: &str = "link/at_rest.ld";

/// Set, to anything, where the linker is to lay the program out by itself.
const LEFT_OUT: &str = "SEER_RELAY_PLAIN_LAYOUT";

fn main() {
    println!("cargo::rerun-if-changed={SCRIPT}");
    println!("cargo::rerun-if-env-changed={LEFT_OUT}");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let is_measured = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is("PROFILE", "release") && is_measured && !has_another_linker() && env::var_os(LEFT_OUT).is_none() {
        let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{root}/{SCRIPT}");
    }
}

/// Tells whether somebody chose a linker that reads no such scripts.
fn has_another_linker() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let chosen =
        flags.split('\x1f').filter_map(|flag| flag.rsplit_once("fuse-ld=")).map(|(_, name)| name.to_owned());
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    chosen.chain([linker]).any(|linker| {
        let name = linker.rsplit('/').next().unwrap_or_default();
        ["mold", "wild", "gold", "ld.mold", "ld.gold"].contains(&name)
    })
}
