//! The schemas for editors, held against the readers: what these take they take, and refuse what they can.

use jsonschema::Validator;
use serde_json::Value;

use super::faulty::each_file;
use crate::config::{editors, starter};

struct Schemas {
    relay: Validator,
    routes: Validator,
}

impl Schemas {
    fn new() -> Self {
        let validator = |schema: &Value| jsonschema::validator_for(schema).expect("it is a schema");
        Self { relay: validator(&editors::relay()), routes: validator(&editors::routes()) }
    }

    /// Says what an editor would say of a file.
    fn faults(&self, name: &str, text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().expect("it is TOML");
        let value = serde_json::to_value(table).expect("JSON can hold it");
        let schema = if name == "relay.toml" { &self.relay } else { &self.routes };
        schema.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }
}

#[test]
fn what_the_readers_take_no_schema_refuses() {
    let schemas = Schemas::new();
    let [relay, routes] = starter::FILES.map(|file| (file.name, file.text));
    for (name, text) in [
        relay,
        routes,
        ("relay.toml", include_str!("../../../config/default.toml")),
        ("relay.toml", include_str!("../../../config/relay.toml")),
        ("routes.toml", include_str!("../../../config/routes.toml")),
        ("relay.toml", super::RELAY),
        ("routes.toml", super::ROUTES),
        (
            "relay.toml",
            "http.listen = \"[::1]:80\"\nhttp.token = { file = \"secrets/token\" }\nhttp.max_body = \"65536\"\n\
             store.retention = \"1year 2weeks\"\ndelivery.dedupe_window = \"off\"\ndelivery.retry_min = \"1 ms\"\n\
             watch.stall_after = { coding = \"2h 30m\", iteration = \"off\" }\nwatch.silent_after = \"1d\"\n\
             [sentry.acme-2_x]\nclient_secrets = [\"a\", { env = \"_A1\" }, { file = \"b\" }]\nretired_secrets = []\n\
             base_url = \" HTTPS://x.dev/a \"\nlookup_wait = \"0s\"\n",
        ),
        (
            "routes.toml",
            "[slack.a]\nbot_token = { env = \"A\" }\nchannel = \"#a\"\napi_url = \"http://127.0.0.1:1\"\n\
             announce = \"pr_*\"\nrate = \"100000/h\"\ndiff = 1000\nbuttons = true\nstyle = \"thread\"\n\
             [discord.b]\nwebhook_url = \"https://d.example/x\"\nthread_id = 123\nexpire_after = \"off\"\n\
             [discord.c]\nwebhook_url = { file = \"x\" }\nthread_name = \"{issue}\"\nannounce = []\n\
             [webhook.d]\nurl = \"https://a.example/?key=1\"\nheaders = { X-Key = \"a\", Authorization = { env = \"B\" } }\n\
             style = \"messages\"\nrate = \"unlimited\"\nin_flight = 1000\ntimeout = \"5m\"\n\
             [[route]]\nto = \"a\"\nwhen = { action = \"*\", group = [1, \"7?\"], not = { repo = [\"a/*\"] } }\n\
             [[route]]\nstop = true\n[[route]]\notherwise = true\nto = [\"b\", \"c\", \"d\"]\ntemplate = \"oncall\"\n",
        ),
    ] {
        assert_eq!(schemas.faults(name, text), [""; 0], "{text}");
    }
}

#[test]
fn a_fault_that_a_file_shows_by_itself_is_seen_while_one_types() {
    // What two keys or two files say together, and what stands in a value, are the readers' alone.
    const SEEN: [&str; 6] =
        ["unknown_key", "unknown_table", "unknown_condition", "wrong_type", "comes_later", "missing_to"];
    let schemas = Schemas::new();
    let mut seen = 0;
    for (name, code, file, text) in each_file() {
        if !SEEN.contains(&code) || text.parse::<toml::Table>().is_err() {
            continue;
        }
        let faults = schemas.faults(file, &text);
        assert!(!faults.is_empty(), "{name}: {text}");
        seen += 1;
    }
    assert!(seen >= 36, "{seen}");
}

#[test]
fn values_of_a_wrong_form_are_seen_too() {
    let schemas = Schemas::new();
    for wrong in [
        "[http]\nlisten = \"8080\"",
        "[http]\npublic_url = \"relay.acme.dev\"",
        "[http]\nmax_body = \"much\"",
        "[http]\ntoken = { env = \"A\", file = \"b\" }",
        "[http]\ntoken = { env = \"https://hooks\" }",
        "[store]\nurl = \"data/relay.db\"",
        "[store]\nretention = \"soon\"",
        "[store]\nretention = \"off\"",
        "[watch]\nstall_after = { planning = \"1h\" }",
        "[log]\nlevel = \"loud\"",
        "[sentry.acme]",
        "[sentry.\"ac me\"]\nclient_secrets = [\"x\"]",
    ] {
        assert_ne!(schemas.faults("relay.toml", wrong), [""; 0], "{wrong}");
    }
    for wrong in [
        "[slack.a]",
        "[slack.a]\nbot_token = \"x\"",
        "[slack.a]\nwebhook_url = \"x\"\nchannel = \"C1\"",
        "[slack.a]\nwebhook_url = \"x\"\nbot_token = \"x\"\nchannel = \"C1\"",
        "[slack.a]\nwebhook_url = \"x\"\nrate = \"1/d\"",
        "[slack.a]\nwebhook_url = \"x\"\ndiff = 1001",
        "[slack.\"a.b\"]\nwebhook_url = \"x\"",
        "[discord.a]\nwebhook_url = \"x\"\nthread_id = \"https://x\"",
        "[discord.a]\nwebhook_url = \"x\"\nthread_id = \"1\"\nthread_name = \"x\"",
        "[webhook.a]\nurl = \"x\"\nstyle = \"card\"",
        "[webhook.a]\nurl = \"x\"\nheaders = { \"a b\" = \"c\" }",
        "[[route]]\nto = []",
        "[[route]]\nstop = false",
        "[[route]]\nto = \"a\"\nwhen = { action = \"\" }",
        "[[route]]\nto = \"a\"\nwhen = { repo = [] }",
        "[[route]]\nto = \"a\"\nwhen = { not = { not = { repo = \"a\" } } }",
        "[[route]]\nto = \"a\"\nwhen = { not = {} }",
    ] {
        assert_ne!(schemas.faults("routes.toml", wrong), [""; 0], "{wrong}");
    }
}

#[test]
fn what_init_writes_names_the_schema_that_it_writes_beside() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("config");
    starter::write(&dir).expect("writes");
    for (name, schema) in [("relay", editors::relay()), ("routes", editors::routes())] {
        let text = std::fs::read_to_string(dir.join(format!("{name}.toml"))).expect("reads");
        assert_eq!(text.lines().next(), Some(&*format!("#:schema ./{name}.schema.json")));
        let written = std::fs::read_to_string(dir.join(format!("{name}.schema.json"))).expect("reads");
        assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), schema);
    }
}
