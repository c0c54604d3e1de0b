//! The surface that figures are drawn on. The only module that knows kuva.

use kuva::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use crate::error::{Error, Result};
use crate::palette::Rgb;

/// Width of every figure in SVG user units; a PNG has twice as many pixels.
pub(crate) const WIDTH: f64 = 800.0;

/// Pixels per user unit in a PNG.
const PNG_SCALE: f32 = 2.0;

/// What a browser finds on the usual systems; DejaVu Sans, with which text is measured, is the widest of them.
const FONTS: &str =
    "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// How a line looks. Widths are in user units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) color: Rgb,
    pub(crate) width: f64,
    /// SVG dash pattern, such as `6,4`.
    pub(crate) dash: Option<&'static str>,
}

impl Stroke {
    pub(crate) fn solid(color: Rgb, width: f64) -> Self {
        Self { color, width, dash: None }
    }

    pub(crate) fn dashed(self, dash: Option<&'static str>) -> Self {
        Self { dash, ..self }
    }
}

/// Which end of the text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// What marks a point. A figure uses shapes beside colours, so that neither has to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Circle,
    Diamond,
    Triangle,
    Square,
}

impl Shape {
    /// The corners around (0, 0) of a shape about as large as a circle of radius `r`; none for the circle.
    fn corners(self, r: f64) -> Vec<(f64, f64)> {
        match self {
            Shape::Circle => Vec::new(),
            Shape::Diamond => vec![(0.0, -1.25 * r), (1.25 * r, 0.0), (0.0, 1.25 * r), (-1.25 * r, 0.0)],
            Shape::Triangle => vec![(0.0, -1.25 * r), (1.2 * r, 0.85 * r), (-1.2 * r, 0.85 * r)],
            Shape::Square => vec![(-0.9 * r, -0.9 * r), (0.9 * r, -0.9 * r), (0.9 * r, 0.9 * r), (-0.9 * r, 0.9 * r)],
        }
    }
}

