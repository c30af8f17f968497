//! `when` and the `not` inside it.

use crate::config::document::{Entry, Node, Table};
use crate::config::reader::Reader;
use crate::dispatch::WatchConfig;
use crate::event::{Action, Organization};
use crate::routing::{Condition, Conditions, Field, Pattern};
use crate::words::{quoted, suggestion};

const EXAMPLE: &str = "{ action = \"pr_created\", repo = \"acme/*\" }";

/// What conditions are held against beside their own table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The configured organizations, where they are known.
    pub(crate) organizations: Option<&'a [Organization]>,
    /// Whether any of them has a token for Sentry's API; `true` where that is not known.
    pub(crate) can_ask: bool,
    /// What is watched, where that is known.
    pub(crate) watch: Option<WatchConfig>,
}

/// Reads what must hold and what excludes; `None` where something of it could not be read.
pub(super) fn read(
    reader: &mut Reader<'_>,
    route: &str,
    known: Known<'_>,
) -> Option<(Conditions, Option<Conditions>)> {
    let Some(entry) = reader.table.get("when") else { return Some((Conditions::default(), None)) };
    let Node::Table(table) = &entry.value else {
        reader.wrong_type(entry, "a table of conditions", EXAMPLE);
        return None;
    };
    let mut group = Group { reader, route, known, is_inner: false };
    let when = group.read(table);
    let not = match table.get("not") {
        None => Some(None),
        Some(entry) => group.exclusion(entry).map(Some),
    };
    Some((when?, not?))
}

/// What is missing for a notice to come.
enum Missing {
    /// A token for Sentry's API.
    Token,
    /// A setting of `[watch]`, with a value for it.
    Setting(&'static str, &'static str),
}

/// One table of conditions.
struct Group<'r, 'a> {
    reader: &'r mut Reader<'a>,
    route: &'r str,
    known: Known<'r>,
    /// Whether it is the one under `not`.
    is_inner: bool,
}

impl Group<'_, '_> {
    fn read(&mut self, table: &Table) -> Option<Conditions> {
        let mut conditions = Vec::new();
        let mut is_sound = true;
        for entry in &table.entries {
            if entry.key == "not" && !self.is_inner {
                continue;
            }
            match self.condition(entry) {
                Some(condition) => conditions.push(condition),
                None => is_sound = false,
            }
        }
        is_sound.then_some(Conditions(conditions))
    }

    fn exclusion(&mut self, entry: &Entry) -> Option<Conditions> {
        let Node::Table(table) = &entry.value else {
            self.reader.wrong_type(entry, "a table of conditions", EXAMPLE);
            return None;
        };
        if table.entries.is_empty() {
            let message =
                format!("`not` of route {} is empty, so that it excludes every event", quoted(self.route));
            self.fault(entry, "impossible_condition", message, format!("for example `not = {EXAMPLE}`"));
            return None;
        }
        self.is_inner = true;
        let conditions = self.read(table);
        self.is_inner = false;
        conditions
    }

    fn condition(&mut self, entry: &Entry) -> Option<Condition> {
        let key = entry.key.as_str();
        let Some(field) = Field::from_word(key) else {
            self.unknown(entry);
            return None;
        };
        if field.is_of_issue() && !self.known.can_ask {
            self.without_token(entry);
        }
        let items: Vec<(&Node, usize)> = match &entry.value {
            Node::List(items) => items.iter().map(|item| (&item.value, item.at)).collect(),
            single @ (Node::Text(_)
            | Node::Integer(_)
            | Node::Float
            | Node::Boolean(_)
            | Node::Time
            | Node::Table(_)) => vec![(single, entry.at)],
        };
        if items.is_empty() {
            let message = format!(
                "condition `{key}` of route {} can never hold: its list is empty",
                quoted(self.route)
            );
            self.fault(entry, "impossible_condition", message, format!("name a value, or take `{key}` out"));
        }
        let count = items.len();
        let is_list = matches!(entry.value, Node::List(_));
        let patterns: Vec<Pattern> =
            items.into_iter().filter_map(|(node, at)| self.pattern(field, node, at, is_list)).collect();
        if field == Field::Action && !self.is_inner {
            patterns.iter().filter(|pattern| pattern.names_own_notices()).for_each(|pattern| {
                self.warn_of_notices(entry, pattern);
            });
        }
        (count > 0 && patterns.len() == count).then_some(Condition { field, patterns })
    }

