//! From numbers to marks on a page: scales, axes, legends and the surface they are drawn on.
//!
//! kuva's own plots were tried first. They cut points at the edge of a logarithmic axis in half, have no place for
//! λ = 0 on one, and their SVG does not scale (no `viewBox`). So the axes here are our own, and kuva does what it does
//! well: turning lines, circles and text into SVG and, with a built-in font, into pixels. Only [`canvas`] knows it.

pub(crate) mod canvas;
pub(crate) mod contour;
pub(crate) mod lambda_panel;
pub(crate) mod legend;
pub(crate) mod line;
pub(crate) mod mark;
pub(crate) mod panel;
pub(crate) mod scale;
pub(crate) mod text;
pub(crate) mod tick;
