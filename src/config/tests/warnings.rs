//! What may stay, but is unwise.

use super::{RELAY, ROUTES, load};

/// The sound settings with a token for Sentry's API.
fn with_token() -> String {
    format!("{RELAY}api_token = {{ env = \"SENTRY_CLIENT_SECRET\" }}\n")
}

/// The code and line of every warning about these routes below the sound ones, where there is a token.
fn warnings(routes: &str) -> Vec<(&'static str, usize)> {
    let config = load(&with_token(), &format!("{ROUTES}{routes}")).expect("sound");
    config.warnings.iter().map(|warning| (warning.code, warning.line.unwrap_or(0))).collect()
}

/// The same, where the sound `[[route]]` is left out.
fn warnings_alone(routes: &str) -> Vec<(&'static str, usize)> {
    let head = ROUTES.split("[[route]]").next().unwrap_or_default();
    let config = load(&with_token(), &format!("{head}{routes}")).expect("sound");
    config.warnings.iter().map(|warning| (warning.code, warning.line.unwrap_or(0))).collect()
}

#[test]
fn a_destination_that_no_route_names_is_shown() {
    let found = warnings("[discord.idle]\nwebhook_url = { env = \"DISCORD_WEBHOOK_URL\" }\n");
    assert_eq!(found, [("unused_destination", 6)]);
}

#[test]
fn a_mute_that_no_route_names_is_shown() {
    let mutes = "[mute.nights]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezone = \"Europe/Berlin\"\n\
         [mute.sundays]\ndays = \"sun\"\ntimezone = \"UTC\"\n";
    let config = load(&with_token(), &format!("{ROUTES}mute = \"sundays\"\n{mutes}")).expect("sound");
    let shown: Vec<String> = config.warnings.iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(shown, ["no route names mute `nights`"]);
    assert_eq!(config.warnings[0].line, Some(7));
    let hint = "write `mute = [\"nights\"]` in a route, or take its table out";
    assert_eq!(config.warnings[0].hint.as_deref(), Some(hint));
}

#[test]
fn mentions_that_no_destination_of_the_route_shows_are_told() {
    let head = "[slack.compatible]\nwebhook_url = \"https://x.dev/\"\nslack_compatible = true\n\
         [webhook.audit]\nurl = \"https://x.dev/\"\n[[route]]\nto = [\"audit\", \"compatible\"]\n";
    for (to, mention, expected) in [
        ("[\"backend\"]", "{ slack = [\"U1\", \"here\"] }", None),
        ("[\"backend\", \"compatible\"]", "{ slack = [\"U1\"] }", None),
        ("[\"compatible\"]", "{ slack = [\"here\", \"channel\"] }", None),
        ("[\"compatible\"]", "{ slack = [\"here\", \"S1\"] }", Some("mentions members and groups of Slack")),
        ("[\"audit\"]", "{ slack = \"here\" }", Some("sends to no slack destination")),
        ("[\"backend\"]", "{ discord = \"here\" }", Some("sends to no discord destination")),
    ] {
        let routes = format!("{ROUTES}{head}[[route]]\nto = {to}\nmention = {mention}\n");
        let warnings = load(&with_token(), &routes).expect("sound").warnings;
        let told: Vec<_> = warnings.iter().filter(|warning| warning.code == "unused_mention").collect();
        assert_eq!(told.len(), usize::from(expected.is_some()), "{to} {mention}: {warnings:?}");
        let message = told.first().map(|warning| warning.message.as_str()).unwrap_or_default();
        assert!(message.contains(expected.unwrap_or_default()), "{message}");
    }
}

#[test]
fn a_file_without_routes_is_shown_once() {
    assert_eq!(warnings_alone(""), [("no_route", 0)]);
}

#[test]
fn what_a_faulty_file_seems_to_lack_is_not_told() {
    let head = ROUTES.split("[[route]]").next().unwrap_or_default();
    for faulty in
        ["[route]\nto = \"backend\"\n", "[[routes]]\nto = \"backend\"\n", "[[route]]\nto = \"bakend\"\n"]
    {
        let report = load(RELAY, &format!("{head}{faulty}")).expect_err("faulty");
        assert_eq!((report.faults.len(), report.warnings), (1, Vec::new()), "{faulty}");
    }
}

#[test]
fn a_route_behind_a_stop_that_takes_all_of_its_events_is_never_reached() {
    let unreachable = [("unreachable_route", 6)];
    for (first, second) in [
        ("", ""),
        ("", "when = { repo = \"acme/api\" }"),
        ("when = { repo = \"acme/*\" }", "when = { repo = \"acme/api\" }"),
        ("when = { repo = [\"a\", \"b*\"] }", "when = { repo = [\"bc\", \"a\"], action = \"pr_created\" }"),
        ("when = { action = \"relay.*\" }", "when = { action = \"relay.failed\" }"),
        ("", "otherwise = true"),
    ] {
        let routes = format!("[[route]]\nstop = true\n{first}\n[[route]]\n{second}\nto = \"backend\"\n");
        assert_eq!(warnings_alone(&routes), unreachable, "{first} before {second}");
    }
}

