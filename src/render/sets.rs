//! Sets: every template, ready to be looked up by set, kind of destination and purpose.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use tera::Tera;

use super::explain::{self, Finding};
use super::family::Family;
use super::fault::TemplateFault;
use super::files::TemplateFile;
use super::place::{self, Place};
use super::purpose::{self, Purpose};
use super::{engine, lint};
use crate::delivery::DestinationKind;

/// The templates of every set and kind.
#[derive(Debug)]
pub(super) struct Sets {
    names: BTreeSet<String>,
    /// Of built-in templates alone, each is made for the first one that needs it.
    branches: HashMap<(Option<String>, DestinationKind), OnceLock<Branch>>,
    files: Vec<TemplateFile>,
}

/// What one kind of destination sees of one set.
#[derive(Debug)]
struct Branch {
    /// The engine's names of all templates, of those at fault too: no other one takes their place.
    names: BTreeSet<String>,
    places: Vec<Place>,
    /// The families of which it has any template.
    families: Vec<Family>,
    markdown: Tera,
    json: Tera,
}

/// A template that was looked up.
pub(super) struct Found<'a> {
    /// The engine that holds it.
    pub(super) tera: &'a Tera,
    /// The engine's name of it.
    pub(super) name: String,
    /// What it writes.
    pub(super) family: Family,
}

impl Sets {
    /// Builds the engines. Whatever is wrong with a template is added to `faults`; where all are built-in ones, nothing is.
    pub(super) fn build(files: &[TemplateFile], faults: &mut Vec<TemplateFault>) -> Self {
        if files.iter().any(|file| matches!(file.place, Place::User { .. })) {
            return Self::build_all(files, faults);
        }
        let branches = DestinationKind::ALL.iter().map(|kind| ((None, *kind), OnceLock::new())).collect();
        Self { names: BTreeSet::new(), branches, files: files.to_vec() }
    }

    /// Builds every engine. Whatever is wrong with a template is added to `faults`.
    pub(super) fn build_all(files: &[TemplateFile], faults: &mut Vec<TemplateFault>) -> Self {
        let mut broken = BTreeSet::new();
        for file in files {
            let found = faults_of_file(file);
            if !found.is_empty() {
                broken.insert(file.name.as_str());
            }
            faults.extend(found);
        }
        let set_of = |file: &TemplateFile| match &file.place {
            Place::User { set, .. } => set.clone(),
            Place::BuiltIn { .. } => None,
        };
        let names: BTreeSet<String> = files.iter().filter_map(set_of).collect();
        let mut findings = Vec::new();
        let mut branches = HashMap::new();
        for set in [None].into_iter().chain(names.iter().map(Some)) {
            for kind in DestinationKind::ALL {
                let set_name = set.map(String::as_str);
                let branch = Branch::new(files, &broken, set_name, *kind, &Family::ALL, &mut findings);
                branches.insert((set.cloned(), *kind), OnceLock::from(branch));
            }
        }
        // Stable, so that of equal findings with different hints the one that holds without any set stays.
        findings.sort_by(Finding::in_order);
        findings.dedup_by(|one, other| one.in_order(other).is_eq());
        faults.extend(findings.iter().map(|finding| fault_at(finding, files)));
        Self { names, branches, files: files.to_vec() }
    }

    /// Returns the names of the sets, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns the names of all actions that have a template of their own in some place.
    pub(super) fn actions(&self) -> BTreeSet<String> {
        let actions = self.files.iter().filter_map(|file| {
            let name = file.name.rsplit('/').next()?;
            purpose::action_of(name.strip_suffix(file.family.suffix())?)
        });
        actions.map(str::to_owned).collect()
    }

    /// Finds a template: the nearest place that has one of the purpose's names, the best of them. An unknown set counts
    /// as none. `None` where a webhook gets the documented JSON.
    pub(super) fn find(
        &self,
        set: Option<&str>,
        kind: DestinationKind,
        purpose: Purpose<'_>,
    ) -> Option<Found<'_>> {
        let set = set.filter(|set| self.names.contains(*set)).map(str::to_owned);
        let branch = self.branches.get(&(set, kind))?.get_or_init(|| {
            Branch::new(&self.files, &BTreeSet::new(), None, kind, families(kind), &mut Vec::new())
        });
        for place in &branch.places {
            for candidate in purpose.names() {
                for family in &branch.families {
                    let name = format!("{}{candidate}{}", place.prefix(), family.suffix());
                    if branch.names.contains(&name) {
                        return Some(Found { tera: branch.tera(*family), name, family: *family });
                    }
                }
            }
        }
        None
    }
}

