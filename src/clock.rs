//! What time it is: the system's clock, or one that a test turns by hand.
//!
//! Pure logic never asks; it takes `now`. Only the drivers (`http`, `dispatch`), `app` and `cli` hold a clock.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time to a driver.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Returns the system's wall clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the system is asked for the time")]
        Self(Arc::new(Timestamp::now))
    }

    /// Returns a clock that shows whatever `read` answers.
    pub fn from_fn(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}
