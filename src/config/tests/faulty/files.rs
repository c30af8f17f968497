//! What is wrong with a file as a whole: its TOML and its tables.

use super::Case;
use super::Text::{Relay, Routes, WholeRelay};

pub(super) const CASES: &[Case] = &[
    (
        "a_value_without_quotes",
        Relay("[http]\nlisten = here\n"),
        4,
        "toml_syntax",
        "not valid TOML",
        "quotes",
    ),
    (
        "a_list_that_does_not_end",
        Routes("[discord.x]\na = [1,\n"),
        7,
        "toml_syntax",
        "unclosed array",
        "`[ ]`",
    ),
    (
        "a_key_given_twice",
        Relay("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"),
        5,
        "duplicate_key",
        "`level` is given twice",
        "keep one",
    ),
    (
        "a_table_given_twice",
        Routes("[slack.backend]\n"),
        6,
        "duplicate_key",
        "`[slack.backend]` is given twice",
        "keep one",
    ),
    (
        "nesting_without_end",
        WholeRelay(
            "a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ),
        1,
        "toml_syntax",
        "recurse",
        "",
    ),
    (
        "an_unknown_table",
        Relay("[htpt]\nlisten = \"x\"\n"),
        3,
        "unknown_table",
        "`htpt`",
        "did you mean `http`?",
    ),
    (
        "a_table_of_the_other_file",
        Relay("[slack.x]\nwebhook_url = \"https://x\"\n"),
        3,
        "misplaced_key",
        "`slack`",
        "move it to `routes.toml`",
    ),
    (
        "a_setting_in_the_routing_file",
        Routes("[http]\nlisten = \"x\"\n"),
        6,
        "misplaced_key",
        "`http`",
        "move it to `relay.toml`",
    ),
    (
        "a_kind_nobody_knows",
        Routes("[teams.x]\nurl = \"https://x\"\n"),
        6,
        "unknown_table",
        "`teams`",
        "`discord`, `mute`, `route`, `slack`, `webhook`",
    ),
    (
        "a_value_in_place_of_a_table",
        WholeRelay("http = 1\n[sentry.acme]\nclient_secrets = [{ env = \"SENTRY_CLIENT_SECRET\" }]\n"),
        1,
        "wrong_type",
        "`http` is a number, but has to be a table",
        "`[http]`",
    ),
];
