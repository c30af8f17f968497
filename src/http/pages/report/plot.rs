//! Plots: columns along a stretch of time, and bars with their names, drawn by a library whose lines and words follow the
//! page's look.
//!
//! Knows nothing of what it draws.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::Canvas;
use super::ink::Ink;
use crate::http::pages::engine::escaped;

/// How wide columns are, and how wide bars, in pixels; bars fit on a phone.
const COLUMNS_WIDTH: u32 = 640;
const BARS_WIDTH: u32 = 440;
/// How high columns are, with their labels.
const COLUMNS_HEIGHT: u32 = 250;
/// How many labels stand below columns at most.
const MOST_LABELS: usize = 8;
/// How thick a bar is, and how much room there is from row to row beside the bars.
const BAR: u32 = 16;
const BAR_STEP: u32 = 20;
const ROW_GAP: u32 = 10;
/// How much room names of rows have, and how many characters fit.
const NAMES_WIDTH: u32 = 150;
const MOST_CHARACTERS: usize = 22;
/// How much room is right of the bars, for what they are labelled with.
const LABELS_WIDTH: u32 = 112;
const FONT_SIZE: i32 = 12;

type Area<'a> = DrawingArea<Canvas<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::convert::Infallible>>;

/// A plot with the words for those who do not see it.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    /// What it is called in the page.
    pub(super) id: &'a str,
    /// What it shows.
    pub(super) title: &'a str,
    /// What there is to see.
    pub(super) gist: &'a str,
}

/// What stands at one place of a time.
#[derive(Debug)]
pub(super) struct Column {
    /// The words below it.
    pub(super) label: String,
    /// From the bottom to the top.
    pub(super) stack: Vec<(Ink, u64)>,
}

/// Bars with a name.
#[derive(Debug)]
pub(super) struct Row {
    /// Anybody's words.
    pub(super) name: String,
    /// One below the other.
    pub(super) bars: Vec<Bar>,
}

/// A bar.
#[derive(Debug)]
pub(super) struct Bar {
    /// From left to right, with how long each is.
    pub(super) stack: Vec<(Ink, f64)>,
    /// The words at its end.
    pub(super) label: String,
}

impl Plot<'_> {
    /// Draws columns from left to right.
    pub(super) fn columns(&self, columns: &[Column]) -> String {
        self.draw("columns", (COLUMNS_WIDTH, COLUMNS_HEIGHT), |area| draw_columns(area, columns))
    }

    /// Draws bars from top to bottom.
    pub(super) fn bars(&self, rows: &[Row]) -> String {
        let height: u32 = rows.iter().map(row_height).sum();
        self.draw("bars", (BARS_WIDTH, height.max(BAR_STEP)), |area| draw_rows(area, rows))
    }

    fn draw(&self, class: &str, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
        let mut elements = String::new();
        let drawn = draw(&Canvas::new(&mut elements, size).into_drawing_area());
        if let Err(error) = drawn {
            tracing::error!(%error, plot = self.id, "a plot could not be drawn");
        }
        let (Self { id, title, gist }, (width, height)) = (self, size);
        let (title, gist) = (escaped(title), escaped(gist));
        format!(
            "<svg class=\"drawing {class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-gist\"><title id=\"{id}-title\">{title}</title>\
             <desc id=\"{id}-gist\">{gist}</desc>{elements}</svg>"
        )
    }
}

