//! Previews: the body of a request, as people will see it at the other end.
//!
//! One reader per platform makes a [`Post`] of a body; two writers draw it: [`terminal`] for the demo, [`page`] for a
//! browser. They read the exact bytes that are sent, as any stranger could have written them, and trust nothing in
//! them. Pure: neither terminal nor file nor environment is asked. Knows neither messages nor templates.

pub(crate) mod body;
mod discord;
mod html;
mod json_tree;
mod markdown;
mod markup;
pub mod page;
mod post;
mod slack;
pub mod terminal;

use serde_json::Value;

pub use self::page::{CHAT, drawn};
pub use self::post::Post;

/// Whose look a post has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Slack.
    Slack,
    /// A service that reads Slack's classic form, with Markdown in it: Mattermost, Rocket.Chat.
    SlackCompatible,
    /// Discord.
    Discord,
}

impl Platform {
    /// Returns what people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::SlackCompatible => "Slack-compatible",
            Self::Discord => "Discord",
        }
    }

    /// Reads the body of a request to the platform's webhook. What it does not understand becomes a placeholder.
    pub fn read(self, body: &Value) -> Post {
        match self {
            Self::Slack => slack::post(body),
            Self::SlackCompatible => slack::compatible_post(body),
            Self::Discord => discord::post(body),
        }
    }
}
