//! Renders every template for every action, and the card after it, for both payload shapes and every destination, and the
//! digests, to find what fails and what would be cut.

mod names;
mod uses;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use url::Url;

use self::uses::{Piece, Use, uses};
use crate::config::Reading;
use crate::config::fault::{Fault, Faults};
use crate::delivery::DestinationKind;
use crate::event::{Action, Event, EventId, Organization};
use crate::message::Message;
use crate::notify::cuts::{Cut, Part, cuts};
use crate::notify::{Excess, excess};
use crate::render::context::{Context, Links};
use crate::render::digest::Digest;
use crate::render::{Line, RenderError, Rendered, Renderer, TemplateFault, TemplatesConfig, Trace, Tracer};
use crate::run::Run;
use crate::sample::{self, DigestSample, HOSTILE, LARGE, SampleIds, Shape, UNKNOWN_ACTION};
use crate::words::quoted;

/// When the samples happen.
const SAMPLE_TIME: &str = "2026-01-01T12:00:00Z";

/// Loads and renders the templates that a configuration uses; returns those that load, and what was found.
pub(super) fn check(reading: &Reading, dir: &Path) -> (Option<Renderer>, Faults) {
    let Some(config) = reading.templates() else { return (None, Faults::default()) };
    let shown = Shown { dir, config };
    let renderer = Renderer::load_faulty(config);
    let unloaded = renderer.faults().iter().cloned();
    let mut faults: Vec<Fault> = unloaded.map(|fault| shown.fault("template_invalid", fault)).collect();
    faults.extend(names::unknown_sets(reading, &renderer, &shown));
    let mut warnings = names::unknown_actions(&renderer, &shown);
    if faults.is_empty() && reading.is_clean() {
        warnings.extend(names::unused_sets(reading, &renderer, &shown));
    }
    warnings.extend(renderer.traps().iter().cloned().map(|trap| shown.fault("template_trap", trap)));
    let unknown_fields = renderer.unknown_fields().iter().cloned();
    let unknown_fields = unknown_fields.map(|fault| shown.fault("unknown_field", fault)).collect();
    let found = Trial::new(reading, &renderer, shown).map(|trial| trial.run()).unwrap_or_default();
    add_new(&mut faults, unknown_fields);
    add_new(&mut faults, found.faults);
    faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    warnings.extend(found.warnings);
    (Some(renderer), Faults { faults, warnings })
}

/// Adds faults but for those at a line of which something is told already: one mistake shows in many ways.
fn add_new(faults: &mut Vec<Fault>, more: Vec<Fault>) {
    let told: BTreeSet<_> = faults.iter().map(|fault| (fault.file.clone(), fault.line)).collect();
    let is_new = |fault: &Fault| fault.line.is_none() || !told.contains(&(fault.file.clone(), fault.line));
    faults.extend(more.into_iter().filter(is_new));
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

/// What a sample stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sample {
    /// What Sentry sends, at its place in a run.
    Plain,
    /// Something of it absent, null or empty, or another ending.
    Variant,
    /// What nobody should write: that some of it is cut says nothing of a template.
    Hostile,
}

/// Tells by its name what a variant stands for.
fn kind_of(variant: &str) -> Sample {
    if variant == HOSTILE { Sample::Hostile } else { Sample::Variant }
}

