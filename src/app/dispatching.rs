//! Where the dispatcher runs: on threads of its own, which give way to those that answer webhooks.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::dispatch::Dispatcher;
use crate::threads::give_way;

/// How many threads work, beside the one that waits for their end: on one, nobody has to wake another.
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

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(THREADS).thread_name("dispatch-worker").enable_all().build()
}