/// The families that a kind of destination takes, the first one first.
fn families(kind: DestinationKind) -> &'static [Family] {
    match kind {
        DestinationKind::Slack | DestinationKind::Discord => &Family::ALL,
        DestinationKind::Webhook => &[Family::Json],
    }
}

impl Branch {
    fn new(
        files: &[TemplateFile],
        broken: &BTreeSet<&str>,
        set: Option<&str>,
        kind: DestinationKind,
        wanted: &[Family],
        findings: &mut Vec<Finding>,
    ) -> Self {
        let places = place::nearest_first(set, kind);
        let mut names = BTreeSet::new();
        let mut load = |family| {
            let mut tera = engine::empty(family, kind, &places);
            let files: Vec<_> =
                engine::files_for(files, family, &places).filter(|_| wanted.contains(&family)).collect();
            names.extend(files.iter().map(|file| file.name.clone()));
            findings.extend(load_all(&mut tera, &files, broken));
            tera
        };
        let (markdown, json) = (load(Family::Markdown), load(Family::Json));
        let has_any = |family: &&Family| names.iter().any(|name| Family::of_file(name) == Some(**family));
        let families = families(kind).iter().filter(has_any).copied().collect();
        Self { names, places, families, markdown, json }
    }

    fn tera(&self, family: Family) -> &Tera {
        match family {
            Family::Markdown => &self.markdown,
            Family::Json => &self.json,
        }
    }
}

/// Finds what is wrong with a template by itself.
fn faults_of_file(file: &TemplateFile) -> Vec<TemplateFault> {
    let mut faults = lint::comparisons_with_none(file);
    let mut tera = engine::empty(file.family, DestinationKind::Webhook, &[]);
    if let Err(error) = tera.add_raw_template(&file.name, &file.source)
        && let tera::ErrorKind::SyntaxError(_) = error.kind()
    {
        let findings = explain::load_error(&error, &[]);
        faults.extend(findings.iter().map(|finding| fault_at(finding, std::slice::from_ref(file))));
    }
    faults
}

/// Loads templates together; those that are at fault are taken out until the rest stands, to find all faults. That
/// a template cannot be included because it is at fault itself is not told again.
fn load_all(tera: &mut Tera, files: &[&TemplateFile], broken: &BTreeSet<&str>) -> Vec<Finding> {
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    let mut left: Vec<_> = files.iter().filter(|file| !broken.contains(file.name.as_str())).collect();
    let mut findings = Vec::new();
    loop {
        let templates = left.iter().map(|file| (file.name.as_str(), file.source.as_str()));
        let Err(error) = tera.add_raw_templates(templates) else { return findings };
        let found = explain::load_error(&error, &names);
        let before = left.len();
        left.retain(|file| found.iter().all(|finding| finding.template != file.name));
        findings.extend(found.into_iter().filter(|finding| !finding.misses_one_of(&names)));
        if left.len() == before {
            return findings;
        }
    }
}

/// Puts a finding at its file.
fn fault_at(finding: &Finding, files: &[TemplateFile]) -> TemplateFault {
    let file = files.iter().find(|file| file.name == finding.template);
    let path = file.map_or_else(|| std::path::PathBuf::from(&finding.template), |file| file.path.clone());
    let position = finding.position.or_else(|| {
        let tag = if finding.message.contains("includes itself") { "include" } else { "extends" };
        let line = file?.source.lines().position(|line| line.contains(tag))?;
        finding.message.contains("template").then_some((line + 1, 1))
    });
    let mut fault = TemplateFault::new(&path, finding.message.clone());
    if let Some((line, column)) = position {
        fault = fault.at(line, column);
    }
    TemplateFault { hint: finding.hint.clone(), ..fault }
}
