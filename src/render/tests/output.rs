//! Request bodies, tones and errors of rendering.

use serde_json::json;

use super::*;
use crate::event::Artifacts;
use crate::message::Tone;
use crate::render::fixture::{self, context, event, slack};

fn body(template: &str, kind: DestinationKind, summary: &str) -> Result<Value, RenderError> {
    let mut artifacts = fixture::root_cause();
    artifacts.root_cause.as_mut().unwrap().summary = Some(summary.to_owned());
    let renderer = renderer(&[("default.json.tera", template)]);
    match renderer.render(&context(&[event("x", artifacts)]), &Target { kind, ..slack() })? {
        Rendered::Body(body) => Ok(body),
        other @ (Rendered::Message(_) | Rendered::Document(_)) => panic!("no body: {other:?}"),
    }
}

const HOSTILE: &str = "\"}, <!channel> & \\ \n\t\u{7}{{ x }} é";

#[test]
fn values_in_a_request_body_are_escaped_by_themselves() {
    let template = r#"{"text": "a {{ run.root_cause.summary }} b", "kind": "{{ destination.kind }}"}"#;
    let clean = HOSTILE.replace('\u{7}', "");

    let webhook = body(template, DestinationKind::Webhook, HOSTILE).unwrap();
    assert_eq!(webhook, json!({"text": format!("a {clean} b"), "kind": "webhook"}));
    let slack = body(template, DestinationKind::Slack, HOSTILE).unwrap();
    let escaped = clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    assert_eq!(slack, json!({"text": format!("a {escaped} b"), "kind": "slack"}));
}

#[test]
fn json_writes_anything_and_null_as_null() {
    let template = r#"{"cause": {{ run.root_cause.summary | json }}, "none": {{ issue.title | json }}, "list": {{ run.repos | json }},
        "asked": {{ (issue.title is none) | json }}, "text": "{{ issue.title }}", "default": "{{ issue.title | default(value="-") }}",
        "markdown": "{{ run.root_cause.summary | markdown }}"}"#;

    let body = body(template, DestinationKind::Slack, "<b> & \"c\"").unwrap();

    let escaped = "&lt;b&gt; &amp; \"c\"";
    let expected = json!({"cause": escaped, "none": null, "list": ["acme/api"], "asked": true, "text": "", "default": "-", "markdown": escaped});
    assert_eq!(body, expected);
}

#[test]
fn what_is_not_json_is_an_error() {
    let error =
        body("{\"a\": {{ run.root_cause.summary }}}", DestinationKind::Discord, "secret").unwrap_err();

    assert_eq!(error.template, "default.json.tera");
    assert_eq!(
        error.message,
        "what the template made is not valid JSON: expected value at line 1 column 7 of the output"
    );
}

fn error(template: &str) -> RenderError {
    let mut artifacts = fixture::root_cause();
    artifacts.root_cause.as_mut().unwrap().summary = Some("SECRET".to_owned());
    let renderer = renderer(&[("x.md.tera", template), ("_part.md.tera", "\n  {{ run.secret }}")]);
    let error = renderer.render(&context(&[event("x", artifacts)]), &slack()).unwrap_err();
    assert!(!format!("{error}{error:?}").contains("SECRET"), "{error:?}");
    error
}

#[test]
fn an_error_names_the_template_the_place_and_the_nearest_name() {
    for (template, place, message, hint) in [
        ("a\n{{ run.sate }}", (2, 8), "field `sate` is not defined", Some("did you mean `state`?")),
        ("{{ rnu.id }}", (1, 4), "variable `rnu` is not defined", None),
        ("{{ issue.id | duration }}", (1, 15), "`duration` takes a number of seconds, not `string`", None),
        ("{% for x in run.iterations %}{% endfor %}", (1, 13), "iteration not possible on type `u64`", None),
        (
            "{{ run.repos | plural(one=\"a\") }} {{ run.repos | plural(many=\"a\") }}",
            (1, 50),
            "`plural` needs the argument `one`",
            None,
        ),
    ] {
        let error = error(template);
        assert_eq!((error.template.as_str(), error.message.as_str()), ("x.md.tera", message), "{error:?}");
        assert_eq!((error.line, error.column), (Some(place.0), Some(place.1)), "{error:?}");
        if hint.is_some() {
            assert_eq!(error.hint.as_deref(), hint);
        }
    }
}

#[test]
fn an_error_in_an_included_template_names_that_one() {
    let error = error("{% include \"_part.md.tera\" %}");

    assert_eq!((error.template.as_str(), error.line, error.column), ("_part.md.tera", Some(2), Some(10)));
    assert_eq!(error.to_string(), "template `_part.md.tera`, line 2: field `secret` is not defined");
}

#[test]
fn an_error_quotes_no_value() {
    for template in [
        "{{ run.root_cause.summary | int }}",
        "{{ run.root_cause.summary | float }}",
        "{{ throw(message=run.root_cause.summary) }}",
        "{{ {\"a\": 1} | get(key=run.root_cause.summary) }}",
        "{% set groups = [run.root_cause] | group_by(attribute=\"summary\") %}{{ groups.nothing }}",
        "{{ run.root_cause[run.root_cause.summary] }}",
        "{{ run[run.root_cause.summary].x }}",
        "{{ run.root_cause.summary * 2 }}",
        "{{ [1] | sort(attribute=run.root_cause.summary) }}",
    ] {
        error(template);
    }
}

#[test]
fn an_empty_message_is_an_error() {
    assert_eq!(error("{% if false %}x{% endif %}\n\n<b></b>").message, "the template made an empty message");
}

#[test]
fn the_mood_follows_the_event() {
    let renderer = Renderer::built_in();
    let (opened, failed) = (fixture::pull_request("a/b", Some(1)), fixture::pull_request("a/c", None));
    for (action, pull_requests, tone) in [
        ("coding_started", vec![], Tone::Progress),
        ("root_cause_completed", vec![], Tone::Ready),
        ("coding_completed", vec![], Tone::Ready),
        ("pr_created", vec![opened.clone()], Tone::Done),
        ("pr_created", vec![failed.clone()], Tone::Trouble),
        ("pr_created", vec![opened.clone(), failed.clone()], Tone::Ready),
        ("pr_ready_for_review", vec![opened.clone()], Tone::Done),
        ("iteration_started", vec![], Tone::Progress),
        ("iteration_completed", vec![opened], Tone::Done),
        ("brand_new", vec![], Tone::Progress),
    ] {
        let event = event(action, Artifacts { pull_requests: Some(pull_requests), ..Artifacts::default() });
        let Ok(Rendered::Message(message)) = renderer.render(&context(&[event]), &slack()) else {
            panic!("{action}")
        };
        assert_eq!(message.tone, tone, "{action}");
    }
}
