//! What is wrong with the mentions of a route.

use super::Case;
use super::Text::Routes;
use crate::config::tests::{RELAY, ROUTES, environment, faults, folder};

pub(super) const CASES: &[Case] = &[
    (
        "a_mention_that_is_no_table",
        Routes("[[route]]\nto = \"backend\"\nmention = \"here\"\n"),
        8,
        "wrong_type",
        "`route.mention` is text, but has to be a table of lists, one for each kind",
        "mention = { slack = [",
    ),
    (
        "a_mention_of_nobody",
        Routes("[[route]]\nto = \"backend\"\nmention = {}\n"),
        8,
        "empty_mention",
        "route `route 2` mentions nobody: `mention` is empty",
        "mention = { slack =",
    ),
    (
        "an_empty_list_of_mentions",
        Routes("[[route]]\nto = \"backend\"\nmention = { slack = [] }\n"),
        8,
        "empty_mention",
        "`route.mention.slack` names nobody",
        "`\"here\"`",
    ),
    (
        "a_mention_of_a_kind_that_is_none",
        Routes("[[route]]\nto = \"backend\"\nmention = { slak = [\"here\"] }\n"),
        8,
        "unknown_key",
        "unknown kind `slak` in `mention` of route `route 2`",
        "did you mean `slack`?",
    ),
    (
        "a_mention_for_a_program",
        Routes("[[route]]\nto = \"backend\"\nmention = { webhook = [\"here\"] }\n"),
        8,
        "misplaced_key",
        "`mention.webhook` means nothing",
        "`slack` and `discord`",
    ),
    (
        "a_mention_that_leaves_its_place",
        Routes("[[route]]\nto = \"backend\"\nmention = { slack = [\"U1> <!channel\"] }\n"),
        8,
        "invalid_mention",
        "`route.mention.slack` names `U1> <!channel`, whom nobody can mention",
        "a member's id (`\"U012AB3CD\"`)",
    ),
    (
        "a_name_where_an_id_is_wanted",
        Routes("[[route]]\nto = \"backend\"\nmention = { slack = [\"@anna\"] }\n"),
        8,
        "invalid_mention",
        "`@anna`, whom nobody can mention",
        "a user group's (`\"S0614TZR7\"`)",
    ),
    (
        "a_mention_of_slack_for_discord",
        Routes("[[route]]\nto = \"backend\"\nmention = { discord = [\"U012AB3CD\"] }\n"),
        8,
        "invalid_mention",
        "`route.mention.discord` names `U012AB3CD`",
        "write `\"role:ID\"`, `\"user:ID\"`, `\"here\"` or `\"everyone\"`",
    ),
    (
        "a_role_that_is_no_number",
        Routes("[[route]]\nto = \"backend\"\nmention = { discord = [\"role:oncall\"] }\n"),
        8,
        "invalid_mention",
        "`role:oncall`, whom nobody can mention",
        "an ID is a number",
    ),
    (
        "a_mention_twice",
        Routes("[[route]]\nto = \"backend\"\nmention = { slack = [\"here\", \"here\"] }\n"),
        8,
        "duplicate_mention",
        "`route.mention.slack` names `here` twice",
        "once is enough",
    ),
    (
        "a_number_for_mentions",
        Routes("[[route]]\nto = \"backend\"\nmention = { slack = 1 }\n"),
        8,
        "wrong_type",
        "`route.mention.slack` is a number, but has to be a list of text",
        "slack = [\"U012AB3CD\"]",
    ),
    (
        "a_number_among_mentions",
        Routes("[[route]]\nto = \"backend\"\nmention = { discord = [456] }\n"),
        8,
        "wrong_type",
        "`route.mention.discord` holds a number, but has to hold text",
        "[\"role:123\"]",
    ),
    (
        "too_many_mentions",
        Routes(
            "[[route]]\nto = \"backend\"\nmention = { slack = [\"U1\", \"U2\", \"U3\", \"U4\", \"U5\", \"U6\", \"U7\", \"U8\", \
             \"U9\", \"U10\", \"U11\", \"U12\", \"U13\", \"U14\", \"U15\", \"U16\", \"U17\", \"U18\", \"U19\", \"U20\", \"U21\"] }\n",
        ),
        8,
        "out_of_range",
        "`route.mention.slack` names 21, of which 20 are allowed",
        "a group or a role",
    ),
];

#[test]
fn a_fault_of_a_mention_is_told_whole() {
    let routes = format!(
        "{ROUTES}[[route]]\nname = \"oncall\"\nto = [\"backend\"]\nmention = {{ slack = [\"U1> <!channel\"] }}\n"
    );
    let dir = folder(RELAY, &routes);
    let shown = faults(dir.path(), &environment(&[])).iter().map(ToString::to_string).collect::<String>();
    assert_eq!(
        shown.replace(&dir.path().display().to_string(), "config"),
        "error: `route.mention.slack` names `U1> <!channel`, whom nobody can mention\n  \
         --> config/routes.toml:9:22\n\n\
         hint: write a member's id (`\"U012AB3CD\"`), a user group's (`\"S0614TZR7\"`), `\"here\"`, `\"channel\"` or \
         `\"everyone\"`"
    );
}
