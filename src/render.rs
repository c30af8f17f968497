//! The renderer: looks up the template for an event, or for a run's card, and a destination, and makes a message, a
//! request body or the documented JSON of it.
//!
//! Pure after loading. Knows no platform's form (`notify` does) and not how an event was routed.
//!
//! # What a template's author should know
//!
//! - `{{ value }}` is text wherever it stands; text that is Markdown goes through `| markdown` (or `| safe`).
//! - Null is empty text: ask with `is none` or `if`, not with `== none`. In `.json.tera` null stays null; texts stand
//!   in quotes there (`"{{ event.id }}"`), everything else goes through `| json`.
//! - What `{% set x %}…{% endset %}` caught is never empty, equals nothing and has no length of its own;
//!   `{% set x = value %}` is fine.
//! - `{% for … %}` alone on its line leaves blank lines, which split tables and loosen lists: write `-%}`.
//! - A field of null is undefined, which is an error where it is shown: `{{ run.solution.summary }}` wants an
//!   `{% if run.solution %}` around it.
//! - `<{{ value }}>` is no link; `[words]({{ value }})` is one, if the value is an http or https address.
//! - A line that begins with four spaces is code.
//! - `{% include "_part.md.tera" %}` takes the nearest file of that name, `"built-in/_part.md.tera"` the built-in one.

pub mod context;
pub mod digest;
mod engine;
mod error;
mod explain;
mod family;
mod fault;
mod files;
mod filters;
#[cfg(test)]
pub(crate) mod fixture;
mod lint;
mod place;
mod purpose;
mod sets;
mod tokens;
mod tone;
mod trace;
mod values;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use self::context::{Context, Document};
use self::family::Family;
use self::files::TemplateFile;
use self::sets::{Found, Sets};
use crate::delivery::DestinationKind;
use crate::event::Action;
use crate::message::{Message, markdown};

pub use self::error::RenderError;
pub use self::fault::TemplateFault;
pub use self::filters::time_ago;
pub use self::purpose::{CARD, DIGEST, NO_ACTIONS, Purpose};
pub use self::trace::{Line, Trace, Tracer};

/// Settings of the `[templates]` table.
#[derive(Debug, Clone)]
pub struct TemplatesConfig {
    /// Where a team's own templates stand; absolute. They win over the built-in ones, file by file.
    pub dir: PathBuf,
    /// Whether the file names `dir` itself: then the folder must exist.
    pub dir_is_explicit: bool,
}

/// What a template made.
#[derive(Debug, Clone)]
pub enum Rendered {
    /// From a Markdown template.
    Message(Message),
    /// From a `.json.tera` template: the request body, valid JSON.
    Body(Value),
    /// The documented JSON, for a `webhook` destination without a template of its own: `data` of the body.
    Document(Document),
}

/// What a message is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What kind of service the destination is.
    pub kind: DestinationKind,
    /// The template set that its route or its own settings name.
    pub set: Option<String>,
    /// The destination's name.
    pub destination: String,
    /// How many lines of diff it wants.
    pub diff_lines: usize,
}

/// All templates, ready to render.
#[derive(Debug)]
pub struct Renderer {
    sets: Sets,
    files: Vec<TemplateFile>,
    /// Whether there is any template of a team's own.
    has_own: bool,
    /// A team's own templates for actions that this version does not know.
    foreign: Vec<ForeignTemplate>,
    unknown_fields: Vec<TemplateFault>,
    traps: Vec<TemplateFault>,
    /// Why some templates cannot be rendered.
    faults: Vec<TemplateFault>,
}

/// A template for an action that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTemplate {
    /// The action that it is named by.
    pub action: String,
    /// Where it lies.
    pub file: PathBuf,
}

impl Renderer {
    /// Loads the built-in templates and those of the user's folder.
    ///
    /// # Errors
    /// Everything that is wrong with any template, in order of file and place.
    pub fn load(config: &TemplatesConfig) -> Result<Self, Vec<TemplateFault>> {
        let renderer = Self::load_faulty(config);
        if renderer.faults.is_empty() { Ok(renderer) } else { Err(renderer.faults) }
    }

