//! What is wrong with what stands in for a destination.

use super::Case;
use super::Text::{Relay, Routes};

pub(super) const CASES: &[Case] = &[
    (
        "a_fallback_that_is_not_defined",
        Routes(
            "[slack.x]\nwebhook_url = { env = \"SLACK_WEBHOOK_URL\" }\nfallback = \"bakend\"\n[[route]]\nto = \"x\"\n",
        ),
        8,
        "unknown_destination",
        "the fallback of destination `x` is `bakend`, which is not defined",
        "did you mean `backend`? defined: `backend`",
    ),
    (
        "a_destination_that_is_its_own_fallback",
        Routes("[webhook.x]\nurl = \"https://x.example/\"\nfallback = \"x\"\n[[route]]\nto = \"x\"\n"),
        8,
        "invalid_value",
        "destination `x` is its own fallback",
        "name another destination, which is likely to work while this one does not",
    ),
    (
        "a_fallback_that_is_no_name",
        Routes(
            "[webhook.x]\nurl = \"https://x.example/\"\nfallback = [\"backend\"]\n[[route]]\nto = \"x\"\n",
        ),
        8,
        "wrong_type",
        "`webhook.x.fallback` is a list, but has to be text",
        "for example `fallback = \"ops\"`",
    ),
    (
        "a_time_without_a_fallback",
        Routes(
            "[discord.x]\nwebhook_url = { env = \"DISCORD_WEBHOOK_URL\" }\nfallback_after = \"5m\"\n[[route]]\nto = \"x\"\n",
        ),
        8,
        "misplaced_key",
        "`discord.x.fallback_after` belongs to a `fallback`, which is missing",
        "name the destination that stands in, `fallback = \"…\"`, or take it out",
    ),
    (
        "a_fallback_at_once",
        Routes(
            "[webhook.x]\nurl = \"https://x.example/\"\nfallback = \"backend\"\nfallback_after = \"0s\"\n\
             [[route]]\nto = \"x\"\n",
        ),
        9,
        "out_of_range",
        "`webhook.x.fallback_after` is `0s`, outside `1s` to `1d`",
        "for example `\"10m\"`",
    ),
    (
        "a_fallback_after_all_was_given_up",
        Routes(
            "[webhook.x]\nurl = \"https://x.example/\"\nfallback = \"backend\"\nfallback_after = \"25h\"\n\
             [[route]]\nto = \"x\"\n",
        ),
        9,
        "out_of_range",
        "`webhook.x.fallback_after` is `25h`, outside `1s` to `1d`",
        "for example `\"10m\"`",
    ),
    (
        "a_fallback_after_no_time",
        Routes(
            "[webhook.x]\nurl = \"https://x.example/\"\nfallback = \"backend\"\nfallback_after = \"soon\"\n\
             [[route]]\nto = \"x\"\n",
        ),
        9,
        "invalid_value",
        "`webhook.x.fallback_after` is `soon`, which is not a duration",
        "write a number with its unit, for example `\"10m\"`; from `1s` to `1d`",
    ),
    (
        "a_fallback_of_a_route",
        Routes("[[route]]\nto = \"backend\"\nfallback = \"backend\"\n"),
        8,
        "misplaced_key",
        "`fallback` means nothing in `[[route]]`",
        "it belongs to a destination",
    ),
    (
        "a_fallback_of_all_destinations",
        Relay("[delivery]\nfallback = \"ops\"\n"),
        4,
        "unknown_key",
        "unknown key `fallback`",
        "known:",
    ),
];
