//! What a message costs, from the run's events to the request body.
//!
//! The goals: a typical message under 200 µs, one with a diff of 1 MB under 50 ms. `cargo bench --bench render`.
#![expect(clippy::expect_used, reason = "a benchmark that cannot begin has nothing to measure")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use seer_relay::delivery::{DestinationName, Rung};
use seer_relay::event::{Action, Event, EventId, Organization};
use seer_relay::notify::discord::DiscordConfig;
use seer_relay::notify::slack::SlackConfig;
use seer_relay::notify::{Destination, Envelope, Rate, Service, Style, body_for};
use seer_relay::render::context::{Context, Links};
use seer_relay::render::{Renderer, Target};
use seer_relay::sample::{self, SampleIds, Shape};
use seer_relay::secret::Secret;
use serde_json::{Value, json};

fn event(body: &Value) -> Event {
    let now = "2026-11-23T10:00:00Z".parse().expect("a time");
    let accepted = sample::accept(sample::encode(body).into(), &Organization::new("acme"), now);
    accepted.expect("a webhook").to_event(EventId::new("evt_bench"))
}

/// Returns the run up to an action, as the samples tell it.
fn run_up_to(action: &Action) -> Vec<Event> {
    let mut script = sample::run_script(Shape::Present);
    let end = script.iter().position(|each| each == action).expect("an action of the script");
    script.truncate(end + 1);
    script.iter().map(|step| event(&sample::body(step, Shape::Present, &SampleIds::default()))).collect()
}

/// Returns a run whose code is one file with a diff of 1 MB.
fn run_with_large_diff() -> Vec<Event> {
    let line = "+    total = subtotal - (coupon.discount or 0)  # a free shipping coupon has none\n";
    let diff =
        format!("--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,12000 @@\n{}", line.repeat(1_000_000 / line.len()));
    let file = json!({ "path": "x.py", "type": "M", "added": 12_000, "removed": 0, "diff": diff });
    let data = json!({ "run_id": 1, "group_id": 2, "code_changes": { "acme/api": [file] } });
    vec![event(&json!({ "action": "coding_completed", "data": data }))]
}

fn destination(service: Service, diff_lines: usize) -> Destination {
    Destination {
        name: DestinationName::new("x"),
        template_set: None,
        rate: Rate::Unlimited,
        in_flight: 1,
        timeout: Duration::from_secs(1),
        expire_after: None,
        fallback: None,
        diff_lines,
        style: Style::Messages,
        digest: None,
        announce: Vec::new(),
        service,
    }
}

fn destinations(diff_lines: usize) -> [Destination; 2] {
    let webhook_url = || Secret::Missing("only rendered".to_owned());
    let slack = SlackConfig::of_webhook(webhook_url());
    let discord = DiscordConfig::of_webhook(webhook_url());
    [Service::Slack(slack), Service::Discord(discord)].map(|service| destination(service, diff_lines))
}

/// Makes the body for a destination, as an attempt does; returns its length.
fn body(renderer: &Renderer, links: &Links, events: &[Event], destination: &Destination) -> usize {
    let context = Context::new(events, None, links, false).expect("events");
    let target = Target {
        kind: destination.service.kind(),
        set: None,
        destination: "x".to_owned(),
        diff_lines: destination.diff_lines,
    };
    let message = renderer.render(&context, &target).expect("the built-in templates are sound");
    body_for(destination, &message, Rung::Whole, &Envelope::default()).len()
}

fn render(criterion: &mut Criterion) {
    let renderer = Renderer::built_in();
    let links = Links { base_url: "https://acme.sentry.io".parse().expect("an address"), public_url: None };
    let mut group = criterion.benchmark_group("render");
    let typical = run_up_to(&Action::RootCauseCompleted);
    let pull_request = run_up_to(&Action::PrCreated);
    let large = run_with_large_diff();
    for (name, events, diff_lines) in [
        ("root_cause_completed", &typical, 0),
        ("pr_created", &pull_request, 0),
        ("1 MB diff, 20 lines shown", &large, 20),
        ("1 MB diff, shown as far as it fits", &large, 1_000_000),
    ] {
        for destination in destinations(diff_lines) {
            group.bench_function(format!("{name}, {}", destination.service.kind()), |bencher| {
                bencher.iter(|| body(&renderer, black_box(&links), black_box(events), &destination));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
