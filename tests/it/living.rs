//! The card under trouble: events in any order and twice, restarts, limits and answers that are lost, at chats that
//! remember what stands there.

use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use seer_relay::clock::Clock;
use seer_relay::demo::receivers::{Answer, Deed, Keys, Message, Received, Receiver, Receivers, Trouble};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::support::{PATIENCE, Relay, RelayFolder, Sentry};

const CHATS: [Receiver; 2] = [Receiver::Slack, Receiver::Discord];
const TOKEN: &str = "xoxb-known-to-the-tests";

/// Both chats, and a relay that keeps cards at both.
struct World {
    receivers: Receivers,
    arrivals: UnboundedReceiver<Received>,
    folder: RelayFolder,
}

impl World {
    fn new(rate: &str) -> Self {
        let keys = Keys { slack_token: TOKEN.into(), audit_secret: "whsec_".into() };
        let (receivers, arrivals) = Receivers::start(Clock::system(), keys).unwrap();
        let routes = format!(
            "[slack.slack]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\nchannel = \"#seer-fixes\"\napi_url = \"{}\"\n\
             rate = \"{rate}\"\n[discord.discord]\nwebhook_url = \"{}\"\nrate = \"{rate}\"\n\
             [[route]]\nname = \"all\"\nto = [\"slack\", \"discord\"]\n",
            receivers.slack_api_url(),
            receivers.url(Receiver::Discord)
        );
        let mut folder = RelayFolder::new(&routes);
        folder.set("SLACK_BOT_TOKEN", TOKEN);
        Self { receivers, arrivals, folder }
    }

    /// Waits until all trouble that was ordered has come.
    async fn until_untroubled(&mut self, taken: &mut Vec<Received>) {
        while !CHATS.iter().all(|chat| self.receivers.is_untroubled(*chat)) {
            let arrived = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await;
            taken.push(arrived.expect("the relay sends on until all trouble has come").unwrap());
        }
    }

    /// Returns the cards of a run at a chat, the oldest first.
    fn cards(&self, chat: Receiver, run: usize) -> Vec<Message> {
        self.receivers.messages(chat).into_iter().filter(|message| is_card_of(&message.body, run)).collect()
    }

    /// Returns how often the relay could not tell whether a message stood there, as it counted since it was started.
    async fn unknown(&self, relay: &Relay, chat: Receiver) -> usize {
        let metrics = relay.metrics(&self.folder).await;
        let name = format!("destination=\"{}\",stood=\"unknown\"", name(chat));
        let line = metrics.lines().find(|line| line.contains("_in_doubt_total{") && line.contains(&name));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

fn name(chat: Receiver) -> &'static str {
    match chat {
        Receiver::Slack => "slack",
        Receiver::Discord => "discord",
        Receiver::Webhook => unreachable!("no chat"),
    }
}

/// Only cards end with their run.
fn is_card_of(body: &Value, run: usize) -> bool {
    body.to_string().contains(&format!("Run {run} ·"))
}

/// The title as it is shown.
fn title(chat: Receiver, body: &Value) -> String {
    let title = match chat {
        Receiver::Slack => &body["blocks"][0]["text"]["text"],
        Receiver::Discord | Receiver::Webhook => &body["embeds"][0]["title"],
    };
    title.as_str().unwrap_or_default().replace('\\', "")
}

/// What one run sends, in this order, and how its card must look in the end.
struct Story {
    run: usize,
    events: Vec<(&'static str, Option<u64>)>,
    ending: &'static str,
}

impl Story {
    /// Ten actions in any order; every other run ends in the middle of its second iteration.
    fn shuffled(run: usize, random: &mut StdRng) -> Self {
        let ends_early = run.is_multiple_of(2);
        let (second, ending) = if ends_early {
            (("iteration_started", Some(2)), "Revising the pull request (round 2)")
        } else {
            (("iteration_started", Some(1)), "Pull request updated (round 1)")
        };
        let mut events = vec![second, ("iteration_completed", Some(1))];
        events.extend(SEVEN.map(|action| (action, None)));
        events.push(("pr_ready_for_review", None));
        events.shuffle(random);
        Self { run, events, ending }
    }

