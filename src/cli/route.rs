//! `route`: which routes match an event, and why.

use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::settings::{json, load_with_templates};
use super::story::{EventArguments, IssueArguments};
use super::table::clean;
use super::{Failure, Output, Terminal};
use crate::clock::Clock;
use crate::config::{Config, show};
use crate::delivery::{Mention, Muting, Part};
use crate::event::Event;
use crate::http::api::MutedJson;
use crate::notify::Destination;
use crate::render::context::rfc3339;
use crate::render::{Purpose, Renderer, Target};
use crate::routing::{ConditionVerdict, Decision, Note, RoutedDestination, Terms};
use crate::run::Run;

/// Show which routes match an event, why, and where it would go.
#[derive(Debug, clap::Args)]
pub(super) struct Route {
    #[command(flatten)]
    event: EventArguments,
    #[command(flatten)]
    issue: IssueArguments,
    /// As if it came then: tries what mutes do [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time with its offset, as `2026-12-01T22:00:00+01:00`".to_owned())
}

impl Route {
    pub(super) fn run(self, dir: &Path, terminal: Terminal) -> Result<Output, Failure> {
        let checked = load_with_templates(dir)?;
        let organization = self.event.organization(&checked.config)?.organization.clone();
        let telling = self.issue.apply(self.event.telling(&organization)?);
        let (Some(event), Some(run)) = (telling.events.last(), Run::fold(&telling.events)) else {
            return Err(Failure::new("there is no such sample", "name another action or a file"));
        };
        let decision = checked.config.routing.route(event, &run, telling.issue.as_ref());
        let now = self.at.unwrap_or_else(|| Clock::system().now());
        let deliveries = deliveries(&decision, &checked.config, &checked.renderer, event, now);
        if self.json {
            let document = json!({
                "action": event.action.as_str(), "organization": organization.as_str(),
                "routes": decision.routes,
                "at": rfc3339(now),
                "deliveries": deliveries.iter().map(Delivery::to_json).collect::<Vec<_>>(),
            });
            return Ok(json(&document).into());
        }
        Ok(page(&decision, &deliveries, terminal).into())
    }
}

/// What a destination would get.
struct Delivery<'a> {
    destination: &'a Destination,
    part: Part,
    /// The template of it.
    template: String,
    /// Why it would not go out at once.
    muting: Option<Muting>,
    /// Whom it would mention.
    mentions: Vec<Mention>,
}

impl Delivery<'_> {
    fn to_json(&self) -> Value {
        json!({
            "destination": self.destination.name, "kind": self.destination.service.kind(), "part": self.part,
            "template": self.template, "muted": self.muting.as_ref().map(MutedJson::from),
            "mentions": self.mentions, "fallback": self.destination.fallback.as_ref().map(|fallback| &fallback.to),
        })
    }

    /// Tells whether a card that stands already would be edited all the same.
    fn may_be_edit(&self) -> bool {
        self.part == Part::Card
    }
}

fn deliveries<'a>(
    decision: &Decision,
    config: &'a Config,
    renderer: &Renderer,
    event: &Event,
    now: Timestamp,
) -> Vec<Delivery<'a>> {
    let find = |routed: &RoutedDestination| {
        let destination = config.destinations.iter().find(|each| each.name == routed.name)?;
        let target = destination.target(routed.template_set.as_deref());
        Some((destination, target, config.routing.terms(routed, now)))
    };
    let each_part = |(destination, target, terms): (&'a Destination, Target, Terms)| {
        let parts = destination.parts(&event.action);
        // A digest is the destination's, whichever routes lead there.
        let of_digest = destination.target(None);
        let delivery = |part: &Part| {
            let target = if *part == Part::Digest { &of_digest } else { &target };
            Delivery {
                destination,
                part: *part,
                template: renderer.template_for(Purpose::of_part(*part, &event.action), target),
                muting: terms.muting.clone(),
                mentions: terms.mentioned_by(*part, parts, destination.service.kind()).to_vec(),
            }
        };
        parts.iter().map(delivery).collect::<Vec<_>>()
    };
    decision.destinations.iter().filter_map(find).flat_map(each_part).collect()
}

