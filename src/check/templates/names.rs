//! Names that lead nowhere: template sets that are not there, or that nobody asks for, and templates for actions that
//! nobody knows.

use std::path::PathBuf;

use super::Shown;
use crate::config::Reading;
use crate::config::fault::Fault;
use crate::delivery::DestinationKind;
use crate::event::Action;
use crate::render::{NO_ACTIONS, Renderer};
use crate::words::{nearest, quoted, quoted_path, suggestion};

const KINDS: &[DestinationKind] = DestinationKind::ALL;

/// Finds template sets that are asked for and not there.
pub(super) fn unknown_sets(reading: &Reading, renderer: &Renderer, shown: &Shown<'_>) -> Vec<Fault> {
    let sets = renderer.sets();
    let unknown = reading.template_sets().filter(|named| !renderer.has_set(&named.set));
    unknown
        .map(|named| {
            let message =
                format!("{} asks for the template set {}, which is not there", named.by, quoted(&named.set));
            let hint = no_set(&named.set)
                .or_else(|| suggestion(&named.set, "there", sets.iter().map(String::as_str)))
                .unwrap_or_else(|| {
                    let folder = shown.path(&shown.config.dir.join(&named.set));
                    format!("make the folder {} with templates in it", quoted_path(&folder))
                });
            named.place.clone().fault("unknown_template_set", message, hint)
        })
        .collect()
}

/// Says why no folder could make a set of this name.
fn no_set(name: &str) -> Option<String> {
    if KINDS.iter().any(|kind| kind.as_str() == name) {
        return Some(format!(
            "take it out: templates in the folder `{name}` are for every destination of that kind; a set has another name"
        ));
    }
    let is_folder = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    (!is_folder)
        .then(|| "a set is named by its folder among the templates, one word such as `oncall`".to_owned())
}

/// Finds templates for actions that this version does not know: Sentry may add actions, so they are no fault.
pub(super) fn unknown_actions(renderer: &Renderer, shown: &Shown<'_>) -> Vec<Fault> {
    let known = Action::known().map(|action| action.to_string()).chain(NO_ACTIONS.map(str::to_owned));
    let known: Vec<String> = known.collect();
    let foreign = renderer.foreign_templates().iter();
    foreign
        .map(|template| Fault {
            file: Some(shown.path(&template.file)),
            line: None,
            column: None,
            code: "unknown_action",
            message: format!(
                "this template waits for {}, an action that this version does not know",
                quoted(&template.action)
            ),
            hint: suggestion(&template.action, "known", known.iter().map(String::as_str)),
        })
        .collect()
}

/// Finds template sets that no destination and no route asks for.
pub(super) fn unused_sets(reading: &Reading, renderer: &Renderer, shown: &Shown<'_>) -> Vec<Fault> {
    let sets = renderer.sets();
    let unused = sets.iter().filter(|set| reading.template_sets().all(|named| named.set != **set));
    unused
        .map(|set| {
            let kind = nearest(set, KINDS.iter().map(|kind| kind.as_str())).into_iter().next();
            let hint = match kind {
                Some(kind) => {
                    format!("did you mean the folder `{kind}`, for every destination of that kind?")
                }
                None => format!(
                    "write `template = \"{set}\"` at a destination or a route, or take the folder away"
                ),
            };
            Fault {
                file: Some(shown.path(&PathBuf::from(&shown.config.dir).join(set))),
                line: None,
                column: None,
                code: "unused_template_set",
                message: format!("no destination and no route asks for the template set {}", quoted(set)),
                hint: Some(hint),
            }
        })
        .collect()
}
