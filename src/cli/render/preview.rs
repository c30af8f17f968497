//! The preview page's contents: what today's templates make of each sample for each destination.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;

use crate::app::links_of;
use crate::check::Checked;
use crate::cli::Failure;
use crate::clock::Clock;
use crate::delivery::{Mention, Part, Rung};
use crate::event::Action;
use crate::notify::{Destination, Envelope, SHORTENED, Style, body_for};
use crate::preview::page::{self, Outcome, Page, Sample, Screen, Take, View};
use crate::render::context::{Context, Links};
use crate::render::{CARD, DIGEST, Purpose, Target};
use crate::routing::{Route, RoutedDestination};
use crate::run::Run;
use crate::sample::{self, DigestSample, HOSTILE, LARGE, SampleIds, Shape, Telling, UNKNOWN_ACTION};
use crate::sentry::OrganizationConfig;

/// After these a card is drawn: where it begins, in its middle, at its end, and where the run failed.
const CARD_AFTER: [Action; 4] =
    [Action::RootCauseStarted, Action::CodingCompleted, Action::IterationCompleted, Action::RunFailed];

/// Which runs each sample of a digest tells of.
const DIGESTS: [(Sample, DigestSample); 4] = [
    (Sample::Present, DigestSample::Plain),
    (Sample::Unknown, DigestSample::Unknown),
    (Sample::Long, DigestSample::Many),
    (Sample::Hostile, DigestSample::Hostile),
];

/// Draws everything and writes it to a file.
pub(super) fn write(
    path: &Path,
    checked: &Checked,
    organization: &OrganizationConfig,
    dir: &Path,
) -> Result<(), Failure> {
    let preview = Preview {
        checked,
        organization,
        links: links_of(organization, &checked.config),
        now: Clock::system().now(),
    };
    let page = Page { folder: dir.display().to_string(), actions: preview.actions() };
    std::fs::write(path, page.to_html()).map_err(|error| {
        Failure::new(
            format!("the page cannot be written to `{}`: {error}", path.display()),
            "name a file in a folder that is there, for example `--preview preview.html`",
        )
    })
}

struct Preview<'a> {
    checked: &'a Checked,
    organization: &'a OrganizationConfig,
    links: Links,
    now: Timestamp,
}

/// A sample of an action, ready to be rendered.
struct Told {
    sample: Sample,
    telling: Telling,
    context: Context,
}

