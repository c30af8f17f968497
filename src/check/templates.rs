//! Renders every template for every action, both payload shapes and every destination, to find what fails.

mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use url::Url;

use crate::config::fault::{Fault, Faults};
use crate::config::{Reading, quoted};
use crate::delivery::DestinationKind;
use crate::event::{Action, Event, EventId, Organization};
use crate::notify::excess;
use crate::render::context::{Context, Links};
use crate::render::{RenderError, Rendered, Renderer, Target, TemplateFault, TemplatesConfig};
use crate::sample::{self, LARGE, Shape, UNKNOWN_ACTION};

/// When the samples happen.
const SAMPLE_TIME: &str = "2026-01-01T12:00:00Z";

/// Loads and renders the templates that a configuration uses; returns them where they load, and what was found.
pub(super) fn check(reading: &Reading, dir: &Path) -> (Option<Renderer>, Faults) {
    let Some(config) = reading.templates() else { return (None, Faults::default()) };
    let shown = Shown { dir, config };
    let renderer = match Renderer::load(config) {
        Ok(renderer) => renderer,
        Err(faults) => {
            let faults = faults.into_iter().map(|fault| shown.fault("template_invalid", fault)).collect();
            return (None, Faults { faults, warnings: Vec::new() });
        }
    };
    let mut faults = names::unknown_sets(reading, &renderer, &shown);
    let mut warnings = names::unknown_actions(&renderer, &shown);
    if faults.is_empty() && reading.is_clean() {
        warnings.extend(names::unused_sets(reading, &renderer, &shown));
    }
    let unknown_fields = renderer.unknown_fields().iter().cloned();
    let unknown_fields: Vec<Fault> =
        unknown_fields.map(|fault| shown.fault("unknown_field", fault)).collect();
    let failing = Trial::new(reading, &renderer, shown).map(|trial| trial.run()).unwrap_or_default();
    // What an unknown field makes of its line is told already.
    let is_told = |fault: &Fault| {
        unknown_fields.iter().any(|told| (&told.file, told.line) == (&fault.file, fault.line))
    };
    faults.extend(failing.into_iter().filter(|fault| !is_told(fault)));
    faults.extend(unknown_fields);
    faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    (Some(renderer), Faults { faults, warnings })
}

/// How a template's path is shown: with the config folder as the user named it.
struct Shown<'a> {
    dir: &'a Path,
    config: &'a TemplatesConfig,
}

impl Shown<'_> {
    fn path(&self, path: &Path) -> PathBuf {
        let absolute = std::path::absolute(self.dir).ok();
        let below = absolute.as_deref().and_then(|absolute| path.strip_prefix(absolute).ok());
        below.map_or_else(|| path.to_owned(), |below| self.dir.join(below))
    }

    fn fault(&self, code: &'static str, fault: TemplateFault) -> Fault {
        Fault {
            file: Some(self.path(&fault.file)),
            line: fault.line,
            column: fault.column,
            code,
            message: fault.message,
            hint: fault.hint,
        }
    }
}

/// One way in which templates are used.
#[derive(Debug)]
struct Use {
    kind: DestinationKind,
    set: Option<String>,
    diff_lines: usize,
    /// The destination that uses them so.
    destination: String,
    /// Whether an earlier one uses them in the same way: then only what Sentry sends is rendered for it.
    is_repeated: bool,
}

/// What is rendered, and for whom.
struct Trial<'a> {
    renderer: &'a Renderer,
    shown: Shown<'a>,
    uses: Vec<Use>,
    organization: Organization,
    links: Links,
    now: Timestamp,
    /// Whether there may be templates that did not come with the relay.
    has_own_templates: bool,
}

impl<'a> Trial<'a> {
    /// Returns `None` only where this program's own examples are no address and no time.
    fn new(reading: &Reading, renderer: &'a Renderer, shown: Shown<'a>) -> Option<Self> {
        let (organization, base_url) = match reading.organizations().first() {
            Some(first) => (first.organization.clone(), first.base_url.clone()),
            None => (Organization::new("acme"), Url::parse("https://acme.sentry.io").ok()?),
        };
        Some(Self {
            renderer,
            has_own_templates: shown.config.dir.is_dir(),
            shown,
            uses: uses(reading, renderer),
            organization,
            links: Links { base_url, public_url: reading.public_url().cloned() },
            now: Timestamp::from_str(SAMPLE_TIME).ok()?,
        })
    }