/// What is rendered, and for whom.
struct Trial<'a> {
    renderer: &'a Renderer,
    /// Made when the first finding needs it.
    tracer: OnceCell<Tracer<'a>>,
    shown: Shown<'a>,
    uses: Vec<Use>,
    organization: Organization,
    links: Links,
    now: Timestamp,
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
            tracer: OnceCell::new(),
            shown,
            uses: uses(reading, renderer),
            organization,
            links: Links { base_url, public_url: reading.public_url().cloned() },
            now: Timestamp::from_str(SAMPLE_TIME).ok()?,
        })
    }

    /// Renders everything; each finding is reported once, whatever shows it.
    fn run(&self) -> Faults {
        let mut findings = Findings::default();
        for action in self.renderer.actions().into_iter().chain([Action::from_name(UNKNOWN_ACTION)]) {
            // Everything that is tried with any sample is tried with the plain one.
            if !self.pieces(&action, true).any(|piece| self.is_tried(&piece, Sample::Plain)) {
                continue;
            }
            let has_variants =
                self.pieces(&action, false).any(|piece| self.is_tried(&piece, Sample::Variant));
            for shape in [Shape::Documented, Shape::Present] {
                for (sample, context) in self.contexts(&action, shape, has_variants) {
                    for piece in self.pieces(&action, sample == Sample::Plain) {
                        findings.add(self.render(&piece, &context, sample), piece.usage);
                    }
                }
            }
        }
        for (sample, context) in self.digests() {
            let is_plain = sample == Sample::Plain;
            for piece in self.uses.iter().filter_map(|usage| usage.digest(is_plain)) {
                findings.add(self.render(&piece, &context, sample), piece.usage);
            }
        }
        findings.in_order()
    }

    /// Returns what is made once an action was heard of.
    fn pieces<'b>(&'b self, action: &'b Action, is_plain: bool) -> impl Iterator<Item = Piece<'b>> {
        self.uses.iter().flat_map(move |usage| usage.pieces(action, is_plain))
    }

    /// Tells whether something new may be found by a piece. Templates that came with the relay stand all variants, as
    /// their own tests hold, and only what a chat is to show may be cut: a webhook gets the documented JSON.
    fn is_tried(&self, piece: &Piece<'_>, sample: Sample) -> bool {
        let may_be_cut = piece.usage.is_real() && piece.target.kind != DestinationKind::Webhook;
        (sample == Sample::Plain && may_be_cut) || !self.renderer.is_untouched(piece.purpose, &piece.target)
    }

    /// Returns what a digest may be about.
    fn digests(&self) -> Vec<(Sample, Context)> {
        let are_tried = |sample: Sample| {
            let mut pieces = self.uses.iter().filter_map(|usage| usage.digest(sample == Sample::Plain));
            pieces.any(|piece| self.is_tried(&piece, sample))
        };
        if !are_tried(Sample::Plain) {
            return Vec::new();
        }
        let has_variants = are_tried(Sample::Variant);
        let all = sample::digests(&self.organization, self.now).into_iter();
        let tried = all.filter(|(sample, _)| *sample == DigestSample::Plain || has_variants);
        let contexts = tried.map(|(sample, tellings)| {
            let runs = tellings.into_iter();
            let runs = runs.filter_map(|telling| Some((Run::fold(&telling.events)?, telling.issue)));
            let digest = Digest::of_samples(self.now, self.now, runs);
            let context = Context::of_digest(&digest, |_| Cow::Borrowed(&self.links));
            let sort = match sample {
                DigestSample::Plain => Sample::Plain,
                DigestSample::Unknown | DigestSample::One => Sample::Variant,
                // Lists of any length are the platforms' to cut, and say so.
                DigestSample::Many | DigestSample::Hostile => Sample::Hostile,
            };
            (sort, context)
        });
        contexts.collect()
    }

    /// Returns what a message may be about: the sample at its place in a run, and each of its variants alone, where
    /// something is tried with these.
    fn contexts(&self, action: &Action, shape: Shape, has_variants: bool) -> Vec<(Sample, Context)> {
        let whole = sample::telling(action, shape, &self.organization, self.now).ok();
        let issue = sample::issue(&SampleIds::default().group_id);
        let whole = whole.into_iter().flat_map(|whole| {
            [Some(&issue), None].map(|issue| Context::new(&whole.events, issue, &self.links, false))
        });
        let whole = whole.flatten().map(|context| (Sample::Plain, context));
        if !has_variants {
            return whole.collect();
        }
        // The large one only tries how texts are cut, which templates do not decide; it would take most of the time.
        let variants = self.variants(action, shape).into_iter().filter(|(name, _)| name != LARGE);
        let variants = variants.filter_map(|(name, events)| {
            Context::new(&events, None, &self.links, false).map(|context| (kind_of(&name), context))
        });
        whole.chain(variants).chain(self.issue_variants(action, shape)).collect()
    }

    /// Returns the events of each variant.
    fn variants(&self, action: &Action, shape: Shape) -> Vec<(String, Vec<Event>)> {
        if action.is_notice() {
            let variants = sample::notice_variants(action, &self.organization, self.now).unwrap_or_default();
            return variants.into_iter().map(|(name, telling)| (name, telling.events)).collect();
        }
        let variants = sample::variants(action, shape).into_iter();
        variants.filter_map(|(name, body)| Some((name, vec![self.event(&body)?]))).collect()
    }

    /// Returns a sample alone with each of the issue's variants. What is known of an issue does not depend on the
    /// payload's shape, so one of them will do.
    fn issue_variants(&self, action: &Action, shape: Shape) -> Vec<(Sample, Context)> {
        let ids = SampleIds::default();
        let whole = (shape == Shape::Present)
            .then(|| sample::telling(action, shape, &self.organization, self.now).ok())
            .flatten();
        let Some(event) = whole.and_then(|mut whole| whole.events.pop()) else { return Vec::new() };
        let issues = sample::issue_variants(&ids.group_id).into_iter().filter(|(name, _)| name != LARGE);
        let contexts = issues.filter_map(|(name, issue)| {
            let context = Context::new(std::slice::from_ref(&event), Some(&issue), &self.links, false)?;
            Some((kind_of(&name), context))
        });
        contexts.collect()
    }

    fn event(&self, body: &serde_json::Value) -> Option<Event> {
        let accepted = sample::accept(sample::encode(body).into(), &self.organization, self.now).ok()?;
        Some(accepted.to_event(EventId::new("evt_sample01")))
    }

    fn render(&self, piece: &Piece<'_>, context: &Context, sample: Sample) -> Faults {
        let Piece { purpose, target, .. } = piece;
        // Why one is not loaded is told already.
        if !self.is_tried(piece, sample) || !self.renderer.is_loaded(*purpose, target) {
            return Faults::default();
        }
        let trace = || {
            let tracer = self.tracer.get_or_init(|| Tracer::new(self.renderer));
            tracer.trace(*purpose, context, target)
        };
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        match self.renderer.render_for(*purpose, context, target) {
            Ok(Rendered::Message(message)) if sample != Sample::Hostile => {
                warnings = self.cut_warnings(piece, &message, trace);
            }
            Ok(Rendered::Message(_) | Rendered::Document(_)) => {}
            Ok(Rendered::Body(body)) => {
                let excess = excess(target.kind, &body).filter(|_| sample == Sample::Plain);
                faults.extend(excess.map(|excess| self.limit_fault(piece, &excess, trace)));
            }
            Err(error) => faults.push(self.render_fault(error, trace)),
        }
        Faults { faults, warnings }
    }

    /// Says at which line of a template a message outgrows what its platform shows.
    fn cut_warnings(
        &self,
        piece: &Piece<'_>,
        message: &Message,
        trace: impl Fn() -> Option<Trace>,
    ) -> Vec<Fault> {
        let usage = piece.usage;
        let cuts = cuts(&usage.service, message);
        let trace = if cuts.is_empty() { None } else { trace() };
        let warning = |cut: Cut| {
            let line = trace.as_ref().and_then(|trace| match cut.part {
                Part::Title => trace.title(),
                Part::Block(index) => trace.block(index),
                Part::Button(index) => trace.button(index),
            });
            let fault = Fault {
                file: None,
                line: None,
                column: None,
                code: "cut",
                message: format!("{piece} for `{}` would be cut: {}", usage.name(), cut.what),
                hint: Some(
                    "shorten it in the template, for example with `truncate`, `sentence` or `[:5]`; else \
                     the message says what is missing"
                        .to_owned(),
                ),
            };
            self.at(fault, line, piece)
        };
        cuts.into_iter().map(warning).collect()
    }

    fn render_fault(&self, error: RenderError, trace: impl Fn() -> Option<Trace>) -> Fault {
        let file = self.shown.config.dir.join(&error.template);
        let RenderError { line, column, message, hint, .. } = error;
        let fault = self.shown.fault("template_fails", TemplateFault { file, line, column, message, hint });
        if line.is_some() {
            return fault;
        }
        let trace = trace();
        match trace.as_ref().and_then(Trace::json_fault) {
            Some(line) => Fault { file: Some(self.shown.path(&line.path)), line: Some(line.line), ..fault },
            None => fault,
        }
    }

    fn limit_fault(&self, piece: &Piece<'_>, excess: &Excess, trace: impl Fn() -> Option<Trace>) -> Fault {
        let template = self.renderer.template_for(piece.purpose, &piece.target);
        let fault = Fault {
            file: None,
            line: None,
            column: None,
            code: "platform_limit",
            message: format!(
                "the body for `{}` that {} makes of {} {}",
                piece.usage.name(),
                quoted(&template),
                piece.made_of(),
                excess.what
            ),
            hint: Some(
                "change the template; long texts become shorter with `truncate`, long lists with `[:5]`"
                    .to_owned(),
            ),
        };
        let trace = trace();
        let line = trace.as_ref().zip(excess.text.as_deref()).and_then(|(trace, text)| trace.json_text(text));
        self.at(fault, line, piece)
    }

    /// Puts a fault at the line that is to blame, or at the template where that is not known.
    fn at(&self, fault: Fault, line: Option<&Line>, piece: &Piece<'_>) -> Fault {
        let template = || {
            let name = self.renderer.template_for(piece.purpose, &piece.target);
            self.shown.config.dir.join(name)
        };
        let path = line.map_or_else(template, |line| line.path.clone());
        Fault { file: Some(self.shown.path(&path)), line: line.map(|line| line.line), ..fault }
    }
}

/// What was found so far, each finding once.
#[derive(Default)]
struct Findings {
    found: Faults,
    faulty: BTreeSet<(Option<PathBuf>, Option<usize>, Option<usize>)>,
    cut: BTreeSet<(Option<PathBuf>, Option<usize>, &'static str)>,
}

impl Findings {
    fn add(&mut self, Faults { mut faults, mut warnings }: Faults, usage: &Use) {
        faults.retain(|fault| self.faulty.insert((fault.file.clone(), fault.line, fault.column)));
        warnings.retain(|fault| self.cut.insert((fault.file.clone(), fault.line, usage.platform())));
        self.found.faults.extend(faults);
        self.found.warnings.extend(warnings);
    }

    fn in_order(self) -> Faults {
        let mut found = self.found;
        for list in [&mut found.faults, &mut found.warnings] {
            list.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        }
        found
    }
}
