//! How many files and connections the process may have open: as many as the system lets it, and strangers not all.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as are ever needed.
const WANTED: u64 = 8192;

/// How many are kept for the store and for calling destinations.
const RESERVED: u64 = 512;

/// The fewest connections that are taken at once, however little there is.
const FEWEST_CONNECTIONS: usize = 32;

/// Raises the limit, which is 1,024 by custom, as far as the system allows; returns how many connections may be open.
pub(super) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    let now = limit.current.unwrap_or(u64::MAX);
    let raised = now < wanted
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
    most_connections(if raised { wanted } else { now })
}

fn most_connections(limit: u64) -> usize {
    let reserved = RESERVED.min(limit / 2);
    usize::try_from(limit - reserved).unwrap_or(usize::MAX).max(FEWEST_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_kept_from_strangers() {
        for (limit, connections) in [(0, 32), (100, 50), (1024, 512), (8192, 7680)] {
            assert_eq!(most_connections(limit), connections, "{limit}");
        }
    }
}
