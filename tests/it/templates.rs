//! Templates as a team writes them: the example in `templates/examples`, in a folder of one's own.

use std::path::Path;

use serde_json::Value;

use crate::support::RelayFolder;

const ROUTES: &str = "[slack.chat]\nwebhook_url = { env = \"X\" }\ntemplate = \"oncall\"\n\
     [discord.dev]\nwebhook_url = { env = \"X\" }\nstyle = \"messages\"\ntemplate = \"oncall\"\n\
     [webhook.tool]\nurl = \"https://tool.example/\"\ntemplate = \"oncall\"\n\
     [slack.plain]\nwebhook_url = { env = \"X\" }\n\
     [[route]]\nname = \"all\"\nto = [\"chat\", \"dev\", \"tool\", \"plain\"]\n";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

fn folder() -> RelayFolder {
    let folder = RelayFolder::new(ROUTES);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/examples/oncall");
    copy(&example, &folder.config().join("templates/oncall"));
    folder
}

fn body(folder: &RelayFolder, action: &str, to: &str) -> Value {
    let output = folder.run(&["render", action, "--to", to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_example_set_has_no_fault_and_nothing_of_it_is_cut() {
    let folder = folder();
    let output = folder.run(&["check", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["faults"], serde_json::json!([]), "{report:#}");
    let codes = report["warnings"].as_array().unwrap().iter().map(|each| each["code"].as_str().unwrap());
    assert!(codes.clone().all(|code| code == "secret_missing"), "{report:#}");
}

#[test]
fn the_example_set_says_what_is_to_be_done() {
    let folder = folder();
    let cause = body(&folder, "root_cause_completed", "chat").to_string();
    for words in [
        "Cause found · API-1X",
        "TypeError: unsupported operand",
        "Nothing to do yet",
        "Open in Sentry",
        "begun 47 s ago",
    ] {
        assert!(cause.contains(words), "{words}: {cause}");
    }
    let opened = body(&folder, "pr_created", "dev");
    let embed = &opened["embeds"][0];
    assert_eq!(embed["title"], "1 pull request to review · API-1X");
    let description = embed["description"].as_str().unwrap();
    assert!(description.contains("- [acme/api #128](https://github.com/acme/api/pull/128)"), "{opened:#}");
    assert!(embed["fields"][0]["value"].as_str().unwrap().contains("files, +"), "{opened:#}");
    let quiet = body(&folder, "solution_started", "chat");
    assert_eq!(quiet["blocks"][0]["text"]["text"], "Solution started · API-1X");
    let tool = body(&folder, "pr_created", "tool");
    assert_eq!(tool["dedup_key"], "seer-acme-1170820242");
    assert_eq!(tool["pull_requests"][0]["number"], 128);
    assert_eq!((&tool["project"], &tool["severity"]), (&Value::from("api"), &Value::from("error")));
    let plain = body(&folder, "pr_created", "plain");
    assert!(plain["text"].as_str().unwrap().starts_with("Pull request opened"), "{plain:#}");
}

#[test]
fn the_example_set_is_nobody_s_until_it_is_copied() {
    let folder = RelayFolder::new(ROUTES);
    let output = folder.run(&["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("asks for the template set `oncall`, which is not there"), "{text}");
}
