//! What is wrong with mutes, and with the routes that name them.

use super::Case;
use super::Text::Routes;
use crate::config::tests::{RELAY, ROUTES, environment, faults, folder};

pub(super) const CASES: &[Case] = &[
    (
        "a_mute_that_is_no_table",
        Routes("[mute]\nnights = \"20:00\"\n"),
        7,
        "misplaced_key",
        "`nights` stands in `[mute]` itself",
        "`[mute.NAME]`",
    ),
    (
        "a_mute_with_a_space_in_its_name",
        Routes("[mute.\"the night\"]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        6,
        "mute_name",
        "`the night` cannot name a mute",
        "letters, digits, `-` and `_`",
    ),
    (
        "a_mute_without_a_timezone",
        Routes("[mute.nights]\nfrom = \"20:00\"\nto = \"08:00\"\n"),
        6,
        "missing_key",
        "`[mute.nights]` has no `timezone`",
        "timezone = \"Europe/Berlin\"",
    ),
    (
        "a_timezone_that_nobody_knows",
        Routes("[mute.nights]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezone = \"Europe/Berln\"\n"),
        9,
        "invalid_value",
        "`mute.nights.timezone` is `Europe/Berln`, which is no time zone",
        "did you mean `Europe/Berlin`",
    ),
    (
        "a_timezone_that_is_an_offset",
        Routes("[mute.nights]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezone = \"+01:00\"\n"),
        9,
        "invalid_value",
        "`+01:00`, which is no time zone",
        "its name in the IANA database",
    ),
    (
        "a_misspelt_timezone_key",
        Routes("[mute.nights]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezon = \"UTC\"\n"),
        9,
        "unknown_key",
        "unknown key `timezon` in `[mute.nights]`",
        "did you mean `timezone`?",
    ),
    (
        "a_day_that_is_none",
        Routes("[mute.nights]\ndays = [\"mon\", \"tues-fri\"]\ntimezone = \"UTC\"\n"),
        7,
        "invalid_value",
        "`mute.nights.days` names `tues-fri`, which is no day and no days from one to another",
        "`\"mon-fri\"`; days: mon, tue, wed, thu, fri, sat, sun",
    ),
    (
        "no_day_at_all",
        Routes("[mute.nights]\ndays = []\ntimezone = \"UTC\"\n"),
        7,
        "invalid_value",
        "`mute.nights.days` names no day",
        "without the key it is every day",
    ),
    (
        "a_number_for_days",
        Routes("[mute.nights]\ndays = 5\ntimezone = \"UTC\"\n"),
        7,
        "wrong_type",
        "is a number, but has to be a list of days",
        "[\"mon-fri\"]",
    ),
    (
        "a_time_without_a_minute",
        Routes("[mute.nights]\nfrom = \"8pm\"\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        7,
        "invalid_value",
        "`mute.nights.from` is `8pm`, which is not a time of the day",
        "from `\"00:00\"` to `\"23:59\"`",
    ),
    (
        "a_mute_that_begins_at_24",
        Routes("[mute.nights]\nfrom = \"24:00\"\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        7,
        "invalid_value",
        "`24:00`, which is not a time of the day",
        "to `\"23:59\"`",
    ),
    (
        "a_mute_that_ends_after_24",
        Routes("[mute.nights]\nfrom = \"20:00\"\nto = \"24:01\"\ntimezone = \"UTC\"\n"),
        8,
        "invalid_value",
        "`mute.nights.to` is `24:01`",
        "to `\"24:00\"`, the end of the day",
    ),
    (
        "a_time_of_toml",
        Routes("[mute.nights]\nfrom = 20:00:00\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        7,
        "wrong_type",
        "`mute.nights.from` is a date or time, but has to be text",
        "from = \"20:00\"",
    ),
    (
        "a_beginning_without_an_end",
        Routes("[mute.nights]\nfrom = \"20:00\"\ntimezone = \"UTC\"\n"),
        7,
        "missing_key",
        "`[mute.nights]` has `from` and no `to`",
        "to = \"08:00\"",
    ),
    (
        "an_end_without_a_beginning",
        Routes("[mute.nights]\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        7,
        "missing_key",
        "`[mute.nights]` has `to` and no `from`",
        "from = \"20:00\"",
    ),
    (
        "a_mute_that_never_ends",
        Routes("[mute.always]\ntimezone = \"UTC\"\n"),
        6,
        "endless_mute",
        "`[mute.always]` never ends: it takes the whole week",
        "write `from` and `to`",
    ),
    (
        "a_mute_that_ends_when_it_begins",
        Routes("[mute.nights]\nfrom = \"08:00\"\nto = \"08:00\"\ntimezone = \"UTC\"\n"),
        8,
        "empty_mute",
        "`[mute.nights]` ends when it begins: `from` and `to` are the same",
        "leave both out",
    ),
    (
        "what_belongs_to_a_route_in_a_mute",
        Routes("[mute.nights]\nmuted = \"drop\"\ndays = \"sun\"\ntimezone = \"UTC\"\n"),
        7,
        "misplaced_key",
        "`muted` means nothing in `[mute.nights]`",
        "beside its `mute`",
    ),
    (
        "a_mute_that_is_not_defined",
        Routes(
            "[mute.nights]\ndays = \"sun\"\ntimezone = \"UTC\"\n[[route]]\nto = \"backend\"\nmute = [\"night\"]\n",
        ),
        11,
        "unknown_mute",
        "route `route 2` names mute `night`, which is not defined",
        "did you mean `nights`? defined: `nights`",
    ),
    (
        "a_mute_where_none_is_defined",
        Routes("[[route]]\nto = \"backend\"\nmute = \"nights\"\n"),
        8,
        "unknown_mute",
        "mute `nights`, which is not defined",
        "[mute.nights]",
    ),
    (
        "a_mute_named_twice",
        Routes(
            "[mute.nights]\ndays = \"sun\"\ntimezone = \"UTC\"\n[[route]]\nto = \"backend\"\nmute = [\"nights\", \"nights\"]\n",
        ),
        11,
        "duplicate_mute",
        "route `route 2` names mute `nights` twice",
        "once is enough",
    ),
    (
        "muted_by_nothing",
        Routes("[[route]]\nto = \"backend\"\nmute = []\n"),
        8,
        "empty_mute",
        "route `route 2` is muted by nothing",
        "take `mute` out",
    ),
    (
        "a_number_for_a_mute",
        Routes("[[route]]\nto = \"backend\"\nmute = 1\n"),
        8,
        "wrong_type",
        "is a number, but has to be a list of names",
        "mute = [\"nights\"]",
    ),
    (
        "mutes_that_never_end_together",
        Routes(
            "[mute.day]\nfrom = \"08:00\"\nto = \"20:00\"\ntimezone = \"UTC\"\n[mute.night]\nfrom = \"20:00\"\n\
             to = \"08:00\"\ntimezone = \"UTC\"\n[[route]]\nto = \"backend\"\nmute = [\"day\", \"night\"]\n",
        ),
        16,
        "endless_mute",
        "route `route 2` is always muted: its mutes never end together",
        "leave a time between them",
    ),
    (
        "a_muted_that_is_neither",
        Routes(
            "[mute.nights]\ndays = \"sun\"\ntimezone = \"UTC\"\n[[route]]\nto = \"backend\"\nmute = \"nights\"\nmuted = \"skip\"\n",
        ),
        12,
        "invalid_value",
        "`muted` of route `route 2` is `skip`",
        "`\"drop\"` not to send at all",
    ),
    (
        "a_muted_without_a_mute",
        Routes("[[route]]\nto = \"backend\"\nmuted = \"drop\"\n"),
        8,
        "misplaced_key",
        "route `route 2` says what becomes of it while it is muted, and has no `mute`",
        "write `mute = [\"nights\"]` beside it",
    ),
    (
        "the_days_of_a_mute_in_a_route",
        Routes("[[route]]\nto = \"backend\"\ndays = [\"mon-fri\"]\n"),
        8,
        "misplaced_key",
        "`days` means nothing in `[[route]]`",
        "it belongs to a `[mute.NAME]`",
    ),
];

#[test]
fn a_fault_of_a_mute_is_told_whole() {
    let routes = format!(
        "{ROUTES}[mute.nights]\ndays = [\"mon-fry\"]\nfrom = \"20:00\"\nto = \"8:00\"\n\
         timezone = \"Europe/Berln\"\n[[route]]\nname = \"fixes\"\nto = [\"backend\"]\nmute = [\"nigts\"]\n"
    );
    let dir = folder(RELAY, &routes);
    let shown = faults(dir.path(), &environment(&[])).iter().map(ToString::to_string).collect::<Vec<_>>();
    let shown = shown.join("\n\n").replace(&dir.path().display().to_string(), "config");
    assert_eq!(
        shown,
        "error: `mute.nights.days` names `mon-fry`, which is no day and no days from one to another\n  \
         --> config/routes.toml:7:9\n\n\
         hint: write `\"mon\"` or `\"mon-fri\"`; days: mon, tue, wed, thu, fri, sat, sun\n\n\
         error: `mute.nights.to` is `8:00`, which is not a time of the day\n  \
         --> config/routes.toml:9:1\n\n\
         hint: write hours and minutes, from `\"00:00\"` to `\"24:00\"`, the end of the day\n\n\
         error: `mute.nights.timezone` is `Europe/Berln`, which is no time zone\n  \
         --> config/routes.toml:10:1\n\n\
         hint: did you mean `Europe/Berlin` or `Europe/Dublin`? write its name in the IANA database, for example \
         `\"Europe/Berlin\"`\n\n\
         error: route `fixes` names mute `nigts`, which is not defined\n  \
         --> config/routes.toml:14:9\n\n\
         hint: did you mean `nights`? defined: `nights`"
    );
}
