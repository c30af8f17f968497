//! Engines: one instance of the template engine per family, template set and kind of destination.

use tera::Tera;

use super::family::Family;
use super::files::TemplateFile;
use super::place::Place;
use super::{filters, tokens};
use crate::delivery::DestinationKind;

/// Makes an engine without templates. What a bare name means in it depends on the order of the places.
pub(super) fn empty(family: Family, kind: DestinationKind, places: &[Place]) -> Tera {
    let mut tera = Tera::default();
    tera.autoescape_on([".tera"]);
    tera.set_escape_fn(match (family, kind) {
        (Family::Markdown, _) => tokens::escape,
        (Family::Json, DestinationKind::Slack) => tokens::escape_slack_json,
        (Family::Json, DestinationKind::Discord | DestinationKind::Webhook) => tokens::escape_json,
    });
    filters::register(&mut tera, family, kind);
    let prefixes = places.iter().map(Place::prefix);
    // An engine without templates takes any prefixes.
    let _ = tera.set_fallback_prefixes(prefixes);
    tera
}

/// Returns the templates that an engine of this family with these places holds.
pub(super) fn files_for<'a>(
    files: &'a [TemplateFile],
    family: Family,
    places: &'a [Place],
) -> impl Iterator<Item = &'a TemplateFile> {
    files.iter().filter(move |file| file.family == family && places.contains(&file.place))
}
