//! Inks: what each thing of a plot is drawn in, by classes that the style sheet colours for light and dark.
//!
//! The plotting library knows colours only; here each ink stands for one on the way through it.

use std::fmt::Write;

use plotters::style::RGBColor;
use serde::Serialize;

/// What something is drawn in. Two of one colour are told apart by hatching: what was begun and not finished is hatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Words.
    Text,
    /// The lines of axes and scales.
    Line,
    /// What there is only one of.
    Plain,
    /// The same, as far as it is rarer.
    PlainRare,
    /// A run of which nothing is known.
    Unknown,
    CauseBegun,
    CauseFound,
    PlanBegun,
    PlanMade,
    CodeBegun,
    CodeWritten,
    PullRequest,
    Delivered,
    Waiting,
    Superseded,
    Dead,
}

impl Ink {
    /// All of them.
    pub(super) const ALL: [Self; 16] = [
        Self::Text,
        Self::Line,
        Self::Plain,
        Self::PlainRare,
        Self::Unknown,
        Self::CauseBegun,
        Self::CauseFound,
        Self::PlanBegun,
        Self::PlanMade,
        Self::CodeBegun,
        Self::CodeWritten,
        Self::PullRequest,
        Self::Delivered,
        Self::Waiting,
        Self::Superseded,
        Self::Dead,
    ];

    /// Returns the class that colours it.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Text => "ink-text",
            Self::Line => "ink-line",
            Self::Plain | Self::PlainRare => "ink-plain",
            Self::Unknown => "ink-unknown",
            Self::CauseBegun | Self::CauseFound => "ink-cause",
            Self::PlanBegun | Self::PlanMade => "ink-plan",
            Self::CodeBegun | Self::CodeWritten => "ink-code",
            Self::PullRequest => "ink-pr",
            Self::Delivered => "ink-good",
            Self::Waiting => "ink-waiting",
            Self::Superseded => "ink-quiet",
            Self::Dead => "ink-bad",
        }
    }

    const fn is_hatched(self) -> bool {
        match self {
            Self::PlainRare | Self::CauseBegun | Self::PlanBegun | Self::CodeBegun | Self::Waiting => true,
            Self::Text
            | Self::Line
            | Self::Plain
            | Self::Unknown
            | Self::CauseFound
            | Self::PlanMade
            | Self::CodeWritten
            | Self::PullRequest
            | Self::Delivered
            | Self::Superseded
            | Self::Dead => false,
        }
    }

    /// Returns what fills a shape, as attributes of SVG: a class, or the pattern of one.
    pub(super) fn fill(self) -> String {
        let class = self.class();
        if self.is_hatched() {
            format!("class=\"hatched\" fill=\"url(#hatch-{class})\"")
        } else {
            format!("class=\"{class}\"")
        }
    }

    /// Returns the colour that stands for it in the library.
    pub(super) fn color(self) -> RGBColor {
        let place = Self::ALL.iter().position(|ink| *ink == self).and_then(|place| u8::try_from(place).ok());
        RGBColor(place.unwrap_or_default(), 0, 0)
    }

    /// Returns what a colour stands for; words, where it is none of ours.
    pub(super) fn of(rgb: (u8, u8, u8)) -> Self {
        Self::ALL.get(usize::from(rgb.0)).copied().unwrap_or(Self::Text)
    }
}

/// Returns the patterns of all hatched inks, which plots of the same page refer to.
pub(super) fn patterns_html() -> String {
    let mut patterns = String::new();
    for class in Ink::ALL.iter().filter(|ink| ink.is_hatched()).map(|ink| ink.class()) {
        // To memory everything can be written.
        let _ = write!(
            patterns,
            "<pattern id=\"hatch-{class}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect class=\"{class} pale\" width=\"6\" height=\"6\"/>\
             <rect class=\"{class}\" width=\"3\" height=\"6\"/></pattern>"
        );
    }
    format!(
        "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>{patterns}</defs></svg>"
    )
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Key {
    /// A patch of the ink.
    swatch_html: String,
    text: String,
}

impl Key {
    /// Says what an ink stands for.
    pub(super) fn new(ink: Ink, text: impl Into<String>) -> Self {
        let swatch_html = format!(
            "<svg class=\"swatch\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect {} width=\"14\" height=\"14\"/></svg>",
            ink.fill()
        );
        Self { swatch_html, text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_comes_back_from_the_library_as_itself() {
        for ink in Ink::ALL {
            let RGBColor(red, green, blue) = ink.color();
            assert_eq!(Ink::of((red, green, blue)), ink);
        }
        assert_eq!(Ink::of((255, 255, 255)), Ink::Text);
    }

    #[test]
    fn every_class_has_a_colour_and_every_hatched_ink_a_pattern() {
        let style = include_str!("../../../../templates/dashboard/dashboard.css");
        for ink in Ink::ALL {
            assert!(style.contains(&format!(".{} {{ ", ink.class())), "{ink:?}");
            if let Some((_, pattern)) = ink.fill().split_once("url(#") {
                let id = pattern.split(')').next().unwrap();
                assert!(patterns_html().contains(&format!("id=\"{id}\"")), "{ink:?}");
            }
        }
    }

    #[test]
    fn no_two_inks_of_one_plot_look_alike() {
        let looks: std::collections::BTreeSet<String> = Ink::ALL.iter().map(|ink| ink.fill()).collect();
        assert_eq!(looks.len(), Ink::ALL.len());
    }
}
