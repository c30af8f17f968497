//! Sound folders: the example, the starter folder, and what their values mean.

use std::path::Path;
use std::time::Duration;

use jiff::civil::Weekday;

use super::{RELAY, ROUTES, environment, folder, load};
use crate::config::{Config, Environment, starter};
use crate::delivery::{DestinationName, Mention};
use crate::dispatch::{StallAfter, WatchConfig};
use crate::notify::slack::SlackAccess;
use crate::notify::{Rate, Service, Style};
use crate::routing::mute::Days;
use crate::routing::{Field, Muted};

fn example() -> Config {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    Config::load(&dir, &environment(&[])).expect("the example is sound")
}

#[test]
fn the_example_loads_without_a_warning() {
    let config = example();
    assert_eq!(config.warnings, []);
    let names: Vec<&str> = config.destinations.iter().map(|destination| destination.name.as_str()).collect();
    assert_eq!(names, ["backend", "dev", "audit"]);
    let routes: Vec<&str> = config.routing.routes().iter().map(|route| route.name.as_str()).collect();
    assert_eq!(routes, ["fixes to review", "the rest of what is done", "audit everything"]);
    assert_eq!(config.http.public_url.expect("set").as_str(), "https://relay.acme.dev/");
}

#[test]
fn the_example_without_any_secret_has_only_warnings() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let config = Config::load(&dir, &Environment::default()).expect("the example is sound");
    assert!(config.warnings.iter().all(|warning| warning.code == "secret_missing"), "{:?}", config.warnings);
    assert_eq!(config.warnings.len(), 5);
}

#[test]
fn each_kind_has_its_defaults() {
    let config = example();
    let [slack, discord, webhook] = config.destinations.as_slice() else { panic!("three destinations") };
    assert_eq!(slack.rate, Rate::Limited { per_second: 1.0, burst: 3 });
    assert_eq!(discord.rate, Rate::Limited { per_second: 25.0 / 60.0, burst: 5 });
    assert_eq!(webhook.rate, Rate::Unlimited);
    assert_eq!((slack.in_flight, discord.in_flight, webhook.in_flight), (1, 1, 64));
    assert_eq!((slack.style, discord.style, webhook.style), (Style::Messages, Style::Card, Style::Messages));
    let six_hours = Some(Duration::from_hours(6));
    assert_eq!((slack.expire_after, discord.expire_after, webhook.expire_after), (six_hours, None, None));
    assert_eq!((slack.diff_lines, discord.diff_lines), (20, 0));
    assert!([slack, discord, webhook].iter().all(|each| each.timeout == Duration::from_secs(10)));
    let Service::Webhook(audit) = &webhook.service else { panic!("a webhook") };
    assert_eq!(audit.headers.len(), 1);
    assert_eq!(audit.headers[0].0, "Authorization");
    assert!(audit.secret.is_some() && !audit.thin);
}

#[test]
fn a_mute_and_whom_a_route_mentions_mean_what_they_say() {
    let routes = format!(
        "{ROUTES}mute = [\"nights\", \"sundays\"]\nmuted = \"drop\"\nmention = {{ slack = [\"U1\", \"here\"] }}\n\
         [mute.nights]\ndays = [\"mon-wed\", \"fri\"]\nfrom = \"20:00\"\nto = \"08:30\"\ntimezone = \"europe/berlin\"\n\
         [mute.sundays]\ndays = \"sun\"\ntimezone = \"UTC\"\n"
    );
    let config = load(RELAY, &routes).expect("sound");
    assert_eq!(config.warnings, []);
    let [route] = config.routing.routes() else { panic!("one route") };
    let [nights, sundays] = route.mute.as_slice() else { panic!("two mutes") };
    assert_eq!((nights.from, nights.to), (20 * 60, 8 * 60 + 30));
    assert_eq!(nights.zone.iana_name(), Some("Europe/Berlin"));
    let friday = Days::between(Weekday::Friday, Weekday::Friday);
    assert_eq!(nights.days, Days::between(Weekday::Monday, Weekday::Wednesday).and(friday));
    assert_eq!((sundays.from, sundays.to), (0, 24 * 60), "without times it is the whole day");
    assert_eq!(route.muted, Muted::Drop);
    assert_eq!(route.mention.slack, [Mention::SlackUser("U1".to_owned()), Mention::Here]);
}

