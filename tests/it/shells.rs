//! What editors and shells get: schemas of the two files, and completions.

use serde_json::Value;

use crate::support::RelayFolder;

fn printed(arguments: &[&str]) -> (Option<i32>, String) {
    let output = RelayFolder::new("").run(arguments);
    let both = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(both).unwrap())
}

#[test]
fn each_file_has_a_schema_with_every_table_described() {
    for (file, title, tables) in [
        (
            "relay",
            "relay.toml: the settings of seer-relay",
            &["delivery", "http", "log", "sentry", "store", "templates", "watch"][..],
        ),
        (
            "routes",
            "routes.toml: destinations and routes of seer-relay",
            &["discord", "route", "slack", "webhook"],
        ),
    ] {
        let (code, schema) = printed(&["schema", file]);
        let schema: Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(code, Some(0));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!((schema["title"].as_str(), &schema["additionalProperties"]), (Some(title), &false.into()));
        let mut names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        names.sort();
        for table in tables {
            assert!(names.iter().any(|name| name == table), "`{table}` in {names:?}");
        }
    }
    let (code, said) = printed(&["schema", "templates"]);
    assert!(code == Some(2) && said.contains("[possible values: relay, routes]"), "{said}");
}

#[test]
fn a_setting_is_shown_with_its_meaning_and_its_default() {
    let (_, schema) = printed(&["schema", "relay"]);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let retention = &schema["properties"]["store"]["properties"]["retention"];
    assert_eq!(retention["default"], "90d");
    let says = "How long a run is kept after its last event. A duration, from \"1h\" to \"3650d\".";
    assert_eq!(retention["description"], says);
}

#[test]
fn every_shell_completes_commands_and_their_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script) = printed(&["completions", shell]);
        assert_eq!(code, Some(0));
        for word in ["doctor", "schema", "offline", "signature", "config-dir", "routes"] {
            assert!(script.contains(word), "`{word}` for {shell}");
        }
    }
    let (code, said) = printed(&["completions", "csh"]);
    assert!(code == Some(2) && said.contains("bash"), "{said}");
}
