//! Answers: what each condition that was asked said to an event, small enough to be kept with it.
//!
//! One entry per condition, in the order in which the table is read, and of each field that was looked at what was seen
//! there, once, shortened. Which condition an entry belongs to, only the table knows.

use serde_json::{Map, Value};

use super::condition::{Condition, Facts, Field};

/// A longer value is cut, in characters.
const LONGEST_VALUE: usize = 100;

/// Beyond so many bytes no further value of a field is kept, unless a condition held by it.
const VALUES_BYTES: usize = 200;

/// What one condition said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// No pattern matches any value.
    Failed,
    /// It holds.
    Held {
        /// The place of the pattern that matched, among the condition's.
        pattern: usize,
        /// The place of the value that it matched, among those that were kept of the field.
        value: usize,
    },
}

/// What was seen of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The field.
    pub field: Field,
    /// Some of its values, shortened; all that matched a pattern are among them.
    pub values: Vec<String>,
    /// How many further ones there were.
    pub left_out: usize,
}

/// What every condition that was asked said, and what was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// One for each condition, in the order in which they were asked.
    pub list: Vec<Answer>,
    /// Each field that was looked at and is known, but for those that every event shows by itself; in order of their words.
    pub seen: Vec<Seen>,
}

impl Answers {
    /// Returns the answers in one short text: `-` for a condition that failed, `+` for one that held by its first pattern
    /// and the first value, `+2.1` for one that held by the third pattern and the second value.
    pub fn as_text(&self) -> String {
        let mut text = String::with_capacity(self.list.len());
        for answer in &self.list {
            match answer {
                Answer::Failed => text.push('-'),
                Answer::Held { pattern, value } => {
                    text.push('+');
                    if *pattern > 0 {
                        text += &pattern.to_string();
                    }
                    if *value > 0 {
                        text.push('.');
                        text += &value.to_string();
                    }
                }
            }
        }
        text
    }

    /// Returns what was seen as JSON, each field with its values, and last, where some were left out, their number:
    /// `{"path":["a.py","b.py",35]}`; `None` where that is nothing.
    pub fn seen_as_json(&self) -> Option<String> {
        let values = |seen: &Seen| {
            let texts = seen.values.iter().map(|value| Value::from(value.as_str()));
            texts.chain((seen.left_out > 0).then(|| Value::from(seen.left_out))).collect::<Value>()
        };
        let fields = self.seen.iter().map(|seen| (seen.field.as_str().to_owned(), values(seen)));
        (!self.seen.is_empty()).then(|| Value::Object(fields.collect()).to_string())
    }

    /// Reads what [`as_text`](Self::as_text) and [`seen_as_json`](Self::seen_as_json) wrote; `None` where it is something
    /// else, which another version may have written.
    pub fn read(text: &str, seen: Option<&str>) -> Option<Self> {
        let seen = match seen {
            None => Vec::new(),
            Some(json) => {
                let fields: Map<String, Value> = serde_json::from_str(json).ok()?;
                fields.into_iter().map(|(field, values)| read_seen(&field, values)).collect::<Option<_>>()?
            }
        };
        Some(Self { list: read_list(text)?, seen })
    }

    /// Returns what was seen of a field, where it is kept.
    pub(super) fn seen(&self, field: Field) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.field == field)
    }
}

fn read_seen(field: &str, values: Value) -> Option<Seen> {
    let Value::Array(values) = values else { return None };
    let mut seen = Seen { field: Field::from_word(field)?, values: Vec::new(), left_out: 0 };
    for value in values {
        match value {
            Value::String(text) => seen.values.push(text),
            Value::Number(number) => seen.left_out = usize::try_from(number.as_u64()?).ok()?,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        }
    }
    Some(seen)
}

fn read_list(text: &str) -> Option<Vec<Answer>> {
    let mut list = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        rest = rest.get(1..)?;
        if sign == '-' {
            list.push(Answer::Failed);
            continue;
        }
        if sign != '+' {
            return None;
        }
        let pattern = take_number(&mut rest);
        let value = match rest.strip_prefix('.') {
            Some(after) => {
                rest = after;
                take_number(&mut rest)
            }
            None => 0,
        };
        list.push(Answer::Held { pattern, value });
    }
    Some(list)
}

/// Takes the digits that a text begins with; none count as 0.
fn take_number(rest: &mut &str) -> usize {
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after;
    digits.parse().unwrap_or_default()
}

/// Asks conditions, each field's values looked up once.
pub(super) struct Asking<'a> {
    facts: Facts<'a>,
    list: Vec<Answer>,
    looked: Vec<Looked<'a>>,
}