#[test]
fn a_bot_posts_into_its_channel_at_slack_or_elsewhere() {
    let bot = |more: &str| {
        let routes = format!(
            "[slack.a]\nbot_token = {{ env = \"SLACK_WEBHOOK_URL\" }}\nchannel = \"#team\"\n{more}[[route]]\nto = \"a\"\n"
        );
        let config = load(RELAY, &routes).expect("sound");
        let Service::Slack(slack) = config.destinations[0].service.clone() else { panic!("slack") };
        let SlackAccess::Bot(bot) = slack.access else { panic!("a bot") };
        (bot.channel, bot.api_url.to_string())
    };
    assert_eq!(bot(""), ("#team".to_owned(), "https://slack.com/api/".to_owned()));
    assert_eq!(bot("api_url = \"http://127.0.0.1:4003/api\"\n").1, "http://127.0.0.1:4003/api/");
}

#[test]
fn a_thread_is_not_news_and_announces_what_somebody_has_to_look_at() {
    let read = |more: &str| {
        let routes = format!(
            "[slack.a]\nbot_token = {{ env = \"SLACK_WEBHOOK_URL\" }}\nchannel = \"C1\"\nstyle = \"thread\"\n{more}\
             [[route]]\nto = \"a\"\n"
        );
        let destination = load(RELAY, &routes).expect("sound").destinations.remove(0);
        let announce = destination.announce.iter().map(|each| each.as_str().to_owned()).collect::<Vec<_>>();
        (destination.style, destination.expire_after, announce)
    };
    let defaults = ["pr_created", "pr_ready_for_review"].map(str::to_owned).to_vec();
    assert_eq!(read(""), (Style::Thread, None, defaults));
    assert_eq!(read("announce = \"*_completed\"\n").2, ["*_completed"]);
    assert_eq!(read("announce = []\n").2, [""; 0]);
}

#[test]
fn every_key_of_a_destination_is_read() {
    let routes = "[slack.a]\nwebhook_url = { env = \"SLACK_WEBHOOK_URL\" }\nstyle = \"messages\"\ntemplate = \"oncall\"\n\
                  rate = \"120/m\"\nin_flight = 2\ntimeout = \"5m\"\nexpire_after = \"off\"\ndiff = 5\nbuttons = true\n\
                  slack_compatible = true\n[discord.b]\nwebhook_url = { env = \"DISCORD_WEBHOOK_URL\" }\n\
                  thread_id = 1012345678901234567\nexpire_after = \"1h\"\n[webhook.c]\nurl = { env = \"DISCORD_WEBHOOK_URL\" }\n\
                  thin = true\nrate = \"unlimited\"\n\
                  headers = { Content-Type = \"application/cloudevents+json\" }\n[[route]]\nto = [\"a\", \"b\", \"c\"]\n";
    let config = load(RELAY, routes).expect("sound");
    let [a, b, c] = config.destinations.as_slice() else { panic!("three destinations") };
    assert_eq!(a.template_set.as_deref(), Some("oncall"));
    assert_eq!(a.rate, Rate::Limited { per_second: 2.0, burst: 2 });
    assert_eq!((a.in_flight, a.timeout, a.expire_after, a.diff_lines), (2, Duration::from_mins(5), None, 5));
    let Service::Slack(slack) = &a.service else { panic!("slack") };
    assert!(slack.buttons && slack.slack_compatible);
    let Service::Discord(discord) = &b.service else { panic!("discord") };
    assert_eq!(discord.thread_id.as_deref(), Some("1012345678901234567"));
    assert_eq!(b.expire_after, Some(Duration::from_hours(1)));
    let Service::Webhook(webhook) = &c.service else { panic!("webhook") };
    assert!(webhook.thin);
    assert_eq!(webhook.headers[0].0, "Content-Type");
}

