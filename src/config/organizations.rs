//! The tables `[sentry.SLUG]`: organizations, their client secrets, and how their Sentry is asked.

use url::Url;

use super::document::{Document, Entry, Item, Node, Table};
use super::findings::{Findings, Place};
use super::reader::{Keys, Reader};
use super::secrets::{Demand, NamedSecret, Vault, check_token};
use super::values;
use crate::event::Organization;
use crate::secret::Secret;
use crate::sentry::{LookupConfig, OrganizationConfig};
use crate::words::{quoted, shortened};

/// Which of them is missing does not matter while there is one.
const CLIENT_SECRET: Demand = Demand {
    without: "`serve` starts while at least one client secret can be used, `serve --strict` only with all of them",
    ..Demand::ANY
};

/// An old one that is not there costs a better word in the log.
const RETIRED_SECRET: Demand =
    Demand { without: "without it a webhook that it signed is refused as any other", ..Demand::ANY };

const EXAMPLE: &str = "[{ env = \"SENTRY_CLIENT_SECRET\" }]";

/// A token that is not there costs titles, not messages.
const API_TOKEN: Demand = Demand {
    check: check_token,
    form: "write a token of the integration in Sentry (Settings, Developer Settings), with scope event:read",
    without: "without it messages do not name their issues, and `serve --strict` refuses to start",
    ..Demand::ANY
};

/// What a slug looks like, as a pattern for editors.
pub(super) const SLUG: &str = "^[A-Za-z0-9_-]{1,64}$";

pub(super) const KEYS: Keys = Keys {
    known: &[
        "client_secrets",
        "retired_secrets",
        "base_url",
        "api_token",
        "api_url",
        "lookup_wait",
        "issue_max_age",
    ],
    later: &[],
    elsewhere: &[],
};

/// The organizations of `relay.toml`.
#[derive(Debug, Default)]
pub(crate) struct Organizations {
    /// Each table that could be read.
    pub(crate) list: Vec<OrganizationConfig>,
    /// The fault of having no client secret that can be used, which keeps `serve` from starting but no other command.
    pub(crate) without_secret: Option<super::fault::Fault>,
    /// Whether any table has an `api_token`, with a value or without: then Sentry is meant to be asked.
    pub(crate) has_token: bool,
}

/// Reads every `[sentry.SLUG]`.
pub(crate) fn read(document: &Document, vault: Vault<'_>, findings: &mut Findings) -> Organizations {
    let tables = tables(document, findings);
    if tables.as_ref().is_some_and(Vec::is_empty) {
        let hint = "add `[sentry.SLUG]` with your organization's slug and its `client_secrets`; `seer-relay init` \
                    writes a starter folder that shows how";
        let place = Place::whole(document.path().to_owned());
        findings.fault(place, "no_organization", "no Sentry organization is configured", hint.to_owned());
    }
    let mut organizations = Organizations::default();
    let mut secrets: Vec<(String, NamedSecret)> = Vec::new();
    for (entry, table) in tables.into_iter().flatten() {
        organizations.has_token |= table.get("api_token").is_some();
        let name = format!("sentry.{}", shortened(&entry.key));
        let mut reader = Reader { document, table, at: entry.at, name, vault, findings };
        let Some((config, named)) = organization(&mut reader, entry) else { continue };
        secrets.extend(named.into_iter().map(|secret| (entry.key.clone(), secret)));
        organizations.list.push(config);
    }
    check_shared(&secrets, findings);
    organizations.without_secret = without_secret(document, &secrets);
    organizations
}

/// Returns the organizations' tables; `None` where `sentry` is no table of tables, which is a fault of its own.
fn tables<'a>(document: &'a Document, findings: &mut Findings) -> Option<Vec<(&'a Entry, &'a Table)>> {
    const HINT: &str = "write one table per organization, named by its slug: `[sentry.acme]`";
    let Some(sentry) = document.root.get("sentry") else { return Some(Vec::new()) };
    let Node::Table(table) = &sentry.value else {
        let message = format!("`sentry` is {}, but has to hold tables", sentry.value.kind());
        findings.fault(document.place(sentry.at), "wrong_type", message, HINT.to_owned());
        return None;
    };
    let mut tables = Vec::new();
    let mut is_sound = true;
    for entry in &table.entries {
        if let Some(inner) = entry.value.as_member(&entry.key, table, KEYS) {
            tables.push((entry, inner));
            continue;
        }
        is_sound = false;
        let message = format!("{} stands in `[sentry]` itself, outside any organization", quoted(&entry.key));
        findings.fault(document.place(entry.at), "misplaced_key", message, HINT.to_owned());
    }
    (is_sound || !tables.is_empty()).then_some(tables)
}

fn organization(reader: &mut Reader<'_>, entry: &Entry) -> Option<(OrganizationConfig, Vec<NamedSecret>)> {
    reader.check_keys(KEYS);
    let secrets = client_secrets(reader);
    let old = retired_secrets(reader, &secrets);
    let slug = entry.key.as_str();
    let is_slug = slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_slug || slug.is_empty() || slug.len() > 64 {
        let message = format!("{} is not the slug of a Sentry organization", quoted(slug));
        let hint =
            "the slug is the name in Sentry's address, `https://SLUG.sentry.io`: letters, digits and `-`";
        reader.findings.fault(reader.document.place(entry.at), "organization_name", message, hint.to_owned());
        return None;
    }
    let named = reader.parsed("base_url", "\"https://acme.sentry.io\"", |text| {
        values::page_url(text, "https://acme.sentry.io")
    });
    let base_url = named.or_else(|| Url::parse(&format!("https://{slug}.sentry.io")).ok())?;
    let lookup = lookup(reader, &base_url);
    let config = OrganizationConfig {
        organization: Organization::new(slug),
        client_secrets: secrets.iter().map(|named| named.secret.clone()).collect(),
        retired_secrets: old.into_iter().map(|named| named.secret).collect(),
        base_url,
        lookup,
    };
    Some((config, secrets))
}