    /// Renders everything; each fault of a template is reported once, whatever shows it.
    fn run(&self) -> Vec<Fault> {
        let mut seen = BTreeSet::new();
        let mut faults = Vec::new();
        for action in self.renderer.actions().into_iter().chain([Action::from_name(UNKNOWN_ACTION)]) {
            for shape in [Shape::Documented, Shape::Present] {
                for (is_plain, context) in self.contexts(&action, shape) {
                    for usage in self.uses.iter().filter(|usage| is_plain || !usage.is_repeated) {
                        if let Err(fault) = self.render(&action, &context, usage, is_plain)
                            && seen.insert((fault.file.clone(), fault.line, fault.column))
                        {
                            faults.push(*fault);
                        }
                    }
                }
            }
        }
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        faults
    }

    /// Returns what a message may be about, and whether it is as Sentry sends it: the sample at its place in a run, and
    /// each of its variants alone. The built-in templates stand all variants, which their own tests hold.
    fn contexts(&self, action: &Action, shape: Shape) -> Vec<(bool, Context)> {
        let whole = sample::telling(action, shape, &self.organization, self.now).ok();
        let whole = whole.and_then(|whole| Context::new(&whole.events, &self.links, false));
        let whole = whole.map(|context| (true, context));
        let variants = if self.has_own_templates { sample::variants(action, shape) } else { Vec::new() };
        // It only tries how texts are cut, which templates do not decide; it would take most of the time.
        let variants = variants.into_iter().filter(|(name, _)| name != LARGE);
        let variants = variants.filter_map(|(_, body)| {
            let event = self.event(&body)?;
            Context::new(&[event], &self.links, false).map(|context| (false, context))
        });
        whole.into_iter().chain(variants).collect()
    }

    fn event(&self, body: &serde_json::Value) -> Option<Event> {
        let accepted = sample::accept(sample::encode(body).into(), &self.organization, self.now).ok()?;
        Some(accepted.to_event(EventId::new("evt_sample01")))
    }

    fn render(
        &self,
        action: &Action,
        context: &Context,
        usage: &Use,
        is_plain: bool,
    ) -> Result<(), Box<Fault>> {
        let target = Target {
            kind: usage.kind,
            set: usage.set.clone(),
            destination: usage.destination.clone(),
            diff_lines: usage.diff_lines,
        };
        match self.renderer.render(context, &target) {
            Ok(Rendered::Message(_) | Rendered::Document(_)) => Ok(()),
            Ok(Rendered::Body(_)) if !is_plain => Ok(()),
            Ok(Rendered::Body(body)) => match excess(usage.kind, &body) {
                None => Ok(()),
                Some(excess) => Err(Box::new(self.limit_fault(action, &target, &excess))),
            },
            Err(error) => Err(Box::new(self.render_fault(error))),
        }
    }

    fn render_fault(&self, error: RenderError) -> Fault {
        let file = self.shown.config.dir.join(&error.template);
        let RenderError { line, column, message, hint, .. } = error;
        self.shown.fault("template_fails", TemplateFault { file, line, column, message, hint })
    }

    fn limit_fault(&self, action: &Action, target: &Target, excess: &str) -> Fault {
        let template = self.renderer.template_for(action, target);
        Fault {
            file: Some(self.shown.path(&self.shown.config.dir.join(&template))),
            line: None,
            column: None,
            code: "platform_limit",
            message: format!(
                "the body for `{}` that {} makes of `{action}` {excess}",
                target.destination,
                quoted(&template)
            ),
            hint: Some(
                "change the template; long texts become shorter with `truncate`, long lists with `[:5]`"
                    .to_owned(),
            ),
        }
    }
}

/// Returns every way in which the destinations use templates, and for each kind the plainest one, with every set: a
/// template that nobody uses yet may be used tomorrow.
fn uses(reading: &Reading, renderer: &Renderer) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let mut add = |kind, set: Option<String>, diff_lines, destination: &str| {
        let is_same = |known: &Use| (known.kind, &known.set, known.diff_lines) == (kind, &set, diff_lines);
        let is_repeated = uses.iter().any(is_same);
        uses.push(Use { kind, set, diff_lines, destination: destination.to_owned(), is_repeated });
    };
    for destination in reading.destinations() {
        for set in reading.sets_of(destination) {
            if set.as_deref().is_none_or(|set| renderer.has_set(set)) {
                add(destination.service.kind(), set, destination.diff_lines, destination.name.as_str());
            }
        }
    }
    let sets = renderer.sets().into_iter().map(Some).chain([None]);
    for set in sets {
        for kind in DestinationKind::ALL {
            add(*kind, set.clone(), 0, kind.as_str());
        }
    }
    uses
}
