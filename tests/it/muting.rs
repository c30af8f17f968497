//! Mutes and mentions as a user sees them: the real binary, its commands, and what arrives.

use serde_json::{Value, json};

use crate::support::{Receiver, RelayFolder, mute_now};

fn routes(receiver: &Receiver, more: &str) -> String {
    format!(
        "[slack.team]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\n\
         [discord.dev]\nwebhook_url = \"{}\"\nrate = \"unlimited\"\nstyle = \"messages\"\n\
         [webhook.audit]\nurl = \"{}\"\n{more}",
        receiver.url("/slack/T000/B000/token-of-the-team"),
        receiver.url("/discord/7/token"),
        receiver.url("/audit"),
    )
}

const NIGHTS: &str = "[slack.team]\nwebhook_url = \"https://x.test/\"\n[discord.dev]\nwebhook_url = \"https://x.test/\"\n\
     [mute.nights]\ndays = [\"mon-fri\"]\nfrom = \"20:00\"\nto = \"08:00\"\ntimezone = \"Europe/Berlin\"\n\
     [[route]]\nname = \"chat\"\nto = [\"team\", \"dev\"]\nmute = [\"nights\"]\n\
     mention = { slack = [\"here\"], discord = [\"role:12\"] }\n";

#[test]
fn route_shows_what_a_mute_would_do_at_a_time() {
    let folder = RelayFolder::new(NIGHTS);
    let told = |action: &str, at: &str| folder.json(&["route", action, "--at", at]);

    let night = told("pr_created", "2026-12-01T22:00:00+01:00");
    assert_eq!(night["at"], "2026-12-01T21:00:00.000Z");
    let until = "2026-12-02T07:00:00.000Z";
    let muted = json!({ "by": ["nights"], "until": until, "timezone": "Europe/Berlin", "dropped": false });
    let shown = |row: &Value| (row["part"].clone(), row["muted"].clone(), row["mentions"].clone());
    let rows: Vec<_> = night["deliveries"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(
        rows,
        [
            (json!("message"), muted.clone(), json!(["here"])),
            (json!("card"), muted.clone(), json!([])),
            (json!("announcement"), muted, json!(["role:12"])),
        ]
    );
    let day = told("pr_created", "2026-12-01T12:00:00+01:00");
    assert!(day["deliveries"].as_array().unwrap().iter().all(|row| row["muted"].is_null()), "{day}");

    let output = folder.run(&["route", "coding_completed", "--at", "2026-12-01T22:00:00[Europe/Berlin]"]);
    assert_eq!(output.status.code(), Some(2), "a time without an offset is two at times");
    let output = folder.run(&["route", "coding_completed", "--at", "2026-12-01T21:00:00Z"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(
            "→ dev (discord) card by card.md.tera\n    muted by `nights`, until 2026-12-02 08:00 Europe/Berlin (a card that \
             stands already is edited)\n    mentions role:12\n"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_muted_now_is_held_back_or_dropped_and_said_to_be() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(
        &receiver,
        &format!(
            "{}[[route]]\nname = \"held\"\nto = [\"team\"]\nmute = \"now\"\n\
             [[route]]\nname = \"dropped\"\nto = [\"dev\"]\nmute = \"now\"\nmuted = \"drop\"\n\
             [[route]]\nname = \"open\"\nto = [\"audit\"]\n",
            mute_now()
        ),
    ));
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1, "group_id": 5 })).await;
    let arrived = receiver.took(1).await;
    assert!(arrived[0].target.starts_with("/audit"));

    let show = folder.json(&["show", "1"]);
    let shown = |name: &str| {
        let rows = show["deliveries"].as_array().unwrap();
        rows.iter().find(|row| row["destination"] == name).unwrap().clone()
    };
    let (held, dropped) = (shown("team"), shown("dev"));
    assert_eq!((&held["state"], &held["muted"]["by"]), (&json!("waiting"), &json!(["now"])));
    assert_eq!(held["next_attempt_at"], held["muted"]["until"]);
    assert_eq!(held["held_until"], held["muted"]["until"]);
    assert_eq!((&dropped["state"], &dropped["muted"]["dropped"]), (&json!("superseded"), &json!(true)));
    assert_eq!(shown("audit")["muted"], Value::Null);
    let page = folder.run(&["deliveries"]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("dropped: muted by `now`") && page.contains("muted by `now`, until 20"), "{page}");

    // What somebody asks for comes at once, through a restart that shortens no mute.
    assert!(relay.terminate().success());
    let _relay = folder.serve();
    let id = dropped["id"].as_str().unwrap();
    assert_eq!(folder.run(&["replay", id]).status.code(), Some(0));
    let arrived = receiver.took(2).await;
    assert!(arrived[1].target.starts_with("/discord"));
    assert_eq!(folder.json(&["deliveries", "--to", "team"])[0]["next_attempt_at"], held["next_attempt_at"]);
}

