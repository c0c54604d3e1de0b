//! Tables whose numbers look alike.

use crate::number;

/// A table: a head and rows of cells. Short rows are filled up with empty cells, long ones cut.
///
/// # Example
///
/// ```
/// use taper_report::{Cell, Table};
///
/// let table = Table::new(["λ", "accuracy", "verdict"])
///     .caption("Thirty splits.")
///     .row([Cell::lambda(0.0), Cell::mean_spread(0.914, 0.02, 3), Cell::text("baseline")])
///     .chosen([Cell::lambda(1e-3), Cell::mean_spread(0.943, 0.007, 3), Cell::text("best")]);
/// assert_eq!(table.rows.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Column heads, with units.
    pub head: Vec<String>,
    /// What the numbers are; may be empty.
    pub caption: String,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// Index of the row that the report is about, if there is one.
    pub chosen: Option<usize>,
}

/// A cell: text as it will stand there, and whether it is a number.
///
/// # Example
///
/// ```
/// use taper_report::Cell;
///
/// assert_eq!(Cell::mean_spread(0.94345, 0.00711, 3).text, "0.943 ± 0.007");
/// assert_eq!(Cell::number(f64::NAN, 3).text, "not finite");
/// assert_eq!(Cell::difference(0.029, 0.012, 0.046, 3).text, "+0.029 [+0.012, +0.046]");
/// assert!(Cell::lambda(1e-3).numeric && !Cell::text("1e-3").numeric);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is read.
    pub text: String,
    /// Numbers stand to the right, digit under digit.
    pub numeric: bool,
}

impl Table {
    /// A table without rows yet.
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Says what the numbers are.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize_with(self.head.len(), Cell::default);
        self.rows.push(cells);
        self
    }

    /// Adds the row that the report is about.
    #[must_use]
    pub fn chosen(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.chosen = Some(self.rows.len());
        self.row(cells)
    }

    /// Is a column one of numbers: all its cells, other than empty ones?
    pub(crate) fn is_numeric(&self, column: usize) -> bool {
        let mut cells =
            self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.text.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.numeric)
    }
}

impl Cell {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), numeric: false }
    }

    /// A number with `decimals` digits after the point.
    pub fn number(value: f64, decimals: usize) -> Self {
        Self::numeric(number::fixed(value, decimals))
    }

    /// A difference: `+0.012`.
    pub fn signed(value: f64, decimals: usize) -> Self {
        Self::numeric(number::signed(value, decimals))
    }

    /// A whole number.
    pub fn count(value: usize) -> Self {
        Self::numeric(value.to_string())
    }

    /// A mean and its spread: `0.943 ± 0.007`.
    pub fn mean_spread(mean: f64, spread: f64, decimals: usize) -> Self {
        Self::numeric(number::mean_spread(mean, spread, decimals))
    }

    /// A difference with its interval: `+0.012 [−0.003, +0.027]`.
    pub fn difference(mean: f64, lower: f64, upper: f64, decimals: usize) -> Self {
        Self::numeric(number::difference(mean, lower, upper, decimals))
    }

    /// A penalty strength: `1e-3`; 0 reads `none`.
    pub fn lambda(value: f64) -> Self {
        Self::numeric(number::lambda(value))
    }

    fn numeric(text: String) -> Self {
        Self { text, numeric: true }
    }
}