fn page(decision: &Decision, deliveries: &[Delivery<'_>], terminal: Terminal) -> String {
    let paint = |code: &str, text: &str| {
        if terminal.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut text = String::new();
    for route in &decision.routes {
        let verdict = if route.matched { paint("32", "✓ matches") } else { paint("2", "✗ no match") };
        let _ = writeln!(text, "{verdict}  {}", paint("1", &clean(&route.name)));
        for why in &route.why {
            let sign = if why.held { "✓" } else { "✗" };
            let _ = writeln!(text, "    {sign} {}", reason(why));
        }
    }
    text.push('\n');
    if deliveries.is_empty() {
        text.push_str("no route: the event would be kept and shown, and sent nowhere\n");
    }
    for delivery in deliveries {
        let part = match (delivery.part, delivery.destination.digest) {
            (Part::Message, _) => String::new(),
            (Part::Digest, Some(within)) => format!(" in the digest of {}", show(within)),
            (part @ (Part::Card | Part::Announcement | Part::Digest), _) => format!(" {part}"),
        };
        let (name, kind) = (&delivery.destination.name, delivery.destination.service.kind());
        let stand_in = delivery.destination.fallback.as_ref();
        let stand_in = stand_in.map(|fallback| format!(", else to {}", fallback.to)).unwrap_or_default();
        let _ = writeln!(text, "→ {name} ({kind}){part} by {}{stand_in}", delivery.template);
        if let Some(muting) = &delivery.muting {
            let or = if delivery.may_be_edit() { " (a card that stands already is edited)" } else { "" };
            let _ = writeln!(text, "    {muting}{or}");
        }
        if !delivery.mentions.is_empty() {
            let words: Vec<String> = delivery.mentions.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "    mentions {}", words.join(", "));
        }
    }
    text
}

fn reason(why: &ConditionVerdict) -> String {
    let pattern = clean(&why.pattern);
    let value = why.value.as_deref().map(clean);
    let is = value.as_deref().map_or_else(|| "is unknown".to_owned(), |value| format!("is {value}"));
    let is = match why.note {
        Some(Note::IssueUnknown) => "the issue is not known".to_owned(),
        None => is,
    };
    match (why.condition, &value) {
        ("otherwise", None) => "otherwise  (no route above matched)".into(),
        ("otherwise", Some(above)) => format!("otherwise  (matched above: {above})"),
        ("stop", _) => format!("not read  (`{pattern}` matched and stops the reading)"),
        ("not", _) => format!("not {pattern}  ({is})"),
        (condition, _) => format!("{condition} = {pattern}  ({is})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_like_a_sentence() {
        let reason = |condition, pattern: &str, value: Option<&str>| {
            let (pattern, value) = (pattern.to_owned(), value.map(str::to_owned));
            super::reason(&ConditionVerdict { condition, pattern, value, held: true, note: None })
        };
        for (shown, expected) in [
            (reason("repo", "acme/*", Some("acme/api")), "repo = acme/*  (is acme/api)"),
            (reason("repo", "acme/*", None), "repo = acme/*  (is unknown)"),
            (reason("not", "path = docs/*", Some("src/a.py")), "not path = docs/*  (is src/a.py)"),
            (reason("otherwise", "true", None), "otherwise  (no route above matched)"),
            (reason("otherwise", "true", Some("fixes")), "otherwise  (matched above: fixes)"),
            (reason("stop", "noise", None), "not read  (`noise` matched and stops the reading)"),
        ] {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn that_the_issue_is_not_known_is_said() {
        let reason = |condition, pattern: &str, value: Option<&str>| {
            let (pattern, value) = (pattern.to_owned(), value.map(str::to_owned));
            let note = Some(Note::IssueUnknown);
            super::reason(&ConditionVerdict { condition, pattern, value, held: false, note })
        };
        assert_eq!(reason("project", "api", None), "project = api  (the issue is not known)");
        let not = reason("not", "level = info, repo = a", Some("a"));
        assert_eq!(not, "not level = info, repo = a  (the issue is not known)");
    }
}
