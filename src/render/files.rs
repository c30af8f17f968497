//! Files: the templates as they lie on disk and in the binary, each with its place.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::family::Family;
use super::fault::TemplateFault;
use super::place::{BUILT_IN, Place};
use super::purpose::{self, CARD, DEFAULT, NO_ACTIONS};
use crate::delivery::DestinationKind;
use crate::event::Action;
use crate::message::markdown::strip;

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Larger files are no templates.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// One template, partial ones included.
#[derive(Debug, Clone)]
pub(super) struct TemplateFile {
    /// The folder that it stands in.
    pub(super) place: Place,
    /// The engine's name of it: the place's prefix and the file's name.
    pub(super) name: String,
    /// What it writes.
    pub(super) family: Family,
    /// Its text, without the characters that tokens are made of.
    pub(super) source: String,
    /// Where it lies, for faults.
    pub(super) path: PathBuf,
}

/// Returns the templates that come with the relay.
pub(super) fn built_in() -> Vec<TemplateFile> {
    let mut files = Vec::new();
    let mut add = |dir: &Dir<'_>, kind| {
        for file in dir.files() {
            let name = file.path().file_name().and_then(|name| name.to_str());
            let template = name.and_then(|name| Some((name, Family::of_file(name)?, file.contents_utf8()?)));
            if let Some((name, family, source)) = template {
                let path = Path::new(BUILT_IN).join(file.path());
                files.push(TemplateFile::new(Place::BuiltIn { kind }, name, family, source, path));
            }
        }
    };
    add(&TEMPLATES, None);
    for kind in DestinationKind::ALL {
        if let Some(dir) = TEMPLATES.get_dir(kind.as_str()) {
            add(dir, Some(*kind));
        }
    }
    files
}

/// Reads a team's own folder: its top, `<kind>/`, `<set>/` and `<set>/<kind>/`.
pub(super) fn read(dir: &Path, faults: &mut Vec<TemplateFault>) -> Vec<TemplateFile> {
    let mut reader = Reader { files: Vec::new(), faults };
    for folder in reader.folder(dir, &Place::User { set: None, kind: None }) {
        let name = file_name(&folder);
        if let Some(kind) = DestinationKind::from_word(&name) {
            let below = reader.folder(&folder, &Place::User { set: None, kind: Some(kind) });
            reader.refuse(below, "no template is looked for below a kind's folder");
        } else if name == BUILT_IN {
            reader.refuse(vec![folder], "`built-in` is the name by which templates reach the built-in ones");
        } else {
            reader.set(&folder, &name);
        }
    }
    reader.files
}

struct Reader<'a> {
    files: Vec<TemplateFile>,
    faults: &'a mut Vec<TemplateFault>,
}

