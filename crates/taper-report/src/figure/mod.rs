//! Figures: numbers in, a picture out. One file per figure.

pub(crate) mod calibration;
pub(crate) mod growth;
pub(crate) mod learning_curves;
pub(crate) mod paired_difference;
pub(crate) mod sample_size;
pub(crate) mod scatter;
pub(crate) mod score_vs_lambda;
pub(crate) mod surface;
pub(crate) mod weight_norms;

use crate::draw::canvas::Canvas;
use crate::error::Result;

/// A drawn figure on white, 800 units wide, with a text that says what it shows.
///
/// # Example
///
/// ```
/// use taper_report::LearningCurves;
///
/// let figure = LearningCurves { epoch: vec![1.0, 2.0], data_loss: vec![0.7, 0.6], ..Default::default() }.figure();
/// assert!(figure.svg().contains("viewBox"));
/// assert_eq!(&figure.png()?[1..4], b"PNG");
/// # Ok::<(), taper_report::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Figure {
    canvas: Canvas,
    alt: String,
}

impl Figure {
    /// Closes a canvas that is drawn down to `bottom`.
    fn new(mut canvas: Canvas, bottom: f64, alt: String) -> Self {
        canvas.height = bottom + 6.0;
        Self { canvas, alt }
    }

    /// The figure as a stand-alone SVG document, which can also stand inside an HTML page: it scales, refers to nothing
    /// outside itself, holds no script and no ids.
    pub fn svg(&self) -> String {
        self.canvas.svg(&self.alt)
    }

    /// The figure as it stands in a live page: its series and the numbers of its points are marked for the page's script.
    pub(crate) fn live_svg(&self) -> String {
        self.canvas.live_svg(&self.alt)
    }

    /// The figure as a PNG file, 1600 pixels wide. The font is built in.
    ///
    /// # Errors
    ///
    /// [`Error::Png`](crate::Error::Png) when the encoder fails.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.canvas.png()
    }

    /// What the figure shows, for those who do not see it.
    pub fn alt(&self) -> &str {
        &self.alt
    }

    /// The same figure with another text for those who do not see it.
    #[must_use]
    pub fn with_alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = alt.into();
        self
    }
}
