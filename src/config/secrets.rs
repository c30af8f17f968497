//! Secrets as the files name them, `{ env = "NAME" }` and `{ file = "secrets/x" }`, and their values.
//!
//! No value is ever part of a fault; nor is a name that looks as if it were the value itself.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::document::{Document, Entry, Node, Table};
use super::environment::{Environment, Lookup};
use super::findings::{Findings, Place};
use crate::secret::Secret;
use crate::words::quoted;

/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

const HINT: &str = "write `{ env = \"NAME\" }` or `{ file = \"secrets/name\" }`";

/// Where secrets are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vault<'a> {
    /// The config folder, to which files are relative.
    pub(crate) dir: &'a Path,
    /// The environment.
    pub(crate) environment: &'a Environment,
}

/// Where the value of a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An environment variable.
    Env(String),
    /// A file.
    File(PathBuf),
    /// The text itself.
    Literal,
}

/// A secret with where it was named and where its value comes from.
#[derive(Debug, Clone)]
pub(crate) struct NamedSecret {
    /// The value, or why there is none.
    pub(crate) secret: Secret,
    /// Where the value comes from.
    pub(crate) origin: Origin,
    /// Where it was named.
    pub(crate) place: Place,
}

impl NamedSecret {
    /// Returns whether both are the same secret, known or not.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let same_origin = self.origin == other.origin && self.origin != Origin::Literal;
        let same_value = match (self.secret.known(), other.secret.known()) {
            (Some(value), Some(other)) => value.expose_secret() == other.expose_secret(),
            (Some(_) | None, Some(_) | None) => false,
        };
        same_origin || same_value
    }
}

/// What a secret has to be, beyond not being empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Whether a value is fine; the error completes "`slack.x.webhook_url` …" without showing it.
    pub(crate) check: fn(&str) -> Result<(), String>,
    /// How a fine value looks, for hints.
    pub(crate) form: &'static str,
    /// What follows from having no value, for hints.
    pub(crate) without: &'static str,
    /// Whether this literal text is worth a warning.
    pub(crate) is_better_hidden: fn(&str) -> bool,
}

impl Demand {
    /// Any value, but better not in the file.
    pub(crate) const ANY: Self = Self {
        check: |_| Ok(()),
        form: HINT,
        without: "without it `serve` starts all the same, and `serve --strict` refuses to",
        is_better_hidden: |_| true,
    };
}

/// Says whether a header can hold a token.
pub(crate) fn check_token(text: &str) -> Result<(), String> {
    if text.trim().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err("is no token: it holds white space or characters that a header cannot (it is not shown)".to_owned())
}

/// Why there is no value.
struct Unusable {
    code: &'static str,
    /// Completes "environment variable `X` …".
    why: String,
    /// How to mend it.
    how: &'static str,
}

impl Unusable {
    fn missing(why: impl Into<String>, how: &'static str) -> Self {
        Self { code: "secret_missing", why: why.into(), how }
    }
}

