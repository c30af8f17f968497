//! What the README says, held against the code.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory;
use seer_relay::cli::Arguments;
use seer_relay::config::{Config, Environment};
use seer_relay::delivery::Reason;
use seer_relay::http::CODES;
use seer_relay::routing::Field;
use seer_relay::sentry::diagnosis::Cause;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The cells of the table whose head is this row, row by row.
pub(crate) fn table(head: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let mut lines = readme.lines().skip_while(|line| *line != head);
    assert_eq!(lines.next(), Some(head), "the README has this table");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        // A bar in a cell is escaped.
        let row = row.replace("\\|", "\u{1}");
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    rows.map(cells).collect()
}

/// What stands in backticks.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The fences of this language.
fn fences(language: &str) -> Vec<String> {
    let readme = readme();
    let fences = readme.split("```").skip(1).step_by(2);
    let wanted =
        fences.filter_map(|fence| fence.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned));
    // A fence in a list stands as far to the right as its item.
    wanted.map(|fence| fence.lines().map(|line| line.trim_start().to_owned() + "\n").collect()).collect()
}

#[test]
fn the_table_of_error_codes_is_that_of_the_code() {
    let shown = table("| status | code | when |");
    let real: Vec<Vec<String>> = CODES
        .iter()
        .map(|(status, code, when)| vec![status.to_string(), format!("`{code}`"), (*when).to_owned()])
        .collect();
    assert_eq!(shown, real);
}

#[test]
fn the_table_of_reasons_names_each_once() {
    let rows = table("| reason | means | then |");
    let shown: Vec<String> = rows.iter().flat_map(|row| names(&row[0])).collect();
    let each: BTreeSet<&str> = shown.iter().map(String::as_str).collect();
    assert_eq!(shown.len(), each.len(), "{shown:?}");
    assert_eq!(each, Reason::ALL.iter().map(|reason| reason.as_str()).collect());
}

#[test]
fn the_table_of_causes_names_each_once() {
    let rows = table("| cause | means | what to do |");
    let shown: Vec<String> = rows.iter().flat_map(|row| names(&row[0])).collect();
    assert_eq!(shown, Cause::ALL.iter().map(|cause| cause.as_str()).collect::<Vec<_>>());
}

#[test]
fn the_table_of_conditions_names_every_one() {
    let rows = table("| condition | looks at |");
    let shown: BTreeSet<String> = rows.iter().flat_map(|row| names(&row[0])).collect();
    assert_eq!(shown, Field::ALL.iter().map(|field| field.as_str().to_owned()).collect());
}

#[test]
fn the_table_of_commands_names_every_one_and_no_option_that_it_does_not_have() {
    let rows = table("| command | does |");
    let program = Arguments::command();
    let mut shown = BTreeSet::new();
    for row in rows {
        for usage in names(&row[0]) {
            let name = usage.split(' ').next().unwrap();
            let command = program.find_subcommand(name).unwrap_or_else(|| panic!("there is no `{name}`"));
            shown.insert(name.to_owned());
            let mentioned = row.concat();
            for option in mentioned.split(['`', ' ', ',']).filter_map(|word| word.strip_prefix("--")) {
                let is_known = command.get_arguments().any(|known| known.get_long() == Some(option));
                assert!(is_known, "`{name}` has no `--{option}`");
            }
        }
    }
    let real = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(shown, real);
}

/// Loads a config folder of these two files, every secret set; returns what is wrong with it.
fn faults(relay: &str, routes: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay.toml"), relay).unwrap();
    std::fs::write(folder.path().join("routes.toml"), routes).unwrap();
    let environment = Environment::from_pairs([
        ("SENTRY_CLIENT_SECRET", "a client secret"),
        ("SENTRY_API_TOKEN", "token"),
        ("SLACK_WEBHOOK_URL", "https://slack.example/x"),
        ("SLACK_BOT_TOKEN", "xoxb-token"),
        ("DISCORD_WEBHOOK_URL", "https://discord.example/x"),
        ("AUDIT_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("AUDIT_AUTHORIZATION", "Bearer x"),
    ]);
    let loaded = Config::load(folder.path(), &environment);
    loaded.err().into_iter().flat_map(|report| report.faults).map(|fault| fault.to_string()).collect()
}

#[test]
fn every_example_of_settings_and_routes_is_sound() {
    const ROUTE: &str = "\n[[route]]\nto = [\"team\", \"fixes\", \"dev\", \"leads\", \"audit\"]\n";
    const AUDIT: &str = "\n[webhook.audit]\nurl = \"https://audit.example/\"\n";
    let examples = fences("toml");
    let (settings, routes): (Vec<_>, Vec<_>) = examples
        .into_iter()
        .partition(|example| ["[sentry.", "[watch]"].iter().any(|head| example.starts_with(head)));
    let [least, settings, watch] = settings.as_slice() else { panic!("the least, a token, what is watched") };
    let (whole, parts): (Vec<_>, Vec<_>) =
        routes.into_iter().partition(|example| example.contains("[[route]]"));
    assert_eq!(
        (whole.len(), parts.len()),
        (2, 4),
        "the routing file with a fallback, a destination for each way into a chat, and one with a digest"
    );
    assert_eq!(faults(least, &whole.concat()), [""; 0]);
    assert_eq!(faults(settings, &whole.concat()), [""; 0]);
    assert_eq!(faults(&format!("{least}\n{watch}"), &whole.concat()), [""; 0]);
    assert_eq!(faults(settings, &(parts.concat() + AUDIT + ROUTE)), [""; 0]);
}

/// A value that each key of a destination takes.
fn example_of(key: &str) -> &'static str {
    match key {
        "rate" => "\"1/s\"",
        "in_flight" | "diff" => "2",
        "timeout" | "expire_after" => "\"10s\"",
        "digest" => "\"1h\"",
        "buttons" | "slack_compatible" | "thin" => "true",
        "thread_id" => "\"1012345678901234567\"",
        "thread_name" => "\"{issue}\"",
        "style" => "\"messages\"",
        "fallback" => "\"ops\"",
        "template" => "\"oncall\"",
        _ => panic!("say here which value `{key}` takes"),
    }
}

