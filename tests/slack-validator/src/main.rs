//! Reads Slack webhook bodies from stdin, one JSON document a line, and prints one line for each: `ok`, or what is
//! wrong with it.

use std::io::{BufRead, stdin};

use slackblocks::WebhookMessage;

fn main() {
    for line in stdin().lock().lines() {
        let line = line.expect("stdin is readable UTF-8");
        let verdict = serde_json::from_str::<serde_json::Value>(&line)
            .map_err(|error| error.to_string())
            .and_then(|body| WebhookMessage::try_from(body).map_err(|error| format!("{error:?}")));
        match verdict {
            Ok(_) => println!("ok"),
            Err(error) => println!("{}", error.replace('\n', " ")),
        }
    }
}