#[test]
fn every_key_of_a_route_is_read() {
    let routes = format!(
        "{ROUTES}[[route]]\nwhen = {{ action = \"pr_*\", group = [12345678901234567890, \"7?\"], not = {{ repo = \"a\" }} }}\n\
         to = \"backend\"\ntemplate = \"oncall\"\notherwise = true\nstop = true\n[[route]]\nname = \"quiet\"\nstop = true\n\
         when = {{ repo = \"acme/x\" }}\n"
    );
    let config = load(RELAY, &routes).expect("sound");
    let [_, unnamed, quiet] = config.routing.routes() else { panic!("three routes") };
    assert_eq!(unnamed.name, "route 2");
    assert_eq!(unnamed.to, [DestinationName::new("backend")]);
    assert_eq!(unnamed.template_set.as_deref(), Some("oncall"));
    assert!(unnamed.otherwise && unnamed.stop);
    let group = unnamed.when.get(Field::Group).expect("a condition");
    let patterns: Vec<&str> = group.patterns.iter().map(crate::routing::Pattern::as_str).collect();
    assert_eq!(patterns, ["12345678901234567890", "7?"]);
    assert!(unnamed.not.as_ref().is_some_and(|not| not.get(Field::Repo).is_some()));
    assert!(quiet.to.is_empty() && quiet.stop);
}

#[test]
fn the_starter_folder_is_written_once_and_loads_with_warnings_about_secrets_alone() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("new/config");
    let written = starter::write(&dir).expect("writes");
    let names = ["relay.toml", "routes.toml", "relay.schema.json", "routes.schema.json"];
    assert_eq!(written, names.map(|name| dir.join(name)));
    let config = Config::load(&dir, &Environment::default()).expect("the starter folder is sound");
    let codes: Vec<&str> = config.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["secret_missing", "secret_missing"]);
    let [route] = config.routing.routes() else { panic!("one route") };
    let actions = &route.when.get(Field::Action).expect("a condition").patterns;
    let takes = |name: &str| actions.iter().any(|pattern| pattern.matches(name));
    assert!(takes("coding_completed") && takes("pr_created") && !takes("coding_started"));

    for name in names.into_iter().filter(|name| *name != "routes.toml") {
        std::fs::remove_file(dir.join(name)).expect("removes");
    }
    std::fs::write(dir.join("routes.toml"), "mine").expect("writes");
    let error = starter::write(&dir).expect_err("refuses");
    assert!(
        error.to_string().contains("routes.toml` is already there, and `init` overwrites nothing"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(dir.join("routes.toml")).expect("reads"), "mine");
    assert!(!dir.join("relay.toml").exists(), "nothing is written beside it");
}

#[test]
fn what_the_starter_folder_shows_in_comments_is_sound_too() {
    let uncommented = |text: &str| -> String {
        let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_toml =
            |line: &str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| is_key(key));

        text.lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| is_toml(rest)).unwrap_or(line))
            .filter(|line| !line.starts_with("ca_file"))
            .fold(String::new(), |whole, line| whole + line + "\n")
    };
    let [relay, routes] = starter::FILES.map(|file| uncommented(file.text));
    assert!(relay.contains("\nlisten = ") && routes.contains("\n[webhook.audit]"));
    let dir = super::folder(&relay, &routes);
    std::fs::create_dir(dir.path().join("templates")).expect("makes a folder");
    let config = Config::load(dir.path(), &environment(&[])).expect("the comments are sound");
    assert_eq!(config.destinations.len(), 4);
    assert_eq!(config.routing.routes().len(), 4);
}