#[test]
fn the_table_of_destinations_keys_holds_for_every_kind() {
    for row in table("| key of a destination | means | default |") {
        let key = names(&row[0]).pop_first().unwrap();
        for (kind, address) in [("slack", "webhook_url"), ("discord", "webhook_url"), ("webhook", "url")] {
            let routes = format!(
                "[{kind}.x]\n{address} = \"https://x.example/\"\n{key} = {}\n\
                 [webhook.ops]\nurl = \"https://ops.example/\"\n[[route]]\nto = [\"x\"]\n",
                example_of(&key)
            );
            let relay = "[sentry.acme]\nclient_secrets = [\"a client secret\"]\n";
            let is_told = !row[0].contains('(') || row[0].to_lowercase().contains(kind);
            let faults = faults(relay, &routes);
            assert_eq!(faults.is_empty(), is_told, "`{key}` of {kind}: {faults:?}");
        }
    }
}

/// The comment above each key of the reference, by table and key.
fn comments() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/default.toml");
    let (mut table, mut comment, mut comments) = (String::new(), String::new(), Vec::new());
    for line in std::fs::read_to_string(path).unwrap().lines() {
        if let Some(name) = line.trim_start_matches("# ").strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
        } else if let Some(words) = line.strip_prefix("# ").filter(|words| !words.contains(" = ")) {
            comment += words;
            comment.push(' ');
            continue;
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") {
            comments.push((format!("{table}.{key}"), comment.clone()));
        }
        comment.clear();
    }
    comments
}

/// The same value and a little more, and a little less: `"1d"` is a duration, `"10 MiB"` a size.
fn around(value: &str) -> [String; 2] {
    if let Ok(duration) = humantime::parse_duration(value) {
        let nanos = duration.as_nanos();
        return [format!("{}ns", nanos + 1), format!("{}ns", nanos.saturating_sub(1))];
    }
    let bytes = value.parse::<bytesize::ByteSize>().unwrap().as_u64();
    [(bytes + 1).to_string(), (bytes - 1).to_string()]
}

#[test]
fn the_ranges_that_the_reference_tells_are_those_that_are_held() {
    let is_out_of_range = |key: &str, value: &str| {
        let setting = format!("{} = \"{value}\"\n", key.trim_start_matches("sentry.acme."));
        let (top, acme) = if key.starts_with("sentry.") { ("", &*setting) } else { (&*setting, "") };
        let relay = format!("{top}[sentry.acme]\nclient_secrets = [\"a client secret\"]\n{acme}");
        let faults = faults(&relay, "");
        assert!(faults.iter().all(|fault| fault.contains("outside")), "{key} = {value}: {faults:?}");
        !faults.is_empty()
    };
    let mut told = 0;
    for (key, comment) in comments() {
        let Some((_, range)) = comment.split_once("from ") else { continue };
        let (least, rest) = range.split_once(" to ").unwrap();
        let most = rest.split([',', '.']).next().unwrap();
        // An end in backticks is another setting.
        if let Some(least) = least.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            let [_, less] = around(least);
            assert!(!is_out_of_range(&key, least), "{key}: {least}");
            assert!(least == "0s" || is_out_of_range(&key, &less), "{key}: less than {least}");
            told += 1;
        }
        if let Some(most) = most.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            let [more, _] = around(most);
            assert!(!is_out_of_range(&key, most), "{key}: {most}");
            assert!(is_out_of_range(&key, &more), "{key}: more than {most}");
            told += 1;
        }
    }
    assert_eq!(told, 21, "both ends of nine ranges, and one of each of three that end at another setting");
}