fn draw_columns(area: &Area<'_>, columns: &[Column]) -> Drawn {
    let sums = columns.iter().map(|column| column.stack.iter().map(|(_, number)| number).sum::<u64>());
    let top = sums.max().unwrap_or_default().max(1);
    let mut chart = ChartBuilder::on(area)
        .margin_top(8)
        .margin_right(8)
        .x_label_area_size(26)
        .y_label_area_size(16 + 7 * u32::try_from(top.to_string().len()).unwrap_or_default())
        .build_cartesian_2d(Places::of(columns), 0..top)?;
    let label = |place: &f64| -> String {
        let found =
            (0_u32..).zip(columns).find(|(number, _)| (f64::from(*number) + 0.5 - place).abs() < 0.25);
        found.map(|(_, column)| column.label.clone()).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .light_line_style(TRANSPARENT)
        .bold_line_style(Ink::Line.color())
        .axis_style(Ink::Line.color())
        .set_all_tick_mark_size(4)
        .label_style(words())
        .x_label_formatter(&label)
        .y_labels(6)
        .y_label_formatter(&u64::to_string)
        .draw()?;
    for (place, column) in (0_u32..).zip(columns) {
        let (left, right) = (f64::from(place) + 0.12, f64::from(place) + 0.88);
        let mut from = 0;
        let stack = column.stack.iter().filter(|(_, number)| *number > 0).map(|(ink, number)| {
            let bottom = from;
            from += number;
            Rectangle::new([(left, from), (right, bottom)], ink.color().filled())
        });
        chart.draw_series(stack)?;
    }
    Ok(())
}

/// The places of columns, from left to right: each is as wide as one, and some are labelled.
struct Places {
    scale: RangedCoordf64,
    /// The middles of those that are labelled.
    labelled: Vec<f64>,
}

impl Places {
    fn of(columns: &[Column]) -> Self {
        let count = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        let step = columns.len().div_ceil(MOST_LABELS).max(1);
        Self {
            scale: (0.0..f64::from(count.max(1))).into(),
            labelled: (0..count).step_by(step).map(|place| f64::from(place) + 0.5).collect(),
        }
    }
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.scale.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.labelled.clone()
    }

    fn range(&self) -> Range<f64> {
        self.scale.range()
    }
}

fn row_height(row: &Row) -> u32 {
    u32::try_from(row.bars.len()).unwrap_or_default() * BAR_STEP + ROW_GAP
}

fn draw_rows(area: &Area<'_>, rows: &[Row]) -> Drawn {
    let lengths =
        rows.iter().flat_map(|row| &row.bars).map(|bar| bar.stack.iter().map(|(_, part)| part).sum());
    let longest = lengths.fold(0.0, f64::max);
    let longest = if longest > 0.0 { longest } else { 1.0 };
    let mut from = 0;
    for row in rows {
        let height = row_height(row);
        draw_row(&area.margin(from, 0, 0, 0).shrink((0, 0), (BARS_WIDTH, height)), row, longest)?;
        from += height;
    }
    Ok(())
}

