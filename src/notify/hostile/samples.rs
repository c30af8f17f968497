//! Every sample in every variant, through the built-in templates, those of the card and of digests among them: what a relay without templates
//! of its own sends.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{discord, slack};
use crate::delivery::Rung;
use crate::event::{Action, Event, EventId, Organization};
use crate::notify::{Destination, Envelope, body_for};
use crate::render::context::{Context, Links};
use crate::render::digest::Digest;
use crate::render::{Purpose, Rendered, Renderer, Target};
use crate::run::Run;
use crate::sample::{self, DigestSample, SampleIds, Shape, Telling};

/// A rendered sample, by name.
type Sample = (String, Rendered);

fn event(number: usize, body: &Value) -> Event {
    let organization = Organization::new("acme");
    let accepted = sample::accept(sample::encode(body).into(), &organization, Timestamp::UNIX_EPOCH).unwrap();
    accepted.to_event(EventId::new(format!("evt_{number}")))
}

/// Renders every variant of every action in both shapes, alone and at its place in a run, and of every notice, with the
/// card as it is then.
fn rendered(destination: &Destination) -> Vec<Sample> {
    let renderer = Renderer::built_in();
    let links = Links {
        base_url: "https://acme.sentry.io".parse().unwrap(),
        public_url: Some("https://relay.acme.dev".parse().unwrap()),
    };
    let target = destination.target(None);
    let group_id = SampleIds::default().group_id;
    let (known, issues) = (sample::issue(&group_id), sample::issue_variants(&group_id));
    let mut samples = Vec::new();
    let mut add = |name: String, context: &Context| {
        samples.push((format!("card, {name}"), renderer.render_card(context, &target).unwrap()));
        samples.push((name, renderer.render(context, &target).unwrap()));
    };
    for shape in Shape::ALL {
        let mut earlier: Vec<Event> = Vec::new();
        for action in
            sample::run_script(shape).into_iter().chain([Action::Other("triage_started".to_owned())])
        {
            for (variant, body) in sample::variants(&action, shape) {
                let event = event(earlier.len(), &body);
                let run = [earlier.as_slice(), std::slice::from_ref(&event)].concat();
                let issue = issues.iter().find(|(name, _)| *name == variant).map(|(_, issue)| issue);
                let of_run = Some(issue.unwrap_or(&known));
                for (place, story, issue) in [("alone", vec![event], issue), ("in its run", run, of_run)] {
                    let context = Context::new(&story, issue, &links, false).unwrap();
                    add(format!("{action}, {shape:?}, {variant}, {place}"), &context);
                }
            }
            earlier.push(event(earlier.len(), &sample::body(&action, shape, &SampleIds::default())));
        }
    }
    for action in Action::NOTICES {
        let organization = Organization::new("acme");
        let variants = sample::notice_variants(&action, &organization, Timestamp::UNIX_EPOCH).unwrap();
        for (variant, telling) in variants {
            let issue = issues.iter().find(|(name, _)| *name == variant).map(|(_, issue)| issue);
            let context = Context::new(&telling.events, issue, &links, false).unwrap();
            add(format!("{action}, {variant}"), &context);
        }
    }
    samples.extend(digests(&renderer, &target, &links));
    samples
}

fn digests(renderer: &Renderer, target: &Target, links: &Links) -> Vec<Sample> {
    let (organization, now) = (Organization::new("acme"), Timestamp::UNIX_EPOCH);
    let digest = |(sample, tellings): (DigestSample, Vec<Telling>)| {
        let runs = tellings.into_iter().map(|each| (Run::fold(&each.events).unwrap(), each.issue));
        let digest = Digest::of_samples(now, now, runs);
        let context = Context::of_digest(&digest, |_| Cow::Borrowed(links));
        let made = renderer.render_for(Purpose::Digest, &context, target).unwrap();
        (format!("digest, {sample:?}"), made)
    };
    sample::digests(&organization, now).into_iter().map(digest).collect()
}

fn bodies(destination: &Destination, rungs: &[Rung]) -> Vec<(String, Value)> {
    let samples = rendered(destination);
    let made = samples.iter().flat_map(|(name, rendered)| {
        rungs.iter().map(move |rung| {
            let body = serde_json::from_slice(&body_for(destination, rendered, *rung, &Envelope::default()))
                .unwrap();
            (format!("{name}, {rung}"), body)
        })
    });
    made.collect()
}

#[test]
fn every_sample_is_a_message_that_slack_takes() {
    super::slack::check_all(&bodies(&slack(true, false), Rung::ALL));
}

#[test]
fn every_sample_is_a_message_that_discord_takes() {
    let validator = super::discord::validator();
    for (name, body) in bodies(&discord(), Rung::ALL) {
        super::discord::check(&validator, &name, &body);
    }
}
