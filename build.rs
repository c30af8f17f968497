//! Has the linker put together what runs at rest, so that little of the program is in memory then.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment what is built")]

use std::env;

/// Written by `link/make`.
const SCRIPT: &str = "link/at_rest.ld";

fn main() {
    println!("cargo::rerun-if-changed={SCRIPT}");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    // Others know no such scripts, or may not; they lay the program out as they like.
    let knows_scripts = is("CARGO_CFG_TARGET_OS", "linux") && !asks_for_another_linker();
    if is("PROFILE", "release") && knows_scripts {
        let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,--script={root}/{SCRIPT}");
    }
}

/// Tells whether somebody chose a linker that is neither the toolchain's nor the system's.
fn asks_for_another_linker() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    ["mold", "wild", "gold"].iter().any(|other| flags.contains(other) || linker.contains(other))
}
