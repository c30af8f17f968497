//! Where the dispatcher runs: on threads of its own, which give way to those that answer webhooks.
//!
//! A webhook has one second, a message has time. Where nothing else wants the processors, nothing changes.

use std::io;
use std::thread;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::dispatch::Dispatcher;

/// How nice the threads are: on a busy processor they get about a tenth of what others get.
// Source: https://man7.org/linux/man-pages/man7/sched.7.html, "The nice value", read 2026-11-25.
const NICENESS: i32 = 10;

/// How many threads there are beside the one that claims.
const THREADS: usize = 1;

/// Runs the dispatcher until `stop` resolves; the task ends with it.
pub(super) fn start(
    dispatcher: Dispatcher,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let (ended, end) = oneshot::channel();
    let (report, reported) = std::sync::mpsc::channel();
    thread::Builder::new().name("dispatch".to_owned()).spawn(move || {
        give_way();
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = report.send(Err(error));
                return;
            }
        };
        let _ = report.send(Ok(()));
        runtime.block_on(dispatcher.run(stop));
        runtime.shutdown_background();
        let _ = ended.send(());
    })?;
    reported.recv().map_err(io::Error::other)??;
    Ok(tokio::spawn(async move {
        if end.await.is_err() {
            tracing::error!("the dispatcher broke off");
        }
    }))
}

/// Makes this thread give way, and those that it starts.
fn give_way() {
    // On Linux the niceness is a thread's own, and goes on to its children. Where the system forbids it, all are equal.
    let _ = setpriority_process(Some(gettid()), NICENESS);
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(THREADS).thread_name("dispatch-worker").enable_all().build()
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn only_the_thread_that_gives_way_does_and_what_it_starts() {
        let niceness = || getpriority_process(Some(gettid())).unwrap();
        let before = niceness();
        let (own, child) = thread::spawn(move || {
            give_way();
            (niceness(), thread::spawn(niceness).join().unwrap())
        })
        .join()
        .unwrap();
        assert_eq!((own, child), (before.max(NICENESS), before.max(NICENESS)));
        assert_eq!(niceness(), before);
    }
}