/// A field that was looked at.
struct Looked<'a> {
    field: Field,
    values: Vec<&'a str>,
    /// Places of the values by which conditions held.
    hits: Vec<usize>,
    /// The answers that name one of these places.
    answers: Vec<usize>,
    /// Whether some condition failed.
    has_failed: bool,
}

impl<'a> Asking<'a> {
    pub(super) fn of(facts: Facts<'a>) -> Self {
        Self { facts, list: Vec::new(), looked: Vec::new() }
    }

    /// Asks a condition; returns whether it holds.
    pub(super) fn ask(&mut self, condition: &Condition) -> bool {
        let number = self.list.len();
        let looked = looked_at(&mut self.looked, condition.field, self.facts);
        let answer = match condition.first_hit(&looked.values) {
            None => {
                looked.has_failed = true;
                Answer::Failed
            }
            Some((pattern, value)) => {
                looked.answers.push(number);
                if !looked.hits.contains(&value) {
                    looked.hits.push(value);
                }
                Answer::Held { pattern, value }
            }
        };
        self.list.push(answer);
        answer != Answer::Failed
    }

    /// Returns all answers, with what is kept of the values.
    pub(super) fn into_answers(self) -> Answers {
        let Self { mut list, looked, .. } = self;
        let mut seen = Vec::new();
        for looked in looked.into_iter().filter(|looked| !looked.field.is_of_every_event()) {
            let kept = looked.kept();
            for number in &looked.answers {
                if let Some(Answer::Held { value, .. }) = list.get_mut(*number) {
                    *value = kept.iter().position(|place| place == value).unwrap_or_default();
                }
            }
            let values: Vec<String> =
                kept.iter().filter_map(|place| looked.values.get(*place)).map(|value| cut(value)).collect();
            let left_out = looked.values.len() - values.len();
            if left_out > 0 || !values.is_empty() {
                seen.push(Seen { field: looked.field, values, left_out });
            }
        }
        // As JSON would have them.
        seen.sort_by_key(|seen| seen.field.as_str());
        Answers { list, seen }
    }
}

fn looked_at<'l, 'a>(looked: &'l mut Vec<Looked<'a>>, field: Field, facts: Facts<'a>) -> &'l mut Looked<'a> {
    let place = looked.iter().position(|looked| looked.field == field).unwrap_or(looked.len());
    if place == looked.len() {
        let values = field.values(facts);
        looked.push(Looked { field, values, hits: Vec::new(), answers: Vec::new(), has_failed: false });
    }
    #[expect(clippy::indexing_slicing, reason = "it was found there, or put there")]
    &mut looked[place]
}

impl Looked<'_> {
    /// Returns the places of the values that are kept: where every condition held, those by which they did; else the
    /// first ones, too.
    fn kept(&self) -> Vec<usize> {
        let mut room = if self.has_failed { VALUES_BYTES } else { 0 };
        let mut kept = Vec::new();
        for (place, value) in self.values.iter().enumerate() {
            let is_kept = room > 0;
            room = room.saturating_sub(value.len());
            if is_kept || self.hits.contains(&place) {
                kept.push(place);
            }
        }
        kept
    }
}

/// Cuts a value that is too long to be kept or shown whole.
pub(super) fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        None => value.to_owned(),
        Some((end, _)) => value.get(..end).unwrap_or_default().to_owned() + "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(pattern: usize, value: usize) -> Answer {
        Answer::Held { pattern, value }
    }

    #[test]
    fn answers_are_short_and_read_as_they_were_written() {
        let seen =
            Seen { field: Field::Path, values: vec!["a.py".to_owned(), "\"é\"".to_owned()], left_out: 35 };
        let list = vec![held(0, 0), Answer::Failed, held(12, 0), held(0, 3), held(1, 20), Answer::Failed];
        let answers = Answers { list, seen: vec![seen] };

        assert_eq!(answers.as_text(), "+-+12+.3+1.20-");
        assert_eq!(answers.seen_as_json().as_deref(), Some(r#"{"path":["a.py","\"é\"",35]}"#));
        let again = Answers::read(&answers.as_text(), answers.seen_as_json().as_deref());
        assert_eq!(again, Some(answers));
        assert_eq!(Answers::read("", None), Some(Answers::default()));
    }

    #[test]
    fn what_is_something_else_is_not_read() {
        for (text, seen) in
            [("x", None), ("+é", None), ("+", Some("[]")), ("+", Some(r#"{"colour":["red"]}"#))]
        {
            assert_eq!(Answers::read(text, seen), None, "{text} {seen:?}");
        }
    }

    #[test]
    fn a_long_value_is_cut_at_a_character() {
        let cut = cut(&"é".repeat(150));
        assert_eq!(cut, "é".repeat(LONGEST_VALUE) + "…");
        assert_eq!(super::cut("short"), "short");
    }
}