impl Vault<'_> {
    /// Reads a secret that is named at `place` under the name `name`; faults and warnings go to `findings`.
    pub(crate) fn read(
        self,
        document: &Document,
        node: &Node,
        name: &str,
        place: Place,
        demand: Demand,
        findings: &mut Findings,
    ) -> Option<NamedSecret> {
        match node {
            Node::Text(text) => literal(text, name, place, demand, findings),
            Node::Table(table) => {
                let origin = self.origin(document, table, name, &place, findings)?;
                Some(self.resolve(origin, name, place, demand, findings))
            }
            Node::Integer(_) | Node::Float | Node::Boolean(_) | Node::Time | Node::List(_) => {
                let message = format!("{} is {}, but has to be a secret or text", quoted(name), node.kind());
                findings.fault(place, "wrong_type", message, HINT.to_owned());
                None
            }
        }
    }

    /// Reads `{ env = … }` or `{ file = … }`.
    fn origin(
        self,
        document: &Document,
        table: &Table,
        name: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Origin> {
        let mut is_sound = true;
        for entry in table.entries.iter().filter(|entry| !["env", "file"].contains(&entry.key.as_str())) {
            is_sound = false;
            let message = format!("unknown key {} in the secret {}", quoted(&entry.key), quoted(name));
            let hint = crate::words::suggestion(&entry.key, "known", ["env", "file"]);
            findings.fault(document.place(entry.at), "unknown_key", message, hint);
        }
        match (table.get("env"), table.get("file")) {
            (Some(env), None) => variable_name(document, env, name, findings).map(Origin::Env),
            (None, Some(file)) => {
                file_name(document, file, name, findings).map(|file| Origin::File(self.dir.join(file)))
            }
            (Some(_), Some(_)) => {
                let message = format!("{} names both `env` and `file`", quoted(name));
                findings.fault(place.clone(), "secret_invalid", message, "keep one of the two".to_owned());
                None
            }
            (None, None) if !is_sound => None, // The other key is told already.
            (None, None) => {
                let message = format!("{} names neither `env` nor `file`", quoted(name));
                findings.fault(place.clone(), "secret_invalid", message, HINT.to_owned());
                None
            }
        }
        .filter(|_| is_sound)
    }

    /// Looks the value up; that there is none, or none of use, is a warning, for the files are not to blame.
    fn resolve(
        self,
        origin: Origin,
        name: &str,
        place: Place,
        demand: Demand,
        findings: &mut Findings,
    ) -> NamedSecret {
        let (source, value) = match &origin {
            Origin::Env(variable) => {
                (format!("environment variable {}", quoted(variable)), self.variable(variable))
            }
            Origin::File(path) => {
                (format!("secret file {}", quoted(&path.to_string_lossy())), read_file(path))
            }
            Origin::Literal => (String::new(), Err(Unusable::missing("is empty", HINT))),
        };
        let checked = value.and_then(|value| match (demand.check)(&value) {
            Ok(()) => Ok(value),
            Err(why) => Err(Unusable { code: "secret_unusable", why, how: demand.form }),
        });
        let secret = match checked {
            Ok(value) => Secret::Known(SecretString::from(value)),
            Err(Unusable { code, why, how }) => {
                let missing = format!("{source} {why}");
                let message = format!("{} has no usable value: {missing}", quoted(name));
                findings.warning(place.clone(), code, message, format!("{how}; {}", demand.without));
                Secret::Missing(missing)
            }
        };
        NamedSecret { secret, origin, place }
    }

    fn variable(self, name: &str) -> Result<String, Unusable> {
        let why = match self.environment.lookup(name) {
            Lookup::Text(text) if text.trim().is_empty() => "is empty",
            Lookup::Text(text) => return Ok(text.to_owned()),
            Lookup::NotText => "is not UTF-8 text",
            Lookup::Unset => "is not set",
        };
        Err(Unusable::missing(why, "set it in the environment of `serve`"))
    }
}

fn literal(
    text: &str,
    name: &str,
    place: Place,
    demand: Demand,
    findings: &mut Findings,
) -> Option<NamedSecret> {
    let fault = if text.trim().is_empty() {
        Some(("invalid_value", format!("{} is empty", quoted(name)), HINT.to_owned()))
    } else if let Some(variable) = interpolated(text) {
        let message = format!("{} names a variable inside text, where none is filled in", quoted(name));
        let hint = format!("write `{{ env = \"{variable}\" }}`; the variable holds the whole value");
        Some(("secret_invalid", message, hint))
    } else if let Err(why) = (demand.check)(text) {
        let hint = format!("{}; it is best kept out of the file: `{{ env = \"NAME\" }}`", demand.form);
        Some(("invalid_value", format!("{} {why}", quoted(name)), hint))
    } else {
        None
    };
    if let Some((code, message, hint)) = fault {
        findings.fault(place, code, message, hint);
        return None;
    }
    if (demand.is_better_hidden)(text) {
        let message = format!("{} stands in the file in clear", quoted(name));
        let hint = format!("{HINT}, so that the file can be shared and reviewed");
        findings.warning(place.clone(), "literal_secret", message, hint);
    }
    Some(NamedSecret {
        secret: Secret::Known(SecretString::from(text.to_owned())),
        origin: Origin::Literal,
        place,
    })
}