#[test]
fn a_fallback_stands_in_after_ten_minutes_unless_somebody_says_otherwise_or_all_is_given_up_before() {
    let routes = "[webhook.x]\nurl = \"https://x.example/\"\nfallback = \"ops\"\n\
                  [webhook.y]\nurl = \"https://y.example/\"\nfallback = \"x\"\nfallback_after = \"90s\"\n\
                  [webhook.ops]\nurl = \"https://ops.example/\"\nfallback = \"y\"\n\
                  [[route]]\nto = \"y\"\n";
    let fallbacks = |relay: &str| {
        let config = load(relay, routes).expect("a chain is sound, and so is a circle");
        assert!(config.warnings.iter().all(|warning| warning.code != "unused_destination"));
        let of = |destination: crate::notify::Destination| {
            destination.fallback.map(|fallback| (fallback.to.to_string(), fallback.after.as_secs()))
        };
        config.destinations.into_iter().map(|destination| of(destination).unwrap()).collect::<Vec<_>>()
    };
    let expected = |after: Duration| {
        [("ops", after.as_secs()), ("x", 90), ("y", after.as_secs())]
            .map(|(to, after)| (to.to_owned(), after))
    };
    assert_eq!(fallbacks(RELAY), expected(Duration::from_mins(10)));
    let hasty = format!("{RELAY}[delivery]\ngive_up_after = \"5m\"\n");
    assert_eq!(fallbacks(&hasty), expected(Duration::from_mins(5)));
}

#[test]
fn sentry_is_asked_where_its_links_lead_unless_somebody_says_otherwise() {
    let config = example();
    let lookup = &config.organizations[0].lookup;
    assert!(lookup.api_token.is_none());
    assert_eq!(lookup.api_url, config.organizations[0].base_url);
    assert_eq!((lookup.lookup_wait, lookup.issue_max_age), (Duration::from_secs(2), Duration::from_hours(1)));
    let half_an_hour = StallAfter::all(Some(Duration::from_mins(30)));
    assert_eq!(config.watch, WatchConfig { stall_after: half_an_hour, silent_after: None });

    let relay = format!(
        "{RELAY}base_url = \"https://sentry.acme.dev\"\napi_token = {{ env = \"SLACK_WEBHOOK_URL\" }}\n\
         api_url = \"https://sentry.io/api/0/\"\nlookup_wait = \"0s\"\nissue_max_age = \"30d\"\n\
         [watch]\nstall_after = \"off\"\n"
    );
    let config = load(&relay, ROUTES).expect("sound");
    let lookup = &config.organizations[0].lookup;
    assert!(lookup.api_token.as_ref().is_some_and(|token| token.known().is_some()));
    assert_eq!(lookup.api_url.as_str(), "https://sentry.io/");
    assert_eq!((lookup.lookup_wait, lookup.issue_max_age), (Duration::ZERO, Duration::from_hours(720)));
    assert_eq!(config.watch, WatchConfig::OFF);
    assert!(!format!("{config:?}").contains("hooks.slack.com"), "no secret is shown");
}

#[test]
fn a_retired_secret_is_kept_apart_from_those_that_let_in_and_may_be_missing() {
    let relay = format!("{RELAY}retired_secrets = [{{ env = \"AUDIT_SECRET\" }}, {{ env = \"UNSET\" }}]\n");
    let config = load(&relay, ROUTES).expect("sound");
    let [acme] = config.organizations.as_slice() else { panic!("one organization") };
    assert_eq!((acme.client_secrets.len(), acme.retired_secrets.len()), (1, 2));
    let warnings: Vec<&str> = config.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(warnings, ["secret_missing"]);
}

#[test]
fn each_stage_may_have_a_time_of_its_own_and_a_variable_sets_them_all() {
    let watched = |relay: &str, variables: &[(&str, &str)]| {
        let relay = format!("{RELAY}[watch]\n{relay}\n");
        Config::load(folder(&relay, ROUTES).path(), &environment(variables)).expect("sound").watch
    };
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    let each =
        "stall_after = { root_cause = \"15m\", coding = \"2h\", iteration = \"off\" }\nsilent_after = \"2d\"";
    let stall_after = StallAfter {
        root_cause: minutes(15),
        coding: minutes(120),
        iteration: None,
        ..StallAfter::all(minutes(30))
    };
    let silent_after = minutes(2 * 24 * 60);
    assert_eq!(watched(each, &[]), WatchConfig { stall_after, silent_after });
    let stall_after = StallAfter::all(minutes(45));
    let variable = [("SEER_RELAY__WATCH__STALL_AFTER", "45m")];
    assert_eq!(watched(each, &variable), WatchConfig { stall_after, silent_after });
}