    /// That it was opened is told; that it is ready only where that was not told before.
    fn announcements(&self) -> usize {
        let place = |action| self.events.iter().position(|(each, _)| *each == action);
        if place("pr_created") < place("pr_ready_for_review") { 1 } else { 2 }
    }
}

const SEVEN: [&str; 7] = [
    "root_cause_started",
    "root_cause_completed",
    "solution_started",
    "solution_completed",
    "coding_started",
    "coding_completed",
    "pr_created",
];

fn data(run: usize, action: &str, iteration: Option<u64>) -> Value {
    let mut data = json!({ "run_id": run, "group_id": 10_000 + run });
    if action.starts_with("pr_") {
        let url = format!("https://github.com/acme/api/pull/{run}");
        data["pull_requests"] =
            json!([{ "repo_name": "acme/api", "pull_request": { "pr_number": run, "pr_url": url } }]);
    }
    if let Some(iteration) = iteration {
        data["iteration_index"] = json!(iteration);
    }
    data
}

/// Posts some of each run's events, all runs at once; every third one twice.
async fn post(sentry: &Sentry, stories: &[Story], events: std::ops::Range<usize>) {
    join_all(stories.iter().map(|story| {
        let events = events.clone();
        async move {
            for place in events {
                let (action, iteration) = story.events[place];
                let data = data(story.run, action, iteration);
                sentry.accepted(action, &data).await;
                if place.is_multiple_of(3) {
                    assert_eq!(sentry.post(action, &data).await.status(), 200, "a repeat");
                }
            }
        }
    }))
    .await;
}

fn trouble(receivers: &Receivers, random: &mut StdRng) {
    for chat in CHATS {
        let mut troubles = [
            Trouble::AnswerLost,
            Trouble::AnswerLost,
            Trouble::AnswerLost,
            Trouble::Unavailable,
            Trouble::RateLimited(Duration::from_millis(200)),
        ];
        troubles.shuffle(random);
        for trouble in &troubles[..random.random_range(2..=troubles.len())] {
            receivers.trouble(chat, *trouble);
        }
    }
}

#[tokio::test]
async fn under_any_trouble_a_run_has_one_card_that_ends_right_and_what_is_more_was_counted() {
    let seed = rand::random::<u32>();
    let random = &mut StdRng::seed_from_u64(seed.into());
    let stories: Vec<Story> = (1001..=1010).map(|run| Story::shuffled(run, random)).collect();
    let mut world = World::new("unlimited");
    let mut taken = Vec::new();
    let mut unknown = [0, 0];
    // Whatever was under way at a kill had arrived, unheard of.
    for (calm, last) in [(0..2, 2..4), (4..6, 6..8)] {
        let relay = world.folder.serve();
        trouble(&world.receivers, random);
        post(&relay.sentry(), &stories, calm).await;
        for chat in CHATS {
            world.receivers.trouble(chat, Trouble::Hang);
        }
        post(&relay.sentry(), &stories, last).await;
        world.until_untroubled(&mut taken).await;
        for (count, chat) in unknown.iter_mut().zip(CHATS) {
            *count += world.unknown(&relay, chat).await;
        }
        relay.kill();
    }
    let relay = world.folder.serve();
    trouble(&world.receivers, random);
    post(&relay.sentry(), &stories, 8..10).await;
    world.until_untroubled(&mut taken).await;
    world.folder.until_nothing_waits().await;
    for (count, chat) in unknown.iter_mut().zip(CHATS) {
        *count += world.unknown(&relay, chat).await;
    }
    while let Ok(received) = world.arrivals.try_recv() {
        taken.push(received);
    }

    for (chat, unknown) in CHATS.into_iter().zip(unknown) {
        let mut left_over = world.receivers.messages(chat).len();
        for story in &stories {
            let cards = world.cards(chat, story.run);
            let titles: Vec<String> = cards.iter().map(|card| title(chat, &card.body)).collect();
            // One that nobody heard of stays as it was; the newest is the one that is edited.
            let ended = titles.last().is_some_and(|title| title.starts_with(story.ending));
            assert!(ended, "seed {seed}, {chat:?}, run {}: {titles:?}", story.run);
            left_over -= 1 + story.announcements();
        }
        let lost = |received: &&Received| {
            received.receiver == chat
                && received.answer == Answer::Lost
                && !matches!(received.deed, Some(Deed::Edited { .. }))
        };
        let lost = taken.iter().filter(lost).count();
        assert!(
            left_over <= unknown.min(lost),
            "seed {seed}, {chat:?}: {left_over} too many; {unknown}, {lost}"
        );
        assert!(
            chat == Receiver::Discord || unknown == 0,
            "seed {seed}: Slack can always tell, but {unknown}"
        );
        assert_eq!(world.receivers.faults(chat), [""; 0], "seed {seed}");
    }
    let refused: Vec<_> = taken.iter().filter(|each| matches!(each.answer, Answer::Refused(..))).collect();
    assert!(refused.is_empty(), "seed {seed}: {refused:?}");
}

#[tokio::test]
async fn a_backlog_costs_two_calls_per_card() {
    const RUNS: usize = 100;
    let mut world = World::new("20/s");
    for chat in CHATS {
        world.receivers.limit(chat, 20);
    }
    let relay = world.folder.serve();
    let sentry = relay.sentry();
    join_all((1..=RUNS).map(|run| {
        let sentry = &sentry;
        async move {
            for action in SEVEN {
                sentry.accepted(action, &data(run, action, None)).await;
            }
        }
    }))
    .await;
    world.folder.until_nothing_waits().await;

    let mut taken = Vec::new();
    while let Ok(received) = world.arrivals.try_recv() {
        taken.push(received);
    }
    for chat in CHATS {
        let is_of_card = |each: &Received| each.body.to_string().contains("Run ") || each.deed.is_none();
        let cards = taken.iter().filter(|each| each.receiver == chat && is_of_card(each)).count();
        assert!(cards <= 2 * RUNS, "{chat:?}: {cards} calls for {RUNS} cards");
        for run in 1..=RUNS {
            let cards = world.cards(chat, run);
            assert_eq!(cards.len(), 1, "{chat:?}, run {run}");
            assert!(cards[0].edits <= 1 && title(chat, &cards[0].body).starts_with("Pull request opened"));
        }
        let announced = world.receivers.messages(chat).len() - RUNS;
        assert_eq!(announced, RUNS, "{chat:?}: announcements");
    }
}
