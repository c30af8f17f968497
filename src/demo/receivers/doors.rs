//! The doors of the stand-ins: what comes in by HTTP, and how each of them answers it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::slack::api::{self, Call};
use super::state::{Door, Memory, State};
use super::{Answer, Received, Receiver, SignatureCheck, discord, slack, webhook};
use crate::preview::body::text_at;

/// Slack's incoming webhook.
pub(super) async fn take_slack(state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    answered(state.take(Door::SlackWebhook, &body, |received, _| match slack::refusal(&received.body) {
        None => HttpResponse::Ok().content_type("text/plain").body("ok"),
        Some(word) => {
            received.answer = Answer::Refused(400, word.to_owned());
            HttpResponse::BadRequest().content_type("text/plain").body(word)
        }
    }))
    .await
}

/// Slack's Web API, with its arguments in a form or, where there is none, in the query.
pub(super) async fn ask_slack(
    state: web::Data<State>,
    request: HttpRequest,
    method: web::Path<String>,
    form: web::Bytes,
) -> HttpResponse {
    let given = if form.is_empty() { request.query_string().as_bytes() } else { &form[..] };
    let given = url::form_urlencoded::parse(given);
    let arguments: Map<String, Value> =
        given.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect();
    let arguments = Value::Object(arguments);
    state.look(Door::SlackApi, |memory| {
        let outcome = if api::only_reads(&method) {
            slack_outcome(&state, memory, &request, &method, &arguments)
        } else {
            Err("unknown_method")
        };
        HttpResponse::Ok().json(slack_answer(outcome.map(|(answer, _)| answer)))
    })
}

/// Slack's Web API, with its arguments in the body.
pub(super) async fn call_slack(
    state: web::Data<State>,
    request: HttpRequest,
    method: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    answered(state.take(Door::SlackApi, &body, |received, memory| {
        let outcome = slack_outcome(&state, memory, &request, &method, &received.body);
        let answer = match outcome {
            Ok((answer, deed)) => {
                if let Some(message) = memory.side(Receiver::Slack).channel.find(text_at(&answer, "ts")) {
                    received.body = message.body.clone();
                }
                received.deed = deed;
                Ok(answer)
            }
            Err(word) => {
                received.answer = Answer::Refused(200, word.to_owned());
                Err(word)
            }
        };
        HttpResponse::Ok().json(slack_answer(answer))
    }))
    .await
}

fn slack_outcome(
    state: &State,
    memory: &mut Memory,
    request: &HttpRequest,
    method: &str,
    arguments: &Value,
) -> api::Outcome {
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let call = Call { method, authorization, arguments, now: state.clock.now() };
    let channel = &mut memory.side(Receiver::Slack).channel;
    api::answer(channel, state.keys.slack_token.expose_secret(), &call)
}

fn slack_answer(answer: Result<Value, &str>) -> Value {
    answer.unwrap_or_else(|word| json!({ "ok": false, "error": word }))
}

/// Discord's webhook, for a new message.
pub(super) async fn take_discord(
    state: web::Data<State>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let query = request.query_string();
    answered(state.take(Door::Discord, &body, |received, memory| {
        let body = received.body.clone();
        let side = memory.side(Receiver::Discord);
        let outcome = discord::channel::post(&mut side.channel, side.is_forum, query, body);
        discord_response(received, memory, outcome)
    }))
    .await
}

/// Discord's webhook, for an edit.
pub(super) async fn edit_discord(
    state: web::Data<State>,
    request: HttpRequest,
    message: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let query = request.query_string();
    answered(state.take(Door::Discord, &body, |received, memory| {
        let body = received.body.clone();
        let channel = &mut memory.side(Receiver::Discord).channel;
        let outcome = discord::channel::edit(channel, &message, query, body);
        discord_response(received, memory, outcome)
    }))
    .await
}

fn discord_response(
    received: &mut Received,
    memory: &mut Memory,
    outcome: discord::channel::Outcome,
) -> HttpResponse {
    let side = memory.side(Receiver::Discord);
    side.faults.extend(discord::fault(&received.body));
    match outcome {
        Ok((message, body, deed)) => {
            received.body = body;
            received.deed = Some(deed);
            message.map_or_else(
                || HttpResponse::NoContent().finish(),
                |message| HttpResponse::Ok().json(message),
            )
        }
        Err((status, refusal)) => {
            received.answer = Answer::Refused(status, discord::words(&refusal));
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            HttpResponse::build(status).json(refusal)
        }
    }
}

/// The HTTP service.
pub(super) async fn take_webhook(
    state: web::Data<State>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let signed = webhook::Signed {
        id: header("webhook-id").unwrap_or_default(),
        timestamp: header("webhook-timestamp").unwrap_or_default(),
        signatures: header("webhook-signature").unwrap_or_default(),
    };
    answered(state.take(Door::Webhook, &body, |received, memory| {
        received.webhook_id = (!signed.id.is_empty()).then(|| signed.id.clone());
        if !signed.verify(&body, &state.keys.audit_secret, state.clock.now()) {
            received.signature = SignatureCheck::Failed;
            received.answer = Answer::Refused(401, "signature wrong".to_owned());
            return HttpResponse::Unauthorized().body("signature wrong");
        }
        received.signature = SignatureCheck::Verified;
        received.repeated = !memory.webhook_ids.insert(signed.id.clone());
        HttpResponse::Ok().body("thanks")
    }))
    .await
}

async fn answered(response: Option<HttpResponse>) -> HttpResponse {
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}