    fn pattern(&mut self, field: Field, node: &Node, at: usize, is_item: bool) -> Option<Pattern> {
        let word = field.as_str();
        let wanted = if field == Field::Group { "text or a whole number" } else { "text" };
        let (is, be, or_list) = if is_item { ("holds", "hold", "") } else { ("is", "be", ", or a list") };
        let place = self.reader.document.place(at);
        match node {
            Node::Text(text) if text.is_empty() => {
                let message = format!(
                    "condition `{word}` of route {} can never hold: its text is empty",
                    quoted(self.route)
                );
                let hint = "write what it has to be; `*` stands for any text".to_owned();
                self.reader.findings.fault(place, "impossible_condition", message, hint);
                None
            }
            Node::Text(text) => {
                let pattern = Pattern::new(text.clone());
                self.warn_of_unknown(field, &pattern, at);
                Some(pattern)
            }
            Node::Integer(digits) if field == Field::Group => Some(Pattern::new(digits.clone())),
            other @ (Node::Integer(_)
            | Node::Float
            | Node::Boolean(_)
            | Node::Time
            | Node::List(_)
            | Node::Table(_)) => {
                let message = format!(
                    "condition `{word}` of route {} {is} {}, but has to {be} {wanted}{or_list}",
                    quoted(self.route),
                    other.kind()
                );
                let example = if field == Field::Group { "1170820242" } else { "\"…\"" };
                self.reader.findings.fault(
                    place,
                    "wrong_type",
                    message,
                    format!("for example `{word} = {example}`"),
                );
                None
            }
        }
    }

    fn unknown(&mut self, entry: &Entry) {
        let key = entry.key.as_str();
        let route = quoted(self.route);
        if key == "not" {
            let message = format!("`not` of route {route} holds another `not`");
            self.fault(entry, "unknown_condition", message, "write what must hold into `when` itself");
            return;
        }
        let message = format!("route {route} has the unknown condition {}", quoted(key));
        let known = Field::ALL.iter().map(|field| field.as_str()).chain((!self.is_inner).then_some("not"));
        let hint = suggestion(key, "known", known).unwrap_or_default();
        self.fault(entry, "unknown_condition", message, hint);
    }

    /// Webhooks do not say what the condition looks at, and nobody can be asked.
    fn without_token(&mut self, entry: &Entry) {
        let message = format!(
            "condition `{}` of route {} needs Sentry's API: Seer's webhooks do not say it, and no organization has \
             an `api_token`",
            entry.key,
            quoted(self.route)
        );
        let hint = self.how_to_ask();
        self.fault(entry, "needs_api_token", message, hint);
    }

    /// Some notices come only where Sentry can be asked, and all only where the relay watches.
    fn warn_of_notices(&mut self, entry: &Entry, pattern: &Pattern) {
        let waits_for = Action::NOTICES.into_iter().filter(|notice| pattern.matches(notice.as_str()));
        let missing: Option<Vec<Missing>> = waits_for.map(|notice| self.missing(&notice)).collect();
        // Of several it is enough that one may come.
        let Some(missing) = missing.and_then(|missing| missing.into_iter().next()) else { return };
        let (code, says, hint) = match missing {
            Missing::Token => (
                "needs_api_token",
                "come from Sentry's API alone, and no organization has an `api_token`".to_owned(),
                self.how_to_ask(),
            ),
            Missing::Setting(key, example) => (
                "watch_off",
                format!("never come while `watch.{key}` is `off`"),
                format!("write `{key} = \"{example}\"` below `[watch]` of relay.toml"),
            ),
        };
        let (route, shown) = (quoted(self.route), quoted(pattern.as_str()));
        let message = format!("route {route} waits for {shown}: such notices of the relay's own {says}");
        self.reader.findings.warning(self.reader.document.place(entry.at), code, message, hint);
    }