    /// Loads what can be loaded: to render with a template that is at fault fails, and says so.
    pub fn load_faulty(config: &TemplatesConfig) -> Self {
        let mut faults = Vec::new();
        let mut files = files::built_in();
        if config.dir.is_dir() {
            files.extend(files::read(&config.dir, &mut faults));
        } else if config.dir_is_explicit {
            let fault = TemplateFault::new(&config.dir, "the templates folder does not exist");
            faults.push(fault.with_hint("make it, or remove `dir` from `[templates]`"));
        }
        let sets = Sets::build(&files, &mut faults);
        faults.sort_by(|one, other| {
            (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column))
        });
        // That the built-in ones are sound is held by their own tests.
        let own: Vec<&TemplateFile> = files.iter().filter(|file| !place::is_built_in(&file.name)).collect();
        let has_own = !own.is_empty();
        let shapes = has_own.then(Shapes::new);
        let unknown_fields = shapes
            .iter()
            .flat_map(|shapes| own.iter().flat_map(|file| lint::fields::unknown(file, shapes.of(file))))
            .collect();
        let traps = own.iter().copied().flat_map(lint::traps::traps).collect();
        let foreign = foreign(&files);
        Self { sets, files, has_own, foreign, unknown_fields, traps, faults }
    }

    /// Returns the renderer of the built-in templates alone.
    pub fn built_in() -> Self {
        let files = files::built_in();
        let sets = Sets::build(&files, &mut Vec::new());
        Self {
            sets,
            files,
            has_own: false,
            foreign: Vec::new(),
            unknown_fields: Vec::new(),
            traps: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Returns everything that is wrong with any template, in order of file and place.
    pub fn faults(&self) -> &[TemplateFault] {
        &self.faults
    }

    /// Returns a team's own templates: the name of each, and its text.
    pub fn own_templates(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.files.iter().filter(|file| matches!(file.place, place::Place::User { .. }));
        own.map(|file| (file.name.as_str(), file.source.as_str()))
    }

    /// Tells whether there is a template set of this name.
    pub fn has_set(&self, set: &str) -> bool {
        self.sets.names().any(|name| name == set)
    }

    /// Returns the names of the template sets, in order.
    pub fn sets(&self) -> Vec<String> {
        self.sets.names().map(str::to_owned).collect()
    }

    /// Returns a team's own templates for actions that this version does not know.
    pub fn foreign_templates(&self) -> &[ForeignTemplate] {
        &self.foreign
    }

    /// Returns what templates ask for and no event has, though the engine may take it for empty.
    pub fn unknown_fields(&self) -> &[TemplateFault] {
        &self.unknown_fields
    }

    /// Returns what renders in templates, but hardly as it was meant.
    pub fn traps(&self) -> &[TemplateFault] {
        &self.traps
    }

    /// Returns every action that this version knows, and every other one that some template is for.
    pub fn actions(&self) -> Vec<Action> {
        let own = self.sets.actions().into_iter().map(|name| Action::from_name(&name));
        let own: Vec<_> = own.filter(|action| !action.is_known()).collect();
        Action::known().chain(own).collect()
    }

    /// Returns the template that an action, the card or the digest would use, as people know it: its path in the templates folder.
    pub fn template_for<'a>(&self, purpose: impl Into<Purpose<'a>>, target: &Target) -> String {
        match self.find(purpose.into(), target) {
            Some(found) => place::path(&found.name).to_owned(),
            None => "documented JSON".to_owned(),
        }
    }

    /// Returns the template of the team's own that an action, the card or the digest would use, as its path in the
    /// templates folder; `None` where what came with the relay is used.
    pub fn own_template_for<'a>(
        &self,
        purpose: impl Into<Purpose<'a>>,
        set: Option<&str>,
        kind: DestinationKind,
    ) -> Option<String> {
        if !self.has_own {
            return None;
        }
        let found = self.sets.find(set, kind, purpose.into())?;
        (!place::is_built_in(&found.name)).then(|| place::path(&found.name).to_owned())
    }

    /// Tells whether the template that an action, the card or the digest would use came with the relay; so does the documented JSON.
    pub fn is_built_in<'a>(&self, purpose: impl Into<Purpose<'a>>, target: &Target) -> bool {
        self.find(purpose.into(), target).is_none_or(|found| place::is_built_in(&found.name))
    }

    /// Tells whether the template that an action, the card or the digest would use came with the relay, with every part of it.
    pub fn is_untouched<'a>(&self, purpose: impl Into<Purpose<'a>>, target: &Target) -> bool {
        !self.has_own
            || self.is_built_in(purpose, target) && !self.files.iter().any(TemplateFile::is_own_part)
    }

    /// Renders an event for a destination.
    ///
    /// # Errors
    /// [`RenderError`] where the template uses what is not there, or where what it made is no message or no JSON.
    pub fn render(&self, context: &Context, target: &Target) -> Result<Rendered, RenderError> {
        self.render_for(context.action().into(), context, target)
    }

    /// Renders the card of a run for a chat: the run as it is once its newest event is in the context.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_card(&self, context: &Context, target: &Target) -> Result<Rendered, RenderError> {
        self.render_for(Purpose::Card, context, target)
    }

    /// Renders an event, the card of its run, or a digest, for a destination.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_for(
        &self,
        purpose: Purpose<'_>,
        context: &Context,
        target: &Target,
    ) -> Result<Rendered, RenderError> {
        let Some(found) = self.find(purpose, target) else {
            return Ok(Rendered::Document(context.clone().into_document()));
        };
        let values = template_context(context, target, found.family);
        let (output, tokens) = tokens::collect(|| found.tera.render(&found.name, &values));
        let output = output
            .map_err(|error| self.at_fault(&found).unwrap_or_else(|| failed(&error, &found, context)))?;
        match found.family {
            Family::Markdown => {
                let (tone, source) = (context.tone(purpose), context.source());
                let message = Message { tone, source, ..markdown::parse(&output, &tokens) };
                if message.title.is_empty() && message.blocks.is_empty() && message.buttons.is_empty() {
                    let hint = "give it a title at least: `# {{ event.action }}`";
                    return Err(rejected(&found, "the template made an empty message".to_owned(), hint));
                }
                Ok(Rendered::Message(message))
            }
            Family::Json => serde_json::from_str(&output).map(Rendered::Body).map_err(|error| {
                let message = format!("what the template made is not valid JSON: {error} of the output");
                let hint = "write texts in quotes, `\"{{ event.id }}\"`, and everything else by `{{ value | json }}`; a last \
                            item has no comma behind it";
                rejected(&found, message, hint)
            }),
        }
    }

    /// As [`render`](Self::render), of a context that nobody needs any more: its document is not copied.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_once(&self, context: Context, target: &Target) -> Result<Rendered, RenderError> {
        if self.find(context.action().into(), target).is_none() {
            return Ok(Rendered::Document(context.into_document()));
        }
        self.render(&context, target)
    }

    /// Tells whether the template that an action, the card or the digest would use was loaded: one that is at fault itself, or needs
    /// one that is, was not.
    pub fn is_loaded<'a>(&self, purpose: impl Into<Purpose<'a>>, target: &Target) -> bool {
        self.find(purpose.into(), target).is_none_or(|found| self.has_loaded(&found))
    }

    fn has_loaded(&self, found: &Found<'_>) -> bool {
        self.faults.is_empty() || found.tera.get_template_names().any(|name| name == found.name)
    }

    /// Returns why a template was not loaded, where it was not.
    fn at_fault(&self, found: &Found<'_>) -> Option<RenderError> {
        if self.has_loaded(found) {
            return None;
        }
        let file = self.files.iter().find(|file| file.name == found.name)?;
        let message = "a template that it includes or extends has a fault".to_owned();
        let hint = "mend that one first; `seer-relay check` shows every fault";
        let Some(fault) = self.faults.iter().find(|fault| fault.file == file.path).cloned() else {
            return Some(rejected(found, message, hint));
        };
        let TemplateFault { line, column, message, hint, .. } = fault;
        Some(RenderError { template: place::shown(&found.name).to_owned(), line, column, message, hint })
    }

    fn find(&self, purpose: Purpose<'_>, target: &Target) -> Option<Found<'_>> {
        self.sets.find(target.set.as_deref(), target.kind, purpose)
    }
}

