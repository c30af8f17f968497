//! The preview page: every message of a configuration on one page of HTML that needs nothing but a browser.
//!
//! It asks no network and runs no script: its policy forbids both, and allows its own style sheet by that one's hash.
//! What a reader chooses (light or dark, which sample) is a matter of radio buttons and CSS.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::html::{self, Html};
use super::{Platform, Post, json_tree};

const STYLE: &str = include_str!("page/page.css");
/// How chats look.
pub const CHAT: &str = include_str!("page/chat.css");
const CONTROLS: &str = include_str!("page/controls.html");
/// When the posts were made.
const TIME: &str = "14:03";

/// What is shown on a page.
#[derive(Debug, Clone)]
pub struct Page {
    /// The folder of the configuration, as the user named it.
    pub folder: String,
    /// In the order in which they happen.
    pub actions: Vec<Action>,
}

/// A step of Seer.
#[derive(Debug, Clone)]
pub struct Action {
    /// Sentry's word for it.
    pub name: String,
    /// What it looks like, destination by destination.
    pub views: Vec<View>,
}

/// A step as one destination shows it.
#[derive(Debug, Clone)]
pub struct View {
    /// The destination's name.
    pub destination: String,
    /// What the destination is.
    pub screen: Screen,
    /// The template that made it, as people know it.
    pub template: String,
    /// Whether it is the team's own and did not come with the relay.
    pub is_own: bool,
    /// Whether the routes send the sample there, by this template.
    pub is_routed: bool,
    /// What is sent, each body once.
    pub takes: Vec<Take>,
}

/// Who shows a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// A chat, to people.
    Chat(Platform),
    /// A program.
    Service,
}

impl Screen {
    fn title(self) -> &'static str {
        match self {
            Self::Chat(platform) => platform.title(),
            Self::Service => "Webhook",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Chat(Platform::Slack) => "slack",
            Self::Chat(Platform::SlackCompatible) => "compatible",
            Self::Chat(Platform::Discord) => "discord",
            Self::Service => "service",
        }
    }
}

/// A body and what it is about.
#[derive(Debug, Clone)]
pub struct Take {
    /// The samples of which exactly this becomes.
    pub samples: Vec<Sample>,
    /// What there is to see.
    pub outcome: Outcome,
}

/// What a template made of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A request body.
    Sent {
        /// The exact body.
        body: Bytes,
        /// What was left out of it, in a sentence, where something was.
        cut: Option<String>,
    },
    /// It failed, and why.
    Failed(String),
    /// It was not tried, and why.
    Untried(&'static str),
}

/// Which sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// As Sentry sends it today.
    Present,
    /// The same, and nothing is known of the issue but its id.
    Unknown,
    /// As Sentry's documentation shows it.
    Documented,
    /// With very much of everything.
    Long,
    /// With texts that try to break out of their place.
    Hostile,
}

impl Sample {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Present, Self::Unknown, Self::Documented, Self::Long, Self::Hostile];

    fn class(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Unknown => "unknown",
            Self::Documented => "documented",
            Self::Long => "long",
            Self::Hostile => "hostile",
        }
    }
}

impl Page {
    /// Writes the page.
    pub fn to_html(&self) -> String {
        let mut body = Html::default();
        self.head(&mut body);
        body.element("div", "columns", |html| {
            self.contents(html);
            html.element("main", "", |html| self.actions.iter().for_each(|each| action(html, each)));
        });
        let style = style(body.colours());
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            STANDARD.encode(Sha256::digest(style.as_bytes()))
        );
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Messages · seer-relay</title>\n<style>{style}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n",
            body.into_text()
        )
    }

    fn head(&self, html: &mut Html) {
        html.element("header", "top", |html| {
            html.element("div", "about", |html| {
                html.line("h1", "", "Messages");
                let (actions, views) =
                    (self.actions.len(), self.actions.iter().map(|action| action.views.len()).max());
                html.element("p", "", |html| {
                    html.line("code", "", &self.folder);
                    html.text(&format!(
                        " · {} · {} · drawn from the exact request bodies",
                        counted(actions, "action"),
                        counted(views.unwrap_or_default(), "destination")
                    ));
                });
            });
            html.markup(CONTROLS);
        });
    }

    fn contents(&self, html: &mut Html) {
        html.element("nav", "contents", |html| {
            for action in &self.actions {
                html.element("div", "entry", |html| {
                    html.jump("step", &anchor(&[&action.name]), |html| html.text(&title(&action.name)));
                    html.element("div", "places", |html| {
                        for view in &action.views {
                            let class = if view.is_routed { "place" } else { "place unrouted" };
                            html.jump(class, &view_anchor(action, view), |html| {
                                html.text(&view.destination);
                                if let Some((set, _)) = view.template.split_once('/') {
                                    html.text(&format!(" ({set})"));
                                }
                            });
                        }
                    });
                });
            }
        });
    }
}

