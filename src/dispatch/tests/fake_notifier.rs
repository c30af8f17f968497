//! Destinations that answer by a script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::delivery::Rung;
use crate::notify::{Call, Envelope, Notifier, SendError, Sent};
use crate::render::Rendered;

/// How a fake destination answers one call.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It takes the message after a while.
    Takes(Duration),
    /// It does not take it.
    Refuses(SendError),
    /// It does not take it, and says so after a while.
    RefusesAfter(Duration, SendError),
    /// It says nothing.
    Hangs,
    /// The notifier has a bug.
    Panics,
}

/// One call to a fake destination.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Called {
    pub(super) delivery: String,
    pub(super) rung: String,
    pub(super) at: Instant,
}

/// A destination that answers by a script, and then always the same.
pub(super) struct FakeNotifier {
    script: Mutex<VecDeque<Answer>>,
    then: Answer,
    /// How it answers some deliveries, whatever the script says.
    always: HashMap<String, Answer>,
    calls: Mutex<Vec<Called>>,
    /// Open requests now, and at most so far.
    open: Mutex<(usize, usize)>,
}

impl FakeNotifier {
    pub(super) fn new(script: impl IntoIterator<Item = Answer>, then: Answer) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        let (calls, open) = (Mutex::default(), Mutex::default());
        Arc::new(Self { script, then, always: HashMap::new(), calls, open })
    }

    /// Answers a delivery always the same.
    pub(super) fn answering(self: Arc<Self>, delivery: &str, answer: Answer) -> Arc<Self> {
        let mut notifier = Arc::into_inner(self).expect("nobody else has it yet");
        notifier.always.insert(delivery.to_owned(), answer);
        Arc::new(notifier)
    }

    pub(super) fn calls(&self) -> Vec<Called> {
        self.calls.lock().expect("not poisoned").clone()
    }

    /// The deliveries of the calls, in order.
    pub(super) fn called(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.delivery).collect()
    }

    pub(super) fn most_open(&self) -> usize {
        self.open.lock().expect("not poisoned").1
    }
}

#[async_trait]
impl Notifier for FakeNotifier {
    fn body(&self, _: &Rendered, rung: Rung, _: &Envelope) -> Bytes {
        Bytes::from_static(rung.as_str().as_bytes())
    }

    fn next_rung(&self, rung: Rung, _: Option<u16>) -> Option<Rung> {
        rung.plainer()
    }

    async fn send(&self, body: Bytes, call: &Call) -> Result<Sent, SendError> {
        let rung = String::from_utf8(body.to_vec()).expect("a word");
        let called = Called { delivery: call.delivery_id.to_string(), rung, at: Instant::now() };
        self.calls.lock().expect("not poisoned").push(called);
        {
            let mut open = self.open.lock().expect("not poisoned");
            *open = (open.0 + 1, open.1.max(open.0 + 1));
        }
        let own = self.always.get(call.delivery_id.as_str()).cloned();
        let scripted =
            if own.is_none() { self.script.lock().expect("not poisoned").pop_front() } else { None };
        let answer = match own.or(scripted).unwrap_or_else(|| self.then.clone()) {
            Answer::Takes(after) => {
                tokio::time::sleep(after).await;
                Ok(Sent { status: 200, ..Sent::default() })
            }
            Answer::Refuses(error) => Err(error),
            Answer::RefusesAfter(after, error) => {
                tokio::time::sleep(after).await;
                Err(error)
            }
            Answer::Hangs => std::future::pending().await,
            Answer::Panics => panic!("a bug in the notifier"),
        };
        self.open.lock().expect("not poisoned").0 -= 1;
        answer
    }
}