#[test]
fn a_route_that_something_reaches_is_not_called_unreachable() {
    for (first, second) in [
        ("when = { repo = \"acme/api\" }", "when = { repo = \"acme/*\" }"),
        ("when = { repo = \"acme/*\" }", ""),
        ("when = { not = { repo = \"x\" } }", ""),
        ("otherwise = true", ""),
        ("", "when = { action = \"relay.*\" }"),
        ("when = { action = \"*\" }", "when = { action = \"relay.*\" }"),
        ("when = { repo = \"acme/*\" }", "otherwise = true"),
    ] {
        let routes = format!("[[route]]\nstop = true\n{first}\n[[route]]\n{second}\nto = \"backend\"\n");
        assert_eq!(warnings_alone(&routes), [], "{first} before {second}");
    }
}

#[test]
fn an_otherwise_below_a_route_that_takes_everything_is_never_reached() {
    assert_eq!(
        warnings("[[route]]\nname = \"rest\"\notherwise = true\nto = \"backend\"\n"),
        [("unreachable_route", 7)]
    );
}

#[test]
fn a_pattern_that_no_known_action_or_organization_fits_is_shown() {
    for (when, expected) in [
        ("action = \"pr_craeted\"", Some("unknown_action")),
        ("action = [\"pr_created\", \"*_compelted\"]", Some("unknown_action")),
        ("organization = \"acne\"", Some("unknown_organization")),
        ("not = { action = \"x\" }", Some("unknown_action")),
        ("action = \"relay.faild\"", Some("unknown_action")),
        ("action = \"re*\"", Some("unknown_action")),
        ("action = [\"relay.failed\", \"relay.waiting\"]", None),
        ("action = \"relay.*\"", None),
        ("action = \"*_completed\"", None),
        ("organization = \"ac*\"", None),
        ("repo = \"anything\"", None),
    ] {
        let found = warnings(&format!("[[route]]\nwhen = {{ {when} }}\nto = \"backend\"\n"));
        assert_eq!(found, expected.map(|code| (code, 7)).into_iter().collect::<Vec<_>>(), "{when}");
    }
}

#[test]
fn a_destination_whose_name_is_misspelt_in_a_route_is_not_called_unused() {
    let found = load(RELAY, &ROUTES.replace("[\"backend\"]", "[\"bakend\"]")).expect_err("faulty");
    assert_eq!(found.warnings, []);
}

#[test]
fn with_a_token_routes_may_look_at_the_issue_and_words_that_sentry_does_not_have_are_shown() {
    let relay = with_token();
    let codes = |when: &str| {
        let routes = format!("{ROUTES}[[route]]\nwhen = {when}\nto = \"backend\"\n");
        let (faults, warnings) = match load(&relay, &routes) {
            Ok(config) => (Vec::new(), config.warnings),
            Err(report) => (report.faults, report.warnings),
        };
        let faults: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
        assert!(!faults.contains(&"needs_api_token"), "{faults:?}");
        warnings.iter().map(|warning| (warning.code, warning.line.unwrap_or(0))).collect::<Vec<_>>()
    };
    assert_eq!(
        codes("{ project = \"api\", level = [\"error\", \"fat*\"], not = { priority = \"low\" } }"),
        []
    );
    assert_eq!(codes("{ level = \"warn\" }"), [("unknown_level", 7)]);
    assert_eq!(codes("{ not = { priority = \"High\" } }"), [("unknown_priority", 7)]);
}

#[test]
fn notices_that_need_a_token_are_shown_where_there_is_none() {
    for (when, is_shown) in [
        ("action = \"relay.failed\"", true),
        ("action = [\"pr_created\", \"relay.waiting\"]", true),
        ("action = \"relay.*\"", false),
        ("action = \"relay.stalled\"", false),
        ("not = { action = \"relay.waiting\" }", false),
        ("action = \"*\"", false),
    ] {
        let routes = format!("{ROUTES}[[route]]\nwhen = {{ {when} }}\nto = \"backend\"\n");
        let shown = |relay: &str| {
            let config = load(relay, &routes).expect("sound");
            config.warnings.iter().any(|warning| warning.code == "needs_api_token")
        };
        assert_eq!((shown(RELAY), shown(&with_token())), (is_shown, false), "{when}");
    }
}

#[test]
fn notices_that_the_settings_keep_from_coming_are_shown() {
    for (watch, when, is_shown) in [
        ("", "action = \"relay.silent\"", true),
        ("silent_after = \"1d\"", "action = \"relay.silent\"", false),
        ("stall_after = \"off\"", "action = \"relay.stalled\"", true),
        ("stall_after = \"off\"", "action = \"relay.failed\"", true),
        ("stall_after = { coding = \"off\" }", "action = \"relay.stalled\"", false),
        ("stall_after = \"off\"", "action = \"relay.*\"", false),
        ("stall_after = \"off\"", "action = \"relay.destination_*\"", false),
        ("stall_after = \"off\"\nsilent_after = \"1d\"", "action = \"relay.*\"", false),
        ("", "not = { action = \"relay.silent\" }", false),
    ] {
        let routes = format!("{ROUTES}[[route]]\nwhen = {{ {when} }}\nto = \"backend\"\n");
        let config = load(&format!("{RELAY}[watch]\n{watch}\n"), &routes).expect("sound");
        let shown = config.warnings.iter().any(|warning| warning.code == "watch_off");
        assert_eq!(shown, is_shown, "{watch} {when}");
    }
}