/// Returns the style sheet with a rule for each colour.
fn style(colours: &BTreeSet<u32>) -> String {
    let rules = colours.iter().map(|colour| format!(".bar-{colour:06x}{{--bar:#{colour:06x}}}\n"));
    [STYLE, CHAT].concat() + &rules.collect::<String>()
}

fn action(html: &mut Html, action: &Action) {
    html.target("section", "action", &anchor(&[&action.name]), |html| {
        html.element("h2", "", |html| {
            html.text(&title(&action.name));
            html.line("code", "", &action.name);
        });
        html.element("div", "views", |html| {
            for view in &action.views {
                html.target("article", "view", &view_anchor(action, view), |html| draw(html, view));
            }
        });
    });
}

fn draw(html: &mut Html, view: &View) {
    html.element("header", "", |html| {
        html.element("h3", "", |html| {
            html.line("span", view.screen.class(), view.screen.title());
            html.text(&view.destination);
        });
        html.element("p", "made", |html| {
            html.text("by ");
            html.line("code", "", &view.template);
            if view.is_own {
                html.line("span", "badge own", "yours");
            }
            if !view.is_routed {
                html.line("span", "badge", "no route sends the sample here");
            }
        });
    });
    for each in &view.takes {
        take(html, view, each);
    }
}

fn take(html: &mut Html, view: &View, take: &Take) {
    let mut classes = vec!["take"];
    classes.extend(take.samples.iter().map(|sample| sample.class()));
    html.classed("div", &classes, |html| match &take.outcome {
        Outcome::Failed(why) => html.line("p", "failed", why),
        Outcome::Untried(why) => html.line("p", "untried", why),
        Outcome::Sent { body, cut } => {
            if let Some(cut) = cut {
                html.element("p", "cut", |html| {
                    html.line("b", "", "Cut to fit: ");
                    html.text(cut);
                });
            }
            sent(html, view, body);
        }
    });
}

fn sent(html: &mut Html, view: &View, body: &[u8]) {
    match view.screen {
        Screen::Chat(platform) => {
            let post = platform.read(&serde_json::from_slice(body).unwrap_or_default());
            phone(html, view, &post);
            chat(html, view.screen, &view.destination, TIME, &post);
            html.foldable(
                "body",
                false,
                |html| html.text(&format!("Request body, {}", size(body))),
                |html| json_tree::write(html, body),
            );
        }
        Screen::Service => html.element("div", "chat service", |html| {
            html.element("div", "channel", |html| {
                html.line("b", "", "POST");
                html.text(&format!(" application/json, {}", size(body)));
            });
            json_tree::write(html, body);
        }),
    }
}

/// Shows what a locked phone would.
fn phone(html: &mut Html, view: &View, post: &Post) {
    html.element("div", "phone", |html| {
        html.element("div", "notice", |html| {
            html.element("div", "app", |html| {
                html.line("span", view.screen.class(), view.screen.title());
                html.line("span", "now", "now");
            });
            html.line("div", "who", &format!("{} in #{}", post.author, view.destination));
            if post.notification.trim().is_empty() {
                html.line("div", "nothing", "The body gives a notification nothing to say.");
            } else {
                html.line("div", "says", post.notification.trim());
            }
        });
    });
}

/// Draws the body of a request as its platform shows it, for a page that has the style sheet [`CHAT`]: a piece of HTML in
/// which no text of the body is markup.
pub fn drawn(platform: Platform, destination: &str, body: &[u8], time: &str) -> String {
    let post = platform.read(&serde_json::from_slice(body).unwrap_or_default());
    let mut html = Html::default();
    chat(&mut html, Screen::Chat(platform), destination, time, &post);
    html.into_text()
}

fn chat(html: &mut Html, screen: Screen, destination: &str, time: &str, post: &Post) {
    let class = match screen {
        Screen::Chat(Platform::Slack) => "chat slack",
        Screen::Chat(Platform::SlackCompatible) => "chat compatible",
        Screen::Chat(Platform::Discord) => "chat discord",
        Screen::Service => "chat service",
    };
    html.element("div", class, |html| {
        html.line("div", "channel", &format!("# {destination}"));
        html.element("div", "post", |html| {
            html.line("div", "avatar", "S");
            html.element("div", "said", |html| {
                html.element("div", "by", |html| {
                    html.line("b", "", &post.author);
                    html.line("span", "app", "APP");
                    html.line("span", "time", time);
                });
                html::blocks(html, &post.blocks);
            });
        });
    });
}

fn size(body: &[u8]) -> String {
    bytesize::ByteSize(body.len() as u64).display().iec().to_string()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns an action's name in words: `pr_created` as "PR created".
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    match words.strip_prefix("pr ") {
        Some(rest) => format!("PR {rest}"),
        None => words.chars().take(1).flat_map(char::to_uppercase).chain(words.chars().skip(1)).collect(),
    }
}

fn view_anchor(action: &Action, view: &View) -> String {
    anchor(&[&action.name, &view.destination, &view.template])
}

/// Returns an address on the page: letters, digits and dashes.
fn anchor(parts: &[&str]) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    parts.join("--").chars().map(plain).collect()
}

#[cfg(test)]
mod tests;
