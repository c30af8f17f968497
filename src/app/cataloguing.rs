//! Cataloguing: what lists and reports show of runs follows what happens, while there is nothing better to do.
//!
//! Knows only when; what the catalogue holds is the store's.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::told_to_stop;
use crate::store::StoreError;

/// How often is looked for what is new: so much later people see it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long nothing is done after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Has `step` do some of the work, again and again, until told to stop; it returns whether there may be more to do at once.
pub(super) async fn catalogue(
    mut step: impl AsyncFnMut() -> Result<bool, StoreError>,
    stopped: watch::Receiver<bool>,
) {
    let work = async {
        let mut has_failed = false;
        loop {
            let done = step().await;
            // Whoever writes for others says that the store fails; here nobody waits.
            if let Err(error) = &done
                && !has_failed
            {
                tracing::warn!(%error, "the catalogue of runs falls behind");
            }
            has_failed = done.is_err();
            match done {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => sleep(LOOK_EVERY).await,
                Err(_) => sleep(AFTER_FAILURE).await,
            }
        }
    };
    tokio::select! {
        () = told_to_stop(stopped) => {}
        () = work => {}
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_while_there_is_more_and_waits_longer_after_a_failure() {
        let failed = || Err(StoreError::Unavailable("disk full".to_owned()));
        let answers = RefCell::new(vec![Ok(false), failed(), Ok(false), Ok(true)]);
        let times = RefCell::new(Vec::new());
        let began = Instant::now();
        let (stop, stopped) = watch::channel(false);
        let answer_next = async || {
            times.borrow_mut().push(began.elapsed().as_millis());
            let answer = answers.borrow_mut().pop();
            answer.unwrap_or_else(|| {
                stop.send_replace(true);
                Ok(false)
            })
        };
        catalogue(answer_next, stopped).await;
        assert_eq!(*times.borrow(), [0, 0, 500, 5_500, 6_000]);
    }
}