fn lookup(reader: &mut Reader<'_>, base_url: &Url) -> LookupConfig {
    let api_token = reader.secret("api_token", API_TOKEN);
    let api_url = reader
        .parsed("api_url", "\"https://sentry.io\"", |text| values::page_url(text, "https://sentry.io"))
        .map_or_else(|| base_url.clone(), without_api_path);
    let mut duration = |key, example, range| {
        reader.parsed(key, example, |text| values::duration(text, range)).map(Option::unwrap_or_default)
    };
    let defaults = LookupConfig::without_token(api_url);
    LookupConfig {
        api_token: api_token.map(|named| named.secret),
        lookup_wait: duration("lookup_wait", "\"2s\"", values::LOOKUP_WAIT).unwrap_or(defaults.lookup_wait),
        issue_max_age: duration("issue_max_age", "\"1h\"", values::ISSUE_MAX_AGE)
            .unwrap_or(defaults.issue_max_age),
        ..defaults
    }
}

/// The path of the API is added to where Sentry is; whoever wrote it there meant the same.
fn without_api_path(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/');
    if let Some(base) = path.strip_suffix("/api/0") {
        let base = format!("{base}/");
        url.set_path(&base);
    }
    url
}

fn client_secrets(reader: &mut Reader<'_>) -> Vec<NamedSecret> {
    let hint = format!("write `client_secrets = {EXAMPLE}`: the client secret of the integration in Sentry");
    let Some(entry) = reader.table.get("client_secrets") else {
        if reader.lacks("client_secrets", KEYS) {
            let message = format!("`[{}]` has no `client_secrets`", reader.name);
            reader.fault("client_secrets", "missing_key", message, hint);
        }
        return Vec::new();
    };
    let Some(items) = list(reader, entry) else { return Vec::new() };
    if items.is_empty() {
        let message = format!("{} is empty, so that nothing can be verified", reader.full("client_secrets"));
        reader.fault("client_secrets", "missing_key", message, hint);
    }
    secrets_of(reader, items, "client_secrets", CLIENT_SECRET)
}

/// Reads the secrets that let nobody in any more; one that still does would be named as if it did not.
fn retired_secrets(reader: &mut Reader<'_>, current: &[NamedSecret]) -> Vec<NamedSecret> {
    let Some(entry) = reader.table.get("retired_secrets") else { return Vec::new() };
    let Some(items) = list(reader, entry) else { return Vec::new() };
    let old = secrets_of(reader, items, "retired_secrets", RETIRED_SECRET);
    for secret in old.iter().filter(|old| current.iter().any(|current| current.is_same_as(old))) {
        let message = format!("{} names one of its `client_secrets` again", reader.full("retired_secrets"));
        let hint = "keep it in one of the two lists: what stands in `client_secrets` lets webhooks in";
        reader.findings.fault(secret.place.clone(), "secret_shared", message, hint.to_owned());
    }
    old
}

fn list<'a>(reader: &mut Reader<'a>, entry: &'a Entry) -> Option<&'a [Item]> {
    if let Node::List(items) = &entry.value {
        return Some(items);
    }
    reader.wrong_type(entry, "a list of secrets", EXAMPLE);
    None
}

fn secrets_of(reader: &mut Reader<'_>, items: &[Item], key: &str, demand: Demand) -> Vec<NamedSecret> {
    let name = format!("{}.{key}", reader.name);
    let mut secrets = Vec::new();
    for item in items {
        let place = reader.document.place(item.at);
        let vault = reader.vault;
        secrets.extend(vault.read(reader.document, &item.value, &name, place, demand, reader.findings));
    }
    secrets
}

/// An event belongs to the organization whose secret verified it, so no two may share one.
fn check_shared(secrets: &[(String, NamedSecret)], findings: &mut Findings) {
    for (index, (organization, secret)) in secrets.iter().enumerate() {
        let earlier = secrets.iter().take(index);
        let Some((other, _)) =
            earlier.clone().find(|(other, known)| other != organization && known.is_same_as(secret))
        else {
            continue;
        };
        let message = format!(
            "organizations {} and {} have the same client secret",
            quoted(other),
            quoted(organization)
        );
        let hint = "make an integration in each organization: the secret tells whose event it is";
        findings.fault(secret.place.clone(), "secret_shared", message, hint.to_owned());
    }
}

fn without_secret(document: &Document, secrets: &[(String, NamedSecret)]) -> Option<super::fault::Fault> {
    let (_, first) = secrets.first()?;
    if secrets.iter().any(|(_, named)| named.secret.known().is_some()) {
        return None;
    }
    let why = match &first.secret {
        Secret::Missing(why) => why.as_str(),
        Secret::Known(_) => "",
    };
    let place = match &first.place {
        place @ Place::File { .. } => place.clone(),
        Place::Variable(_) => Place::whole(document.path().to_owned()),
    };
    Some(place.fault(
        "no_client_secret",
        format!("no client secret can be used, so no webhook could be verified: {why}"),
        "copy the client secret of your integration in Sentry (Settings, Developer Settings) to where it is read from"
            .to_owned(),
    ))
}