    /// Returns what is missing for a notice to come; `None` where it may.
    fn missing(&self, notice: &Action) -> Option<Missing> {
        let watch = self.known.watch;
        let is_off = |is_on: fn(WatchConfig) -> bool| watch.is_some_and(|watch| !is_on(watch));
        if *notice == Action::Silent {
            return is_off(|watch| watch.silent_after.is_some())
                .then_some(Missing::Setting("silent_after", "2d"));
        }
        if notice.is_of_destination() {
            return None;
        }
        if *notice == Action::RunStalled {
            return is_off(|watch| watch.stall_after.tells())
                .then_some(Missing::Setting("stall_after", "30m"));
        }
        let is_never_asked = is_off(|watch| watch.stall_after.shortest().is_some());
        let asks = is_never_asked.then_some(Missing::Setting("stall_after", "30m"));
        asks.or((!self.known.can_ask).then_some(Missing::Token))
    }

    fn how_to_ask(&self) -> String {
        let slug = self.known.organizations.and_then(<[_]>::first).map_or("acme", Organization::as_str);
        format!(
            "write `api_token = {{ env = \"SENTRY_API_TOKEN\" }}` into `[sentry.{slug}]` of relay.toml: a token of \
             the integration, with scope event:read"
        )
    }

    fn fault(&mut self, entry: &Entry, code: &'static str, message: String, hint: impl Into<String>) {
        let place = self.reader.document.place(entry.at);
        self.reader.findings.fault(place, code, message, hint.into());
    }

    /// Warns of a pattern that none of the known actions or organizations fits: Sentry may add actions, so it is no
    /// fault.
    fn warn_of_unknown(&mut self, field: Field, pattern: &Pattern, at: usize) {
        let (code, what, known): (_, _, Vec<&str>) = match field {
            Field::Action if pattern.names_own_notices() => {
                ("unknown_action", "notice", Action::NOTICES.iter().map(Action::as_str).collect())
            }
            Field::Action => {
                ("unknown_action", "action", Action::OF_SEER.iter().map(Action::as_str).collect())
            }
            Field::Organization => match self.known.organizations {
                None => return,
                Some(list) => {
                    ("unknown_organization", "organization", list.iter().map(Organization::as_str).collect())
                }
            },
            Field::Level => ("unknown_level", "level", LEVELS.to_vec()),
            Field::Priority => ("unknown_priority", "priority", PRIORITIES.to_vec()),
            Field::Repo
            | Field::Path
            | Field::Provider
            | Field::Classification
            | Field::Group
            | Field::Project => return,
        };
        if known.iter().any(|name| pattern.matches(name)) {
            return;
        }
        let whose = if field == Field::Organization { "of `relay.toml`" } else { "that this version knows" };
        let shown = quoted(pattern.as_str());
        let message = format!("route {} waits for {shown}, which no {what} {whose} fits", quoted(self.route));
        let hint = suggestion(pattern.as_str(), "known", known.iter().copied());
        self.reader.findings.warning(self.reader.document.place(at), code, message, hint);
    }
}

/// The levels of issues, as [`crate::issue::Issue::level`] lists them.
const LEVELS: [&str; 6] = ["sample", "debug", "info", "warning", "error", "fatal"];
/// The priorities of issues.
// Source: getsentry/sentry src/sentry/types/group.py, `PriorityLevel`, read 2026-11-25.
const PRIORITIES: [&str; 3] = ["low", "medium", "high"];