impl Reader<'_> {
    fn set(&mut self, dir: &Path, set: &str) {
        let place = |kind| Place::User { set: Some(set.to_owned()), kind };
        for folder in self.folder(dir, &place(None)) {
            match DestinationKind::from_word(&file_name(&folder)) {
                Some(kind) => {
                    let below = self.folder(&folder, &place(Some(kind)));
                    self.refuse(below, "no template is looked for below a kind's folder");
                }
                None => self.refuse(vec![folder], "a set's folders are kinds: `slack`, `discord`, `webhook`"),
            }
        }
    }

    /// Reads the templates of one folder and returns the folders in it.
    fn folder(&mut self, dir: &Path, place: &Place) -> Vec<PathBuf> {
        let entries = match fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => {
                let fault = TemplateFault::new(dir, format!("the folder cannot be read: {}", error.kind()));
                self.faults.push(fault.with_hint("let this user read it, or take it away"));
                return Vec::new();
            }
        };
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| !file_name(path).starts_with('.'));
        paths.sort();
        let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
        for path in files {
            if path.extension().is_some_and(|extension| extension == "tera") {
                self.file(&path, place);
            } else if let Some(meant) = meant_template(&file_name(&path)) {
                let fault =
                    TemplateFault::new(&path, "this would never be used: its name does not end with `.tera`");
                self.faults.push(fault.with_hint(format!("name it `{meant}`")));
            }
        }
        folders
    }

    fn file(&mut self, path: &Path, place: &Place) {
        let name = file_name(path);
        let Some(family) = Family::of_file(&name) else {
            let fault = TemplateFault::new(path, "no action has a template of this name");
            return self.faults.push(fault.with_hint("name it `<action>.md.tera` or `<action>.json.tera`"));
        };
        if let Some(fault) = misplaced(path, &name, family, place) {
            return self.faults.push(fault);
        }
        match read_text(path) {
            Ok(source) => {
                self.files.push(TemplateFile::new(place.clone(), &name, family, &source, path.to_owned()));
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Templates in these folders would never be used.
    fn refuse(&mut self, folders: Vec<PathBuf>, hint: &str) {
        for folder in folders {
            let holds_templates = fs::read_dir(&folder)
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| entry.path().extension().is_some_and(|extension| extension == "tera"));
            if holds_templates {
                self.faults
                    .push(TemplateFault::new(&folder, "its templates would never be used").with_hint(hint));
            }
        }
    }
}

impl TemplateFile {
    /// Returns the action that it is for, where it is a team's own; `None` for `default`, the card, the digest and parts.
    pub(super) fn own_action(&self) -> Option<&str> {
        let Place::User { .. } = self.place else { return None };
        purpose::action_of(self.stem())
    }

    /// Tells whether it is a part of others.
    pub(super) fn is_part(&self) -> bool {
        self.file_name().starts_with('_')
    }

    /// Returns what it is for: the file's name without its ending.
    pub(super) fn stem(&self) -> &str {
        self.file_name().strip_suffix(self.family.suffix()).unwrap_or_default()
    }

    /// Tells whether it is a team's own part, which may stand in a built-in template.
    pub(super) fn is_own_part(&self) -> bool {
        matches!(self.place, Place::User { .. }) && self.is_part()
    }

    /// Returns the file's name without its place.
    pub(super) fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn new(place: Place, file_name: &str, family: Family, source: &str, path: PathBuf) -> Self {
        let name = format!("{}{file_name}", place.prefix());
        let source = strip(source.trim_start_matches('\u{feff}')).into_owned();
        Self { place, name, family, source, path }
    }
}

/// Returns the name of the template that a file was surely meant to be.
fn meant_template(name: &str) -> Option<String> {
    let meant = format!("{name}.tera");
    let family = Family::of_file(&meant)?;
    let name = meant.strip_suffix(family.suffix())?;
    (name == DEFAULT || NO_ACTIONS.contains(&name) || Action::from_name(name).is_known()).then_some(meant)
}

/// Finds what is wrong with a good file name in this place.
fn misplaced(path: &Path, name: &str, family: Family, place: &Place) -> Option<TemplateFault> {
    if !matches!(place, Place::User { kind: Some(DestinationKind::Webhook), .. }) {
        return None;
    }
    if name.strip_suffix(family.suffix()) == Some(CARD) {
        let fault = TemplateFault::new(path, "a webhook has no card: it gets every event");
        return Some(fault.with_hint("remove the file, or move it to where a chat finds it"));
    }
    (family == Family::Markdown).then(|| {
        let fault = TemplateFault::new(path, "a webhook gets JSON, not Markdown");
        fault.with_hint("name it `<action>.json.tera`, or remove it for the documented JSON")
    })
}

fn read_text(path: &Path) -> Result<String, TemplateFault> {
    let fault = |message: String| TemplateFault::new(path, message);
    let unreadable = |error: std::io::Error| {
        let fault = fault(format!("the file cannot be read: {}", error.kind()));
        fault.with_hint("put a template there that this user may read, or take the file away")
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        // Reading a pipe would wait for a writer, and never end.
        return Err(fault("this is not a file".to_owned()).with_hint("put a template there, or take it away"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        let hint = "see what was written into it: no message is that long";
        return Err(fault("the file is larger than 1 MiB".to_owned()).with_hint(hint));
    }
    String::from_utf8(fs::read(path).map_err(unreadable)?).map_err(|error| {
        let sound = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..sound).unwrap_or_default()).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        fault("the file is not UTF-8".to_owned()).at(line, column).with_hint("save it as UTF-8")
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