/// What templates may see.
struct Shapes {
    event: Value,
    digest: Value,
    /// A part may stand in either.
    part: Value,
}

impl Shapes {
    fn new() -> Self {
        let (event, digest) = (context::shape(), context::digest_shape());
        let mut part = event.clone();
        if let (Value::Object(fields), Value::Object(more)) = (&mut part, &digest) {
            fields.extend(more.clone());
        }
        Self { event, digest, part }
    }

    fn of(&self, file: &TemplateFile) -> &Value {
        if file.is_part() {
            &self.part
        } else if file.stem() == DIGEST {
            &self.digest
        } else {
            &self.event
        }
    }
}

fn foreign(files: &[TemplateFile]) -> Vec<ForeignTemplate> {
    let named = files.iter().filter_map(|file| Some((file.own_action()?, file.path.clone())));
    let foreign = named.filter(|(action, _)| !Action::from_name(action).is_known());
    foreign.map(|(action, file)| ForeignTemplate { action: action.to_owned(), file }).collect()
}

/// Returns the context as the engine takes it.
fn template_context(context: &Context, target: &Target, family: Family) -> tera::Context {
    let mut values = tera::Context::new();
    if let Value::Object(fields) = context.data() {
        for (name, value) in fields {
            values.insert_value(name.clone(), values::to_tera(value, family));
        }
    }
    let destination = json!({
        "name": target.destination,
        "kind": target.kind.as_str(),
        "diff": target.diff_lines,
    });
    values.insert_value("now", tera::Value::from(context.now()));
    values.insert_value("destination", values::to_tera(&destination, family));
    values
}

fn failed(error: &tera::Error, found: &Found<'_>, context: &Context) -> RenderError {
    let mut fields: BTreeSet<String> =
        ["now", "destination", "name", "kind", "diff"].map(str::to_owned).into();
    collect_fields(context.data(), &mut fields);
    let finding = explain::render_error(error, &found.name, &fields);
    RenderError {
        template: place::shown(&finding.template).to_owned(),
        line: finding.position.map(|(line, _)| line),
        column: finding.position.map(|(_, column)| column),
        message: finding.message,
        hint: finding.hint,
    }
}

fn rejected(found: &Found<'_>, message: String, hint: &str) -> RenderError {
    RenderError {
        template: place::shown(&found.name).to_owned(),
        line: None,
        column: None,
        message,
        hint: Some(hint.to_owned()),
    }
}

/// Gathers the names of all fields of the contract.
fn collect_fields(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields.insert(name.clone());
                collect_fields(value, fields);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_fields(item, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
