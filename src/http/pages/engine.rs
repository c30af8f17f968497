//! The engine that writes pages. It escapes every value; what may stand as it is was written by [`super::prose`] or
//! [`crate::preview`], and its name says so.

use std::io::Write;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;
use tera::{Context, Error, Kwargs, State, Tera, TeraResult, Value};

use crate::render::time_ago;
use crate::threads::Breathing;

const TEMPLATES: [(&str, &str); 16] = [
    ("frame.html", include_str!("../../../templates/dashboard/frame.html")),
    ("login.html", include_str!("../../../templates/dashboard/login.html")),
    ("fault.html", include_str!("../../../templates/dashboard/fault.html")),
    ("runs.html", include_str!("../../../templates/dashboard/runs.html")),
    ("run.html", include_str!("../../../templates/dashboard/run.html")),
    ("_pull_requests.html", include_str!("../../../templates/dashboard/_pull_requests.html")),
    ("_steps.html", include_str!("../../../templates/dashboard/_steps.html")),
    ("_event.html", include_str!("../../../templates/dashboard/_event.html")),
    ("_delivery.html", include_str!("../../../templates/dashboard/_delivery.html")),
    ("_message.html", include_str!("../../../templates/dashboard/_message.html")),
    ("deliveries.html", include_str!("../../../templates/dashboard/deliveries.html")),
    ("delivery.html", include_str!("../../../templates/dashboard/delivery.html")),
    ("destinations.html", include_str!("../../../templates/dashboard/destinations.html")),
    ("report.html", include_str!("../../../templates/dashboard/report.html")),
    ("_report.html", include_str!("../../../templates/dashboard/_report.html")),
    ("replay.html", include_str!("../../../templates/dashboard/replay.html")),
];

/// A longer name is cut, in characters.
const LONGEST_NAME: usize = 200;

static ENGINE: LazyLock<Tera> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on([".html"]);
    tera.set_escape_fn(escape);
    tera.register_filter("when", when);
    tera.register_filter("short", short);
    if let Err(error) = tera.add_raw_templates(TEMPLATES) {
        tracing::error!(%error, "the dashboard's templates cannot be read");
    }
    tera
});

/// Writes a page.
///
/// # Errors
/// What a template or a value did wrong.
pub(super) fn render(template: &str, values: &impl Serialize) -> TeraResult<String> {
    let mut page = Breathing::default();
    ENGINE.render_to(template, &Context::from_serialize(values)?, &mut page)?;
    String::from_utf8(page.into_inner()).map_err(|error| Error::message(error.to_string()))
}

/// Returns a text with nothing in it that a browser would take for markup or that would change how what is around it is
/// read: control characters are shown by their signs, and those that turn the direction of text by their numbers.
pub(super) fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    // To memory everything can be written.
    let _ = escape(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn escape(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for character in text.chars() {
        match character {
            '&' => out.write_all(b"&amp;")?,
            '<' => out.write_all(b"&lt;")?,
            '>' => out.write_all(b"&gt;")?,
            '"' => out.write_all(b"&quot;")?,
            '\'' => out.write_all(b"&#39;")?,
            '\n' | '\t' => write!(out, "{character}")?,
            '\r' => {}
            '\u{7f}' => out.write_all("\u{2421}".as_bytes())?,
            '\0'..='\u{1f}' => {
                let sign = char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}');
                write!(out, "{sign}")?;
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                write!(out, "[U+{:04X}]", u32::from(character))?;
            }
            control if control.is_control() => out.write_all("\u{fffd}".as_bytes())?,
            other => write!(out, "{other}")?,
        }
    }
    Ok(())
}

/// Makes an element of a time: how long ago it was, and exactly when; nothing where it is unknown.
fn when(value: &Value, _: Kwargs, state: &State) -> TeraResult<Value> {
    let Some(text) = value.as_str() else { return Ok(Value::safe_string("")) };
    let read = |text: &str| Timestamp::from_str(text).map_err(|_| Error::message("`when` takes a time"));
    let time = read(text)?;
    let now = state.get::<String>("now")?.unwrap_or_default();
    let (exact, ago) = (time.strftime("%-d %b %Y, %H:%M:%S UTC"), time_ago(time, read(&now)?));
    let iso = time.strftime("%Y-%m-%dT%H:%M:%SZ");
    Ok(Value::safe_string(&format!("<time datetime=\"{iso}\" title=\"{exact}\">{ago}</time>")))
}

/// Cuts a name that nobody would read to its end.
fn short(value: &Value, _: Kwargs, _: &State) -> TeraResult<Value> {
    let text = value.as_str().ok_or_else(|| Error::message("`short` takes a text"))?;
    match text.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => Ok(Value::from(format!("{}…", text.get(..end).unwrap_or_default()))),
        None => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_read() {
        let mut tera = Tera::default();
        tera.register_filter("when", when);
        tera.register_filter("short", short);
        tera.add_raw_templates(TEMPLATES).unwrap();
    }

    #[test]
    fn only_what_was_written_as_html_stands_as_it_is() {
        for (name, text) in TEMPLATES {
            for (at, _) in text.match_indices("safe") {
                let before = text[..at].rsplit("{{").next().unwrap().trim_end_matches([' ', '|']);
                assert!(before.ends_with("_html"), "{name}: `{before}`");
            }
        }
    }

    #[test]
    fn nothing_that_means_something_to_a_browser_is_left_of_a_text() {
        let hostile = "<b a='1' b=\"2\">&\u{202e}\u{2066}\0\u{1b}\u{7f}\u{85}\r\n";
        assert_eq!(
            escaped(hostile),
            "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;[U+202E][U+2066]\u{2400}\u{241b}\u{2421}\u{fffd}\n"
        );
    }
}