impl Preview<'_> {
    fn actions(&self) -> Vec<page::Action> {
        let mut actions = self.checked.renderer.actions();
        actions.push(Action::from_name(UNKNOWN_ACTION));
        let messages = actions.iter().map(|action| self.action(action, action.into()));
        // Nothing of a message is shown where every destination tells it in a digest.
        let has_none = self.checked.config.destinations.is_empty();
        let messages = messages.filter(|message| has_none || !message.views.is_empty());
        let cards = CARD_AFTER.iter().map(|action| self.action(action, Purpose::Card));
        let cards = cards.chain([self.digest()]);
        messages.chain(cards.filter(|action| !action.views.is_empty())).collect()
    }

    /// Returns what each destination gets of an action: a message, or the card as it is then.
    fn action(&self, action: &Action, purpose: Purpose<'_>) -> page::Action {
        let told: Vec<Told> =
            Sample::ALL.into_iter().filter_map(|sample| self.told(action, sample)).collect();
        let routed = told.first().map(|told| self.routed(&told.telling)).unwrap_or_default();
        let shows = |destination: &&Destination| match purpose {
            Purpose::Card => destination.style == Style::Card,
            // Elsewhere than in a digest only the relay's own notices are told there.
            Purpose::Action(action) => destination.parts(action) != [Part::Digest],
            Purpose::Digest => false,
        };
        let destinations = self.checked.config.destinations.iter().filter(shows);
        let views =
            destinations.flat_map(|destination| self.views(purpose, destination, &routed, &told)).collect();
        let name = match purpose {
            Purpose::Action(action) => action.as_str().to_owned(),
            Purpose::Card => format!("{CARD} after {action}"),
            Purpose::Digest => DIGEST.to_owned(),
        };
        page::Action { name, views }
    }

    /// Returns the digest of each destination that has one.
    fn digest(&self) -> page::Action {
        let destinations = self.checked.config.destinations.iter();
        let views = destinations.filter(|destination| destination.digest.is_some()).map(|destination| {
            let target = destination.target(None);
            let mut takes = Vec::new();
            for (sample, of) in DIGESTS {
                let tellings = sample::digest(of, &self.organization.organization, self.now);
                let digest = super::digest_of(tellings, destination);
                let context = Context::of_digest(&digest, |_| Cow::Borrowed(&self.links));
                let outcome = self.outcome(Purpose::Digest, destination, &target, &[], sample, &context);
                add(&mut takes, sample, outcome);
            }
            View {
                destination: destination.name.to_string(),
                screen: screen(destination),
                is_own: !self.checked.renderer.is_built_in(Purpose::Digest, &target),
                template: self.checked.renderer.template_for(Purpose::Digest, &target),
                is_routed: true,
                takes,
            }
        });
        page::Action { name: DIGEST.to_owned(), views: views.collect() }
    }

    fn told(&self, action: &Action, sample: Sample) -> Option<Told> {
        let organization = &self.organization.organization;
        let variant = |name: &str| {
            let issues = sample::issue_variants(&SampleIds::default().group_id).into_iter();
            let mut issue = issues.filter(|(each, _)| each == name).map(|(_, issue)| issue);
            Some(Telling { issue: issue.next(), ..self.variant(action, name)? })
        };
        let present = || sample::telling(action, Shape::Present, organization, self.now).ok();
        let telling = match sample {
            Sample::Present => present(),
            Sample::Unknown => present().map(|telling| Telling { issue: None, ..telling }),
            Sample::Documented => sample::telling(action, Shape::Documented, organization, self.now).ok(),
            Sample::Long => variant(LARGE),
            Sample::Hostile => variant(HOSTILE),
        }?;
        let issue = telling.issue.as_ref();
        let context =
            Context::new(&telling.events, issue, &self.links, false)?.with_payload(&telling.payload);
        Some(Told { sample, telling, context })
    }

    fn variant(&self, action: &Action, name: &str) -> Option<Telling> {
        let organization = &self.organization.organization;
        if action.is_notice() {
            let variants = sample::notice_variants(action, organization, self.now).ok()?;
            return variants.into_iter().find(|(each, _)| each == name).map(|(_, telling)| telling);
        }
        let mut variants = sample::variants(action, Shape::Present).into_iter();
        let (_, body) = variants.find(|(each, _)| each == name)?;
        sample::telling_of(action, Shape::Present, &body, organization, self.now).ok()
    }

    fn routed(&self, telling: &Telling) -> Vec<RoutedDestination> {
        let run = Run::fold(&telling.events);
        let routed = telling.events.last().zip(run.as_ref());
        routed
            .map(|(event, run)| {
                self.checked.config.routing.route(event, run, telling.issue.as_ref()).destinations
            })
            .unwrap_or_default()
    }

    /// Returns the views of a destination: one for each template by which its routes may have it made.
    fn views(
        &self,
        purpose: Purpose<'_>,
        destination: &Destination,
        routed: &[RoutedDestination],
        told: &[Told],
    ) -> Vec<View> {
        let renderer = &self.checked.renderer;
        let own = destination.template_set.as_deref();
        let routed = routed.iter().find(|routed| routed.name == destination.name);
        let terms = routed.map(|routed| self.checked.config.routing.unmuted(routed)).unwrap_or_default();
        let mentions = match purpose {
            Purpose::Action(action) => {
                let parts = destination.parts(action);
                let shown = parts.iter().find(|part| **part != Part::Card).or(parts.first());
                shown.map(|part| terms.mentioned_by(*part, parts, destination.service.kind()).to_vec())
            }
            // As an edit leaves it: pinged is by what is announced.
            Purpose::Card | Purpose::Digest => None,
        };
        let mentions = mentions.unwrap_or_default();
        let routed = routed.map(|routed| destination.target(routed.template_set.as_deref()));
        let sets = Route::sets_of(self.checked.config.routing.routes(), &destination.name, own);
        let others = sets.iter().map(|set| destination.target(set.as_deref()));
        let mut seen = BTreeSet::new();
        let mut views = Vec::new();
        for (is_routed, target) in
            routed.into_iter().map(|target| (true, target)).chain(others.map(|target| (false, target)))
        {
            let template = renderer.template_for(purpose, &target);
            if seen.insert(template.clone()) {
                views.push(View {
                    destination: destination.name.to_string(),
                    screen: screen(destination),
                    is_own: !renderer.is_built_in(purpose, &target),
                    template,
                    is_routed,
                    takes: self.takes(
                        purpose,
                        destination,
                        &target,
                        if is_routed { &mentions } else { &[] },
                        told,
                    ),
                });
            }
        }
        views
    }

    /// Renders every sample; those that come to the same are one take.
    fn takes(
        &self,
        purpose: Purpose<'_>,
        destination: &Destination,
        target: &Target,
        mentions: &[Mention],
        told: &[Told],
    ) -> Vec<Take> {
        let mut takes: Vec<Take> = Vec::new();
        for Told { sample, context, .. } in told {
            let outcome = self.outcome(purpose, destination, target, mentions, *sample, context);
            add(&mut takes, *sample, outcome);
        }
        takes
    }

    fn outcome(
        &self,
        purpose: Purpose<'_>,
        destination: &Destination,
        target: &Target,
        mentions: &[Mention],
        sample: Sample,
        context: &Context,
    ) -> Outcome {
        let is_cut_nowhere = purpose != Purpose::Digest && screen(destination) == Screen::Service;
        if sample == Sample::Long && is_cut_nowhere {
            return Outcome::Untried("Nothing is cut here: a program gets all of it, however long.");
        }
        match self.checked.renderer.render_for(purpose, context, target) {
            Ok(rendered) => {
                let envelope = Envelope { mentions: mentions.to_vec(), ..Envelope::default() };
                let body = body_for(destination, &rendered, Rung::Whole, &envelope);
                Outcome::Sent { cut: cut(destination, &body), body }
            }
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

fn add(takes: &mut Vec<Take>, sample: Sample, outcome: Outcome) {
    match takes.iter_mut().find(|take| take.outcome == outcome) {
        Some(take) => take.samples.push(sample),
        None => takes.push(Take { samples: vec![sample], outcome }),
    }
}

fn screen(destination: &Destination) -> Screen {
    destination.service.platform().map_or(Screen::Service, Screen::Chat)
}

/// Returns what a message itself says of what was left out.
fn cut(destination: &Destination, body: &Bytes) -> Option<String> {
    match screen(destination) {
        Screen::Chat(platform) => {
            let sentence = platform.read(&serde_json::from_slice(body).ok()?).sentence(SHORTENED)?;
            sentence.strip_prefix(SHORTENED).map(|said| said.trim().to_owned())
        }
        Screen::Service => None,
    }
}