/// Marks in the order they are painted. Anything with a coordinate that is not finite is not painted: no figure can
/// carry `NaN` into a file.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    /// Set when the figure knows how tall it has become.
    pub(crate) height: f64,
    marks: Vec<Primitive>,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self { height: 1.0, marks: Vec::new() }
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.polyline(vec![from, to], stroke);
    }

    pub(crate) fn polyline(&mut self, points: Vec<(f64, f64)>, stroke: Stroke) {
        if points.len() < 2 || !points.iter().all(|&(x, y)| paintable(&[x, y])) {
            return;
        }
        self.marks.push(Primitive::PolyLine {
            points,
            stroke: color(stroke.color),
            stroke_width: stroke.width,
            stroke_dasharray: stroke.dash.map(str::to_owned),
        });
    }

    /// Closed rings filled together (nonzero rule): a ring that runs the other way is a hole.
    pub(crate) fn fill(&mut self, rings: &[Vec<(f64, f64)>], fill: Rgb) {
        self.path(rings, fill, None);
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: Rgb) {
        if paintable(&[x, y, width, height]) {
            self.marks.push(Primitive::Rect {
                x,
                y,
                width,
                height,
                fill: color(fill),
                stroke: None,
                stroke_width: None,
                opacity: None,
            });
        }
    }

    /// A point mark at `at`, about as large as a circle of radius `r`.
    pub(crate) fn marker(&mut self, shape: Shape, at: (f64, f64), r: f64, fill: Rgb, edge: Stroke) {
        if !paintable(&[at.0, at.1, r]) {
            return;
        }
        if shape == Shape::Circle {
            self.marks.push(Primitive::Circle {
                cx: at.0,
                cy: at.1,
                r,
                fill: color(fill),
                fill_opacity: None,
                stroke: Some(color(edge.color)),
                stroke_width: Some(edge.width),
            });
        } else {
            let ring: Vec<_> = shape.corners(r).into_iter().map(|(dx, dy)| (at.0 + dx, at.1 + dy)).collect();
            self.path(&[ring], fill, Some(edge));
        }
    }

    /// A diagonal cross: a value that is not finite.
    pub(crate) fn cross(&mut self, at: (f64, f64), r: f64, stroke: Stroke) {
        self.line((at.0 - r, at.1 - r), (at.0 + r, at.1 + r), stroke);
        self.line((at.0 - r, at.1 + r), (at.0 + r, at.1 - r), stroke);
    }

    /// Text with its baseline at `at`.
    pub(crate) fn text(&mut self, at: (f64, f64), content: &str, size: u32, anchor: Anchor, ink: Rgb) {
        if !paintable(&[at.0, at.1]) || content.is_empty() {
            return;
        }
        self.marks.push(Primitive::Text {
            x: at.0,
            y: at.1,
            content: plain(content),
            size,
            anchor: match anchor {
                Anchor::Start => TextAnchor::Start,
                Anchor::Middle => TextAnchor::Middle,
                Anchor::End => TextAnchor::End,
            },
            rotate: None,
            bold: false,
            color: Some(color(ink)),
        });
    }

    /// What `draw` paints belongs to the series of this name, which a reader of a page can hide.
    pub(crate) fn series(&mut self, name: &str, draw: impl FnOnce(&mut Self)) {
        self.group("data-series", name, draw);
    }

    /// What the point at `at` means, for a reader who points at it.
    pub(crate) fn tip(&mut self, at: (f64, f64), text: &str) {
        if paintable(&[at.0, at.1]) {
            self.group("data-tip", text, |canvas| {
                canvas.marks.push(Primitive::Circle {
                    cx: at.0,
                    cy: at.1,
                    r: 8.0,
                    fill: Color::None,
                    fill_opacity: None,
                    stroke: None,
                    stroke_width: None,
                });
            });
        }
    }

    fn group(&mut self, attribute: &str, text: &str, draw: impl FnOnce(&mut Self)) {
        let attribute = format!("{attribute}=\"{}\"", escape(&printable(text)));
        self.marks.push(Primitive::GroupStart { transform: None, title: None, extra_attrs: Some(attribute) });
        draw(self);
        self.marks.push(Primitive::GroupEnd);
    }

    /// The SVG document, with `alt` as its accessible name.
    pub(crate) fn svg(&self, alt: &str) -> String {
        self.document(alt, &self.still())
    }

    /// The same with its series told apart and with its numbers, for a page whose script shows them.
    pub(crate) fn live_svg(&self, alt: &str) -> String {
        self.document(alt, &self.marks)
    }

    /// The marks without what only a script has a use for.
    fn still(&self) -> Vec<Primitive> {
        let mut still = Vec::with_capacity(self.marks.len());
        let mut hidden = Vec::new();
        for mark in &self.marks {
            match mark {
                Primitive::GroupStart { extra_attrs, .. } => {
                    hidden.push(extra_attrs.as_ref().is_some_and(|attributes| attributes.starts_with("data-tip")));
                }
                Primitive::GroupEnd => {
                    hidden.pop();
                }
                mark if !hidden.contains(&true) => still.push(mark.clone()),
                _ => {}
            }
        }
        still
    }

    fn document(&self, alt: &str, marks: &[Primitive]) -> String {
        let drawn = SvgBackend::new().with_pretty(true).render_scene(&self.scene(marks));
        // kuva writes a fixed size only. Without a viewBox the figure could not be scaled to the page.
        let inside = drawn.split_once("-->\n").map_or(drawn.as_str(), |(_, inside)| inside);
        let (height, fonts, alt) = (self.height.ceil(), escape(FONTS), escape(&printable(alt)));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"{fonts}\" role=\"img\" aria-label=\"{alt}\">\n{inside}"
        )
    }

    /// The PNG file, 1600 pixels wide.
    pub(crate) fn png(&self) -> Result<Vec<u8>> {
        RasterBackend::new().with_scale(PNG_SCALE).render_scene(&self.scene(&self.still())).map_err(Error::Png)
    }

    fn scene(&self, marks: &[Primitive]) -> Scene {
        let mut scene = Scene::new(WIDTH, self.height.ceil()).with_background(Some("#ffffff"));
        scene.elements = marks.to_vec();
        scene
    }

    fn path(&mut self, rings: &[Vec<(f64, f64)>], fill: Rgb, edge: Option<Stroke>) {
        let mut d = String::new();
        for ring in rings {
            if ring.len() < 3 || !ring.iter().all(|&(x, y)| paintable(&[x, y])) {
                continue;
            }
            for (i, (x, y)) in ring.iter().enumerate() {
                let command = if i == 0 { 'M' } else { 'L' };
                d.push_str(&format!("{command}{x:.1} {y:.1} "));
            }
            d.push_str("Z ");
        }
        if d.is_empty() {
            return;
        }
        self.marks.push(Primitive::Path(Box::new(PathData {
            d: d.trim_end().to_owned(),
            fill: Some(color(fill)),
            stroke: edge.map_or(Color::None, |edge| color(edge.color)),
            stroke_width: edge.map_or(0.0, |edge| edge.width),
            opacity: None,
            stroke_dasharray: None,
        })));
    }
}

