//! Which template an event gets.

use super::*;
use crate::event::Artifacts;
use crate::message::plain_text;
use crate::render::fixture::{context, event, slack};

fn target(kind: DestinationKind, set: Option<&str>) -> Target {
    Target { kind, set: set.map(str::to_owned), ..slack() }
}

fn title(renderer: &Renderer, action: &str, target: &Target) -> String {
    match renderer.render(&context(&[event(action, Artifacts::default())]), target) {
        Ok(Rendered::Message(message)) => plain_text(&message.title),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn the_nearest_place_wins_and_in_it_the_action_s_own_template() {
    let (slack, discord) = (DestinationKind::Slack, DestinationKind::Discord);
    let files = [
        ("oncall/slack/pr_created.md.tera", "# set and kind"),
        ("oncall/default.md.tera", "# set"),
        ("slack/coding_completed.md.tera", "# kind"),
        ("pr_created.md.tera", "# top"),
        ("coding_completed.md.tera", "# top"),
    ];
    let renderer = renderer(&files);
    for (action, kind, set, expected, path) in [
        ("pr_created", slack, Some("oncall"), "set and kind", "oncall/slack/pr_created.md.tera"),
        ("coding_completed", slack, Some("oncall"), "set", "oncall/default.md.tera"),
        ("pr_created", discord, Some("oncall"), "set", "oncall/default.md.tera"),
        ("coding_completed", slack, None, "kind", "slack/coding_completed.md.tera"),
        ("coding_completed", discord, None, "top", "coding_completed.md.tera"),
        ("pr_created", slack, None, "top", "pr_created.md.tera"),
        ("solution_completed", slack, None, "Fix planned · issue 1170820242", "solution_completed.md.tera"),
        ("brand_new", slack, None, "Seer: brand new · issue 1170820242", "default.md.tera"),
        ("pr_created", slack, Some("unknown"), "top", "pr_created.md.tera"),
    ] {
        let target = target(kind, set);
        assert_eq!(title(&renderer, action, &target), expected);
        assert_eq!(renderer.template_for(&Action::from_name(action), &target), path);
    }
}

#[test]
fn a_default_of_one_s_own_stands_for_every_action() {
    let renderer = renderer(&[("default.md.tera", "# mine {{ event.action }}")]);

    for action in Action::known() {
        assert_eq!(title(&renderer, action.as_str(), &slack()), format!("mine {action}"));
    }
}

#[test]
fn sets_are_the_folders_that_are_no_kinds() {
    let files = [
        ("oncall/default.md.tera", "x"),
        ("b/slack/x.md.tera", "x"),
        ("slack/x.md.tera", "x"),
        ("empty/README.md", "x"),
    ];
    let renderer = renderer(&files);

    assert_eq!(renderer.sets(), ["b", "oncall"]);
    assert!(renderer.has_set("oncall") && !renderer.has_set("slack") && !renderer.has_set("empty"));
}

#[test]
fn the_actions_are_the_known_ones_and_those_with_a_template() {
    let renderer = renderer(&[
        ("oncall/brand_new.md.tera", "x"),
        ("slack/other.json.tera", "{}"),
        ("_part.md.tera", "x"),
    ]);

    let actions = renderer.actions();
    let (known, others) = actions.split_at(Action::known().count());
    assert!(Action::known().eq(known.iter().cloned()));
    assert_eq!(others, ["brand_new", "other"].map(Action::from_name));
}

#[test]
fn includes_follow_the_order_of_places() {
    let renderer = renderer(&[
        ("oncall/_footer.md.tera", "set"),
        ("_footer.md.tera", "top"),
        ("default.md.tera", "# {% include \"_footer.md.tera\" %} {% include \"_about.md.tera\" %}"),
        ("extended.md.tera", "{% extends \"built-in/default.md.tera\" %}"),
    ]);

    assert_eq!(
        title(&renderer, "x", &target(DestinationKind::Slack, Some("oncall"))),
        "set  · issue 1170820242"
    );
    assert_eq!(title(&renderer, "x", &slack()), "top  · issue 1170820242");
    assert_eq!(title(&renderer, "extended", &slack()), "Seer: extended · issue 1170820242");
}

#[test]
fn a_built_in_part_can_be_replaced() {
    let renderer = renderer(&[("_about.md.tera", ", says mine")]);

    assert_eq!(title(&renderer, "coding_completed", &slack()), "Fix written, says mine");
}

#[test]
fn an_action_cannot_name_a_part_or_another_place() {
    let renderer = renderer(&[("oncall/secret.md.tera", "# no"), ("_part.md.tera", "# no")]);

    for action in ["_part", "oncall/secret", "../oncall/secret", "_about", "default"] {
        assert!(title(&renderer, action, &slack()).starts_with("Seer: "));
    }
}

#[test]
fn a_webhook_gets_the_documented_json_unless_a_json_template_is_nearer() {
    let webhook = target(DestinationKind::Webhook, None);
    let renderer = renderer(&[
        ("default.md.tera", "# for people"),
        ("webhook/pr_created.json.tera", "{\"action\": \"{{ event.action }}\"}"),
    ]);

    assert_eq!(renderer.template_for(&Action::PrCreated, &webhook), "webhook/pr_created.json.tera");
    assert_eq!(renderer.template_for(&Action::CodingStarted, &webhook), "documented JSON");
    let context = context(&[event("coding_started", Artifacts::default())]).with_payload(b"{\"a\": 1}");
    let Ok(Rendered::Document(document)) = renderer.render(&context, &webhook) else { panic!("no document") };
    assert_eq!(document.value(), context.document());
    assert_eq!(document.value()["payload"]["a"], 1);
}

#[test]
fn of_two_forms_in_one_place_the_request_body_counts() {
    let renderer = renderer(&[
        ("pr_created.md.tera", "# x"),
        ("pr_created.json.tera", "{}"),
        ("default.json.tera", "[]"),
    ]);

    assert_eq!(renderer.template_for(&Action::PrCreated, &slack()), "pr_created.json.tera");
    assert_eq!(renderer.template_for(&Action::CodingStarted, &slack()), "default.json.tera");
}

fn card(renderer: &Renderer, target: &Target) -> Rendered {
    renderer.render_card(&context(&[event("pr_created", Artifacts::default())]), target).unwrap()
}

#[test]
fn the_nearest_card_wins_and_no_default_stands_for_it() {
    let (slack, discord) = (DestinationKind::Slack, DestinationKind::Discord);
    let renderer = renderer(&[
        ("oncall/slack/card.md.tera", "# set and kind"),
        ("oncall/card.md.tera", "# set"),
        ("other/default.md.tera", "# no"),
        ("slack/card.md.tera", "# kind"),
        ("slack/default.md.tera", "# no"),
        ("card.md.tera", "# top"),
        ("default.md.tera", "# no"),
    ]);
    for (kind, set, expected, path) in [
        (slack, Some("oncall"), "set and kind", "oncall/slack/card.md.tera"),
        (discord, Some("oncall"), "set", "oncall/card.md.tera"),
        (slack, None, "kind", "slack/card.md.tera"),
        (slack, Some("other"), "kind", "slack/card.md.tera"),
        (discord, Some("other"), "top", "card.md.tera"),
    ] {
        let target = target(kind, set);
        let Rendered::Message(message) = card(&renderer, &target) else { panic!("no message") };
        assert_eq!(plain_text(&message.title), expected);
        assert_eq!(renderer.template_for(Purpose::Card, &target), path);
        assert!(!renderer.is_built_in(Purpose::Card, &target) && renderer.is_loaded(Purpose::Card, &target));
    }
}

#[test]
fn without_a_card_of_one_s_own_the_built_in_one_is_shown() {
    let renderer = renderer(&[("default.md.tera", "# mine"), ("_about.md.tera", ", says mine")]);

    let Rendered::Message(message) = card(&renderer, &slack()) else { panic!("no message") };
    assert_eq!(plain_text(&message.title), "Pull request opened, says mine");
    assert_eq!(renderer.template_for(Purpose::Card, &slack()), "card.md.tera");
    assert!(renderer.is_built_in(Purpose::Card, &slack()));
}

#[test]
fn a_card_may_be_a_request_body_of_one_s_own() {
    let renderer = renderer(&[("slack/card.json.tera", "{\"text\": \"{{ run.state }}\"}")]);

    let Rendered::Body(body) = card(&renderer, &slack()) else { panic!("no body") };
    assert_eq!(body, serde_json::json!({ "text": "pr_created" }));
}

#[test]
fn an_action_called_card_is_an_action_like_any_other() {
    let renderer = renderer(&[("card.md.tera", "# mine")]);

    assert_eq!(title(&renderer, "card", &slack()), "Seer: card · issue 1170820242");
    assert!(Action::known().eq(renderer.actions()));
    assert_eq!(renderer.foreign_templates(), []);
}
