//! What every route said to an event, and why.

use super::{Look, Page, Piece, STEP, piece, plain};
use crate::cli::table::clean;
use crate::routing::{ConditionVerdict, Note, RouteVerdict};

/// What an event without a route is told to be.
pub(in crate::cli) const NO_ROUTE: &str = "no route";

/// Draws the verdict of each route.
pub(in crate::cli) fn draw(page: &mut Page, verdicts: &[RouteVerdict]) {
    for verdict in verdicts {
        let (look, sign) = match verdict {
            RouteVerdict { matched: true, .. } => (Look::Good, "✓ matches"),
            _ if verdict.why.iter().any(|why| why.condition == "stop") => (Look::Quiet, "· not read"),
            RouteVerdict { .. } => (Look::Quiet, "✗ no match"),
        };
        let name = piece(if verdict.matched { Look::Strong } else { Look::Plain }, &verdict.name);
        page.line(0, STEP, [piece(look, sign), plain("  "), name].into_iter().chain(leads_to(verdict)));
        for why in &verdict.why {
            let (look, sign) = if why.held { (Look::Good, "✓ ") } else { (Look::Bad, "✗ ") };
            page.line(STEP, 2, [piece(look, sign), plain(reason(why))]);
        }
    }
}

/// Of a route that matched, where it sends.
fn leads_to(verdict: &RouteVerdict) -> Option<Piece> {
    let names: Vec<String> = verdict.to.iter().map(ToString::to_string).collect();
    (verdict.matched && !names.is_empty()).then(|| piece(Look::Quiet, format!("  → {}", names.join(", "))))
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
        ("action", Some(action)) if pattern.is_empty() => {
            format!("action  (is {action}, a notice of the relay's own, which no action here names)")
        }
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