fn variable_name(document: &Document, entry: &Entry, name: &str, findings: &mut Findings) -> Option<String> {
    let text = inner_text(document, entry, name, findings)?;
    if is_variable_name(text) {
        return Some(text.to_owned());
    }
    let message = format!("`env` of {} is not the name of an environment variable", quoted(name));
    let hint = "write the variable's name, not its value, for example `{ env = \"SLACK_WEBHOOK_URL\" }`";
    findings.fault(document.place(entry.at), "secret_invalid", message, hint.to_owned());
    None
}

fn file_name<'a>(
    document: &Document,
    entry: &'a Entry,
    name: &str,
    findings: &mut Findings,
) -> Option<&'a str> {
    let text = inner_text(document, entry, name, findings)?;
    if !text.contains('\0') && !looks_secret(text) {
        return Some(text);
    }
    let message = format!("`file` of {} is not the path of a file", quoted(name));
    let hint = "write the file's path, not its content, for example `{ file = \"secrets/slack\" }`";
    findings.fault(document.place(entry.at), "secret_invalid", message, hint.to_owned());
    None
}

fn inner_text<'a>(
    document: &Document,
    entry: &'a Entry,
    name: &str,
    findings: &mut Findings,
) -> Option<&'a str> {
    let message = match &entry.value {
        Node::Text(text) if text.is_empty() => format!("{} of {} is empty", quoted(&entry.key), quoted(name)),
        Node::Text(text) => return Some(text),
        other @ (Node::Integer(_)
        | Node::Float
        | Node::Boolean(_)
        | Node::Time
        | Node::List(_)
        | Node::Table(_)) => {
            let kind = other.kind();
            format!("{} of {} is {kind}, but has to be text", quoted(&entry.key), quoted(name))
        }
    };
    findings.fault(document.place(entry.at), "secret_invalid", message, HINT.to_owned());
    None
}

fn is_variable_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !looks_secret(text)
}

/// Returns the variable that a text seems to hope is filled in: a `${NAME}` in it, or a `$NAME` alone.
fn interpolated(text: &str) -> Option<&str> {
    let braced = text.split_once("${").and_then(|(_, rest)| rest.split_once('}')).map(|(name, _)| name);
    let bare = || text.strip_prefix('$').filter(|name| !name.contains(char::is_lowercase));
    braced.or_else(bare).filter(|name| is_variable_name(name))
}

/// Returns whether somebody seems to have written the value where its name belongs.
fn looks_secret(text: &str) -> bool {
    const PREFIXES: [&str; 5] = ["whsec_", "xoxb-", "xoxp-", "xapp-", "sntrys_"];
    let is_random = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_random || text.contains("://") || PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

fn read_file(path: &Path) -> Result<String, Unusable> {
    const HOW: &str = "write the value, and nothing else, into that file";
    let mut text = String::new();
    let read = std::fs::metadata(path).and_then(|metadata| {
        if !metadata.is_file() {
            return Err(ErrorKind::IsADirectory.into());
        }
        File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)
    });
    match read {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length > MAX_SECRET_BYTES) => {
            Err(Unusable::missing(format!("is larger than {} KiB", MAX_SECRET_BYTES / 1024), HOW))
        }
        Ok(_) => {
            let line =
                text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
            if line.trim().is_empty() { Err(Unusable::missing("is empty", HOW)) } else { Ok(line.to_owned()) }
        }
        Err(error) => {
            const OTHERS: [(ErrorKind, &str); 2] = [
                (ErrorKind::IsADirectory, "name a file that holds the value, and nothing else"),
                (ErrorKind::PermissionDenied, "let the user that runs `serve` read it"),
            ];
            let how = OTHERS.iter().find(|(kind, _)| *kind == error.kind()).map_or(HOW, |(_, how)| how);
            Err(Unusable::missing(unreadable(error.kind()), how))
        }
    }
}

/// Says why a file could not be read, as the end of a sentence.
pub(crate) fn unreadable(kind: ErrorKind) -> String {
    const KNOWN: [(ErrorKind, &str); 4] = [
        (ErrorKind::NotFound, "is not there"),
        (ErrorKind::IsADirectory, "is not a file"),
        (ErrorKind::InvalidData, "is not UTF-8 text"),
        (ErrorKind::PermissionDenied, "may not be read by this user"),
    ];
    let known = KNOWN.iter().find(|(known, _)| *known == kind);
    known.map_or_else(|| format!("cannot be read ({kind})"), |(_, words)| (*words).to_owned())
}
