//! What can go wrong between numbers and a file.

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a figure or a page could not be made. The data never is the reason: figures take any numbers.
///
/// # Example
///
/// ```
/// let error = taper_report::Error::Png("scene has zero dimensions".into());
/// assert_eq!(error.to_string(), "cannot draw the figure as PNG: scene has zero dimensions");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rasterizer or the PNG encoder refused.
    #[error("cannot draw the figure as PNG: {0}")]
    Png(String),
    /// The page's template failed.
    #[error("cannot fill the report's template: {0}")]
    Template(#[from] minijinja::Error),
}
