//! Where the dispatcher runs: on threads of its own, which give way to those that answer webhooks.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::dispatch::Dispatcher;
use crate::threads::give_way;

/// How many threads there are: on one, nobody has to wake another.
const THREADS: usize = 1;

/// The dispatcher's threads. They are not waited for when this is dropped: whatever must be finished was finished.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs the dispatcher until `stop` resolves; the task ends with it.
pub(super) fn start(
    dispatcher: Dispatcher,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = runtime()?;
    let work = runtime.spawn(dispatcher.run(stop));
    let threads = Threads(Some(runtime));
    Ok(tokio::spawn(async move {
        if work.await.is_err() {
            tracing::error!("the dispatcher broke off");
        }
        drop(threads);
    }))
}

fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).thread_name("dispatch").on_thread_start(give_way).enable_all().build()
}