fn draw_row(area: &Area<'_>, row: &Row, longest: f64) -> Drawn {
    let height = row_height(row);
    let names = words().pos(Pos::new(HPos::Right, VPos::Center));
    let middle = |height: u32| i32::try_from(height / 2).unwrap_or_default();
    let left = i32::try_from(NAMES_WIDTH).unwrap_or_default();
    area.draw_text(&cut(&row.name), &names, (left - 10, middle(height)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_left(NAMES_WIDTH)
        .margin_right(LABELS_WIDTH)
        .build_cartesian_2d(0.0..longest, 0..i32::try_from(height).unwrap_or_default())?;
    let labels = words().pos(Pos::new(HPos::Left, VPos::Center));
    for (bar, below) in row.bars.iter().zip(0_u32..) {
        let top =
            i32::try_from(height - (ROW_GAP + BAR_STEP - BAR) / 2 - below * BAR_STEP).unwrap_or_default();
        let bottom = top - i32::try_from(BAR).unwrap_or_default();
        let mut end = 0.0;
        let stack = bar.stack.iter().filter(|(_, part)| *part > 0.0).map(|(ink, part)| {
            let begin = end;
            end += part;
            Rectangle::new([(begin, top), (end, bottom)], ink.color().filled())
        });
        chart.draw_series(stack)?;
        let label = Text::new(bar.label.clone(), (7, 0), labels.clone());
        chart.draw_series([EmptyElement::at((end, i32::midpoint(top, bottom))) + label])?;
    }
    chart.draw_series([PathElement::new(
        [(0.0, 0), (0.0, i32::try_from(height).unwrap_or_default())],
        Ink::Line.color(),
    )])?;
    Ok(())
}

fn words() -> TextStyle<'static> {
    ("sans-serif", FONT_SIZE).into_font().color(&Ink::Text.color())
}

/// Cuts a name that has no room.
fn cut(name: &str) -> String {
    if name.chars().count() <= MOST_CHARACTERS {
        return name.to_owned();
    }
    name.chars().take(MOST_CHARACTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Plot<'static> = Plot { id: "p", title: "Runs <by> day", gist: "412 runs & more" };

    /// The heights and places of what is filled in an ink, in order.
    fn rectangles(svg: &str, class: &str) -> Vec<[u32; 4]> {
        let all = svg.split("<rect ").skip(1).filter(|rect| rect.contains(class));
        let number = |rect: &str, name: &str| -> u32 {
            rect.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        all.map(|rect| ["x", "y", "width", "height"].map(|name| number(rect, name))).collect()
    }

    #[test]
    fn columns_stack_and_are_as_high_as_their_numbers() {
        let columns: Vec<Column> = [(4, 2), (0, 0), (1, 3)]
            .map(|(low, high)| Column {
                label: format!("day {low}"),
                stack: vec![(Ink::PullRequest, low), (Ink::Dead, high)],
            })
            .into();
        let svg = PLOT.columns(&columns);
        let (low, high) = (rectangles(&svg, "ink-pr"), rectangles(&svg, "ink-bad"));
        assert_eq!((low.len(), high.len()), (2, 2), "what is nothing is not drawn: {svg}");
        let unit = low[1][3];
        assert!((4 * unit).abs_diff(low[0][3]) <= 4 && (2 * unit).abs_diff(high[0][3]) <= 2, "{svg}");
        assert_eq!(high[0][1] + high[0][3], low[0][1], "one stands on the other");
        assert_eq!(low[0][1] + low[0][3], low[1][1] + low[1][3], "all stand on one line");
        assert!(low[0][0] < low[1][0]);
        for label in ["day 4", "day 0", "day 1"] {
            assert!(svg.contains(&format!(">{label}</text>")), "{svg}");
        }
    }

    #[test]
    fn of_many_columns_some_are_labelled_and_all_are_drawn() {
        let column =
            |number: u64| Column { label: format!("d{number}"), stack: vec![(Ink::Plain, number + 1)] };
        let svg = PLOT.columns(&(0..60).map(column).collect::<Vec<_>>());
        assert_eq!(rectangles(&svg, "ink-plain").len(), 60);
        assert!(rectangles(&svg, "ink-plain").iter().all(|[_, _, width, _]| *width > 3));
        assert_eq!(svg.matches(">d").count(), 8, "{svg}");
    }

    #[test]
    fn bars_are_as_long_as_their_numbers_and_say_them() {
        let bar = |ink, part: f64| Bar { stack: vec![(ink, part)], label: format!("{part} s") };
        let rows = [
            Row { name: "cause".into(), bars: vec![bar(Ink::Plain, 10.0), bar(Ink::PlainRare, 40.0)] },
            Row { name: "<script>".repeat(9), bars: vec![bar(Ink::Plain, 0.0)] },
        ];
        let svg = PLOT.bars(&rows);
        let (half, most) = (rectangles(&svg, "\"ink-plain\""), rectangles(&svg, "hatch-ink-plain"));
        assert_eq!((half.len(), most.len()), (1, 1));
        assert!((4 * half[0][2]).abs_diff(most[0][2]) <= 4, "{svg}");
        assert!(half[0][1] + half[0][3] <= most[0][1], "one below the other: {svg}");
        for text in [">10 s<", ">40 s<", ">0 s<", ">cause<", ">&lt;script&gt;&lt;script&gt;&lt;scri…<"] {
            assert!(svg.contains(text), "{text} {svg}");
        }
    }

    #[test]
    fn a_plot_says_in_words_what_there_is_to_see_and_bears_no_look_of_its_own() {
        let svg = PLOT.columns(&[]);
        assert!(svg.contains("<title id=\"p-title\">Runs &lt;by&gt; day</title>"), "{svg}");
        assert!(svg.contains("<desc id=\"p-gist\">412 runs &amp; more</desc>"), "{svg}");
        assert!(svg.contains("role=\"img\" aria-labelledby=\"p-title p-gist\""), "{svg}");
        for look in ["style=", "#000", "rgb", "opacity", "font-family"] {
            assert!(!svg.contains(look), "{look}: {svg}");
        }
    }
}