#[tokio::test]
async fn a_route_mentions_its_people_above_the_text_and_nobody_else() {
    let receiver = Receiver::start();
    let folder = RelayFolder::new(&routes(
        &receiver,
        "[[route]]\nname = \"all\"\nto = [\"team\", \"dev\", \"audit\"]\n\
         mention = { slack = [\"U012AB3CD\", \"S0614TZR7\"], discord = [\"role:123\"] }\n\
         [[route]]\nname = \"pull requests\"\nwhen = { action = \"pr_*\" }\nto = [\"team\", \"dev\"]\n\
         mention = { slack = [\"U012AB3CD\", \"here\"], discord = [\"user:456\", \"here\"] }\n",
    ));
    let relay = folder.serve();
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1, "group_id": 5 })).await;
    let arrived = receiver.took(3).await;
    let body = |start: &str| arrived.iter().find(|each| each.target.starts_with(start)).unwrap().json();

    let slack = body("/slack");
    let line = "<@U012AB3CD> <!subteam^S0614TZR7> <!here>";
    assert_eq!(slack["blocks"][0]["text"], json!({ "type": "mrkdwn", "text": line }));
    assert!(slack["text"].as_str().unwrap().starts_with(line), "{slack}");
    let discord = body("/discord");
    assert_eq!(discord["content"], "<@&123> <@456> @here");
    let allowed = json!({ "parse": ["everyone"], "users": ["456"], "roles": ["123"] });
    assert_eq!(discord["allowed_mentions"], allowed);
    assert!(!body("/audit").to_string().contains("U012AB3CD"));

    let rendered = folder.run(&["render", "pr_created", "--to", "dev"]);
    let rendered: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    assert_eq!(rendered["allowed_mentions"], allowed);
    let told = folder.json(&["deliveries", "--to", "dev"]);
    assert_eq!(told[0]["mentions"], json!(["role:123", "user:456", "here"]));
}

#[tokio::test]
async fn a_card_keeps_the_line_it_was_posted_with_and_an_edit_pings_nobody() {
    let receiver = Receiver::start();
    let url = receiver.url("/discord/7/token");
    let folder = RelayFolder::new(&format!(
        "[discord.dev]\nwebhook_url = \"{url}\"\nrate = \"unlimited\"\n\
         [[route]]\nname = \"all\"\nto = [\"dev\"]\nmention = {{ discord = [\"user:456\"] }}\n"
    ));
    let relay = folder.serve();
    relay.sentry().accepted("root_cause_started", &json!({ "run_id": 1, "group_id": 5 })).await;
    let posted = receiver.took(1).await.remove(0).json();
    assert_eq!(posted["content"], "<@456>");
    assert_eq!(posted["allowed_mentions"], json!({ "parse": [], "users": ["456"] }));
    relay.sentry().accepted("root_cause_completed", &json!({ "run_id": 1, "group_id": 5 })).await;
    let edit = receiver.took(2).await.remove(1).json();
    assert_eq!((&edit["content"], &edit["allowed_mentions"]), (&json!("<@456>"), &json!({ "parse": [] })));
    relay.sentry().accepted("pr_created", &json!({ "run_id": 1, "group_id": 5 })).await;
    let taken = receiver.took(4).await;
    let (edit, announced) = (taken[2].json(), taken[3].json());
    assert_eq!(edit["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(announced["content"], "<@456>");
    assert_eq!(announced["allowed_mentions"], json!({ "parse": [], "users": ["456"] }));
}