fn color(rgb: Rgb) -> Color {
    Color::Rgb(rgb.0, rgb.1, rgb.2)
}

/// Finite and near the page: the rasterizer works with 32-bit pixels.
fn paintable(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite() && value.abs() < 1e5)
}

/// Text as kuva has to be given it: it reads `$...$` as mathematics, and a label is just a label.
fn plain(text: &str) -> String {
    printable(text).replace('$', "\\$")
}

/// Text without the characters that XML cannot hold, not even escaped.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::INK;

    #[test]
    fn what_is_not_finite_is_not_painted() {
        let mut canvas = Canvas::new();
        canvas.line((f64::NAN, 0.0), (1.0, 1.0), Stroke::solid(INK, 1.0));
        canvas.polyline(vec![(0.0, 0.0), (1.0, f64::INFINITY)], Stroke::solid(INK, 1.0));
        canvas.marker(Shape::Circle, (f64::NAN, 1.0), 3.0, INK, Stroke::solid(INK, 1.0));
        canvas.marker(Shape::Diamond, (1e300, 1.0), 3.0, INK, Stroke::solid(INK, 1.0));
        canvas.text((0.0, f64::NAN), "here", 14, Anchor::Start, INK);
        canvas.rect(0.0, 0.0, f64::NAN, 1.0, INK);
        canvas.fill(&[vec![(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0)]], INK);
        assert!(canvas.marks.is_empty());
    }

    #[test]
    fn series_and_numbers_are_in_the_live_picture_only() {
        let mut canvas = Canvas::new();
        canvas.series("a <b>", |canvas| {
            canvas.rect(0.0, 0.0, 1.0, 1.0, INK);
            canvas.tip((3.0, 4.0), "x = \"1\"");
        });
        let (still, live) = (canvas.svg(""), canvas.live_svg(""));
        assert!(!still.contains("data-") && !still.contains("<g") && !still.contains("<circle"), "{still}");
        assert!(
            live.contains("data-series=\"a &lt;b&gt;\"") && live.contains("data-tip=\"x = &quot;1&quot;\""),
            "{live}"
        );
        assert_eq!(live.matches("<g").count(), live.matches("</g>").count());
    }

    #[test]
    fn text_is_inert_and_complete() {
        let mut canvas = Canvas::new();
        for text in ["<img onerror=alert(1)>", "a $x^2$ b", "\\$5 \\ $6", "bell\u{7}\u{ffff}", "& 'q' \"d\""] {
            canvas.text((0.0, 0.0), text, 14, Anchor::Start, INK);
        }
        let svg = canvas.svg("alt \"<b>\" \u{0}");
        for expected in [
            "&lt;img onerror=alert(1)&gt;",
            ">a $x^2$ b<",
            ">\\$5 \\ $6<",
            ">bell  <",
            "&amp; &apos;q&apos; &quot;d&quot;",
            "aria-label=\"alt &quot;&lt;b&gt;&quot;  \"",
        ] {
            assert!(svg.contains(expected), "{expected} in {svg}");
        }
        assert!(!svg.contains("<img") && !svg.contains("<b>"));
    }

    #[test]
    fn the_svg_scales_and_the_png_is_twice_as_large() -> Result<()> {
        let mut canvas = Canvas::new();
        canvas.height = 99.5;
        let svg = canvas.svg("");
        assert!(
            svg.starts_with("<svg ") && svg.contains("viewBox=\"0 0 800 100\"") && svg.ends_with("</svg>\n"),
            "{svg}"
        );
        assert_eq!(svg.matches("<svg").count(), 1);
        let png = canvas.png()?;
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&png[16..24], &[0, 0, 6, 64, 0, 0, 0, 200], "1600 x 200 pixels");
        Ok(())
    }
}
