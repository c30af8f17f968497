//! The canvas: what the plotting library draws, written down as SVG whose looks are classes.
//!
//! Its own SVG has colours and fonts in it, which follow neither light and dark nor the page's policy.

use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::ink::Ink;
use crate::http::pages::engine::escaped;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Takes what is drawn.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    /// Elements of SVG.
    elements: &'a mut String,
    size: (u32, u32),
}

impl<'a> Canvas<'a> {
    /// Begins a drawing of this size, in pixels.
    pub(super) fn new(elements: &'a mut String, size: (u32, u32)) -> Self {
        Self { elements, size }
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // To memory everything can be written.
        let _ = self.elements.write_fmt(element);
    }
}

/// Returns what something is drawn in; `None` where it is not to be seen.
fn ink(color: BackendColor) -> Option<Ink> {
    (color.alpha > 0.0).then(|| Ink::of(color.rgb))
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let Some(ink) = ink(color) else { return Ok(()) };
        self.add(format_args!("<rect {} x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\"/>", ink.fill()));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let Some(ink) = ink(style.color()) else { return Ok(()) };
        let mut points = String::new();
        for (x, y) in path {
            // Half a pixel in, where a line of one pixel is sharp.
            let _ = write!(points, "{x}.5,{y}.5 ");
        }
        self.add(format_args!("<polyline class=\"{}\" points=\"{}\"/>", ink.class(), points.trim_end()));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            return self
                .draw_path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], style);
        }
        let Some(ink) = ink(style.color()) else { return Ok(()) };
        let (width, height) = (right.abs_diff(left), bottom.abs_diff(top));
        let (x, y) = (left.min(right), top.min(bottom));
        self.add(format_args!(
            "<rect {} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>",
            ink.fill()
        ));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let Some(ink) = ink(style.color()) else { return Ok(()) };
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // Shares of the font's size, by which a line of figures stands at its place.
        let down = match style.anchor().v_pos {
            VPos::Top => "0.76em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.25em",
        };
        self.add(format_args!(
            "<text class=\"{}\" x=\"{x}\" y=\"{y}\" dy=\"{down}\" text-anchor=\"{anchor}\" font-size=\"{}\">{}</text>",
            ink.class(),
            style.size(),
            escaped(text)
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::prelude::*;
    use plotters::style::text_anchor::{HPos, Pos, VPos};

    use super::*;

    fn drawn(draw: impl FnOnce(&DrawingArea<Canvas<'_>, plotters::coord::Shift>)) -> String {
        let mut elements = String::new();
        draw(&Canvas::new(&mut elements, (100, 100)).into_drawing_area());
        elements
    }

    #[test]
    fn shapes_are_drawn_in_classes_and_none_has_a_colour() {
        let svg = drawn(|area| {
            area.draw(&Rectangle::new([(30, 40), (10, 20)], Ink::Dead.color().filled())).unwrap();
            area.draw(&Rectangle::new([(1, 2), (3, 4)], Ink::CauseBegun.color().filled())).unwrap();
            area.draw(&PathElement::new([(0, 0), (5, 5)], Ink::Line.color())).unwrap();
            area.draw(&Rectangle::new([(0, 0), (9, 9)], TRANSPARENT.filled())).unwrap();
        });
        assert_eq!(
            svg,
            "<rect class=\"ink-bad\" x=\"10\" y=\"20\" width=\"20\" height=\"20\"/>\
             <rect class=\"hatched\" fill=\"url(#hatch-ink-cause)\" x=\"1\" y=\"2\" width=\"2\" height=\"2\"/>\
             <polyline class=\"ink-line\" points=\"0.5,0.5 5.5,5.5\"/>"
        );
    }

    #[test]
    fn words_are_nothing_but_words() {
        let svg = drawn(|area| {
            let style = ("sans-serif", 12).into_font().color(&Ink::Text.color());
            area.draw_text("</text><script>", &style.pos(Pos::new(HPos::Right, VPos::Center)), (7, 8))
                .unwrap();
        });
        assert_eq!(
            svg,
            "<text class=\"ink-text\" x=\"7\" y=\"8\" dy=\"0.35em\" text-anchor=\"end\" font-size=\"12\">\
             &lt;/text&gt;&lt;script&gt;</text>"
        );
    }
}
