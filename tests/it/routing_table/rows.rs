//! Sixty files of routes, and where each sends four steps of a run.
//!
//! The steps: Seer began (nothing is known but the issue's id), found the cause (`acme/api`, `code_fix`), wrote the code
//! (two files), opened a pull request (`github`). Destinations in order, parted by a space, with the template set behind
//! a colon where there is one; `-` for no route.

/// Routes as a TOML array, and what becomes of the four steps. Nothing is known of the issue.
pub(super) const UNKNOWN_ISSUE: &[(&str, [&str; 4])] = &[
    ("", ["-", "-", "-", "-"]),
    (r#"{ to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ to = ["a", "b", "c"] }"#, ["a b c", "a b c", "a b c", "a b c"]),
    (r#"{ when = { action = "pr_created" }, to = ["a"] }"#, ["-", "-", "-", "a"]),
    (r#"{ when = { action = "pr_*" }, to = ["a"] }"#, ["-", "-", "-", "a"]),
    (r#"{ when = { action = ["pr_*", "coding_completed"] }, to = ["a"] }"#, ["-", "-", "a", "a"]),
    (r#"{ when = { action = "*_completed" }, to = ["a"] }"#, ["-", "a", "a", "-"]),
    (r#"{ when = { action = "root_cause_????????d" }, to = ["a"] }"#, ["-", "a", "-", "-"]),
    (r#"{ when = { action = "PR_created" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { action = "pr" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { action = "*" }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { action = "relay.*" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { organization = "acme" }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { organization = "ac?e" }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { repo = "acme/api" }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { repo = "acme/*" }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { repo = "*" }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { repo = "acme/web" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { repo = ["acme/web", "acme/a*"] }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { path = "tests/*" }, to = ["a"] }"#, ["-", "-", "a", "a"]),
    (r#"{ when = { path = "*.py" }, to = ["a"] }"#, ["-", "-", "a", "a"]),
    (r#"{ when = { path = "docs/*" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { path = "app/checkout/totals.py" }, to = ["a"] }"#, ["-", "-", "a", "a"]),
    (r#"{ when = { provider = "github" }, to = ["a"] }"#, ["-", "-", "-", "a"]),
    (r#"{ when = { provider = "gitlab" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { classification = "code_fix" }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { classification = ["rca_only", "none"] }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { group = "1170820242" }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { group = 1170820242 }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { group = "117*9" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { action = "*_completed", repo = "acme/*" }, to = ["a"] }"#, ["-", "a", "a", "-"]),
    (r#"{ when = { repo = "acme/*", path = "docs/*" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { not = { action = "pr_*" } }, to = ["a"] }"#, ["a", "a", "a", "-"]),
    (r#"{ when = { not = { repo = "*" } }, to = ["a"] }"#, ["a", "-", "-", "-"]),
    (r#"{ when = { not = { repo = "acme/*", action = "coding_*" } }, to = ["a"] }"#, ["a", "a", "-", "a"]),
    (
        r#"{ when = { action = "*_completed", not = { path = "tests/*" } }, to = ["a"] }"#,
        ["-", "a", "-", "-"],
    ),
    (
        r#"{ when = { classification = "code_fix", not = { provider = "github" } }, to = ["a"] }"#,
        ["-", "a", "a", "-"],
    ),
    (r#"{ when = { action = "pr_*" }, to = ["a"] }, { to = ["b"], otherwise = true }"#, ["b", "b", "b", "a"]),
    (r#"{ to = ["b"], otherwise = true }, { to = ["a"] }"#, ["a b", "a b", "a b", "a b"]),
    (
        r#"{ when = { repo = "*" }, to = ["a"] }, { when = { action = "pr_*" }, to = ["b"], otherwise = true }"#,
        ["-", "a", "a", "a"],
    ),
    (
        r#"{ when = { path = "*" }, to = ["a"] }, { when = { repo = "*" }, to = ["b"], otherwise = true }, { to = ["c"], otherwise = true }"#,
        ["c", "b", "a", "a"],
    ),
    (r#"{ when = { action = "pr_*" }, to = ["a"], stop = true }, { to = ["b"] }"#, ["b", "b", "b", "a"]),
    (r#"{ when = { action = "*_started" }, stop = true }, { to = ["b"] }"#, ["-", "b", "b", "b"]),
    (
        r#"{ when = { path = "tests/*" }, stop = true }, { when = { repo = "*" }, to = ["a"] }, { to = ["b"], otherwise = true }"#,
        ["b", "a", "-", "-"],
    ),
    (
        r#"{ to = ["a"] }, { when = { action = "coding_*" }, to = ["b"], stop = true }, { to = ["c"] }"#,
        ["a c", "a c", "a b", "a c"],
    ),
    (
        r#"{ when = { action = "pr_*" }, to = ["a"] }, { when = { repo = "acme/*" }, to = ["a", "b"] }"#,
        ["-", "a b", "a b", "a b"],
    ),
    (r#"{ to = ["a"], template = "oncall" }"#, ["a:oncall", "a:oncall", "a:oncall", "a:oncall"]),
    (
        r#"{ when = { action = "pr_*" }, to = ["a"], template = "oncall" }, { to = ["a", "b"] }"#,
        ["a b", "a b", "a b", "a:oncall b"],
    ),
    (
        r#"{ to = ["a"] }, { to = ["a", "b"], template = "oncall" }"#,
        ["a b:oncall", "a b:oncall", "a b:oncall", "a b:oncall"],
    ),
    (r#"{ to = ["own"] }"#, ["own:own", "own:own", "own:own", "own:own"]),
    (
        r#"{ when = { repo = "*" }, to = ["own"], template = "oncall" }, { to = ["own"] }"#,
        ["own:own", "own:oncall", "own:oncall", "own:oncall"],
    ),
];

/// The same where the issue is known: project `api`, level `error`, priority `high`.
pub(super) const KNOWN_ISSUE: &[(&str, [&str; 4])] = &[
    (r#"{ when = { project = "api" }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (r#"{ when = { project = "web" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { level = ["fatal", "err*"], action = "pr_*" }, to = ["a"] }"#, ["-", "-", "-", "a"]),
    (r#"{ when = { priority = "high", repo = "acme/*" }, to = ["a"] }"#, ["-", "a", "a", "a"]),
    (r#"{ when = { priority = ["low", "medium"] }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { not = { level = "error" } }, to = ["a"] }"#, ["-", "-", "-", "-"]),
];

/// The same where a route asks for the issue and nobody knows it.
pub(super) const ISSUE_ASKED_FOR_IN_VAIN: &[(&str, [&str; 4])] = &[
    (r#"{ when = { project = "*" }, to = ["a"] }"#, ["-", "-", "-", "-"]),
    (r#"{ when = { not = { level = "*" } }, to = ["a"] }"#, ["a", "a", "a", "a"]),
    (
        r#"{ when = { priority = "high" }, to = ["a"] }, { to = ["b"], otherwise = true }"#,
        ["b", "b", "b", "b"],
    ),
];
