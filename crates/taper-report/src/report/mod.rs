//! A report as data: what is said, in order. [`html`](Report::html) and [`markdown`](Report::markdown) say it.

mod html;
mod markdown;
pub(crate) mod table;

use crate::figure::Figure;
use table::Table;

/// A report: a verdict, the sections that carry it, and how to get the same again.
///
/// Every string is text, not markup: it appears as it is, whatever characters it has.
///
/// # Example
///
/// ```
/// use taper_report::{Cell, Report, Reproduce, Section, Table};
///
/// let table = Table::new(["λ", "accuracy"]).row([Cell::lambda(1e-3), Cell::mean_spread(0.943, 0.007, 3)]);
/// let report = Report::new("Two moons", "λ = 1e-3 is best by 2.9 points.")
///     .section(Section::new("Scores").paragraph("Thirty splits, the same for every λ.").table(table))
///     .reproduce(Reproduce { command: "taper study moons.toml".into(), experiment: "[data]\n".into() });
/// assert!(report.html()?.contains("0.943 ± 0.007"));
/// assert!(report.markdown().starts_with("# Two moons\n"));
/// # Ok::<(), taper_report::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was studied.
    pub title: String,
    /// The verdict: a sentence that a person can act on.
    pub lede: String,
    /// What carries the verdict.
    pub sections: Vec<Section>,
    /// How to get the same again.
    pub reproduce: Option<Reproduce>,
    /// Whether the page shows numbers under the pointer and lets series be hidden. That takes a script, which stands in the
    /// page; no other may run there, and nothing is loaded.
    pub live: bool,
}

/// A heading and what follows it.
///
/// # Example
///
/// ```
/// use taper_report::Section;
///
/// let section = Section::new("Which strength").paragraph("One.").paragraph("Two.");
/// assert_eq!(section.blocks.len(), 2);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// Paragraphs, tables and figures in the order in which they are read.
    pub blocks: Vec<Block>,
}

/// One thing in a section.
///
/// # Example
///
/// ```
/// use taper_report::{Block, Section};
///
/// assert!(matches!(Section::new("a").paragraph("b").blocks[0], Block::Paragraph(_)));
/// ```
#[derive(Debug, Clone)]
pub enum Block {
    /// A paragraph of plain text.
    Paragraph(String),
    /// A table.
    Table(Table),
    /// A figure with its caption.
    Figure(Illustration),
}

/// A figure with its caption and the name of its file.
///
/// # Example
///
/// ```
/// use taper_report::{Illustration, LearningCurves};
///
/// let figure = LearningCurves::default().figure();
/// let illustration = Illustration { name: "curves".into(), figure, caption: "One run.".into() };
/// assert_eq!(illustration.name, "curves");
/// ```
#[derive(Debug, Clone)]
pub struct Illustration {
    /// Name of its file without the ending; see [`Report::figures`].
    pub name: String,
    /// The picture.
    pub figure: Figure,
    /// What to see in it.
    pub caption: String,
}

/// How to get the same result again.
///
/// # Example
///
/// ```
/// use taper_report::Reproduce;
///
/// let how = Reproduce { command: "taper study moons.toml".into(), experiment: "[data]\nsource = \"moons\"\n".into() };
/// assert!(how.experiment.starts_with("[data]"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Reproduce {
    /// The command line.
    pub command: String,
    /// The text of the experiment file; empty: there is none.
    pub experiment: String,
}

impl Report {
    /// A report that so far has a title and a verdict.
    pub fn new(title: impl Into<String>, lede: impl Into<String>) -> Self {
        Self { title: title.into(), lede: lede.into(), ..Self::default() }
    }

    /// Adds a section.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The same report, whose page answers to the pointer.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Says how to get the same again.
    #[must_use]
    pub fn reproduce(mut self, how: Reproduce) -> Self {
        self.reproduce = Some(how);
        self
    }

    /// The figures with the names under which [`Report::markdown`] looks for them: a figure called `norms` belongs into
    /// `figure/norms.svg` beside the Markdown file.
    ///
    /// Names are made of a to z, digits and `-` only, so they are safe as parts of paths; one that is taken gets a number.
    ///
    /// # Example
    ///
    /// ```
    /// use taper_report::{LearningCurves, Report, Section};
    ///
    /// let curves = || LearningCurves::default().figure();
    /// let section = Section::new("Runs").figure("../Loss", curves(), "First.").figure("loss", curves(), "Second.");
    /// let report = Report::new("Runs", "None.").section(section);
    /// let names: Vec<String> = report.figures().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["loss", "loss-2"]);
    /// ```
    pub fn figures(&self) -> Vec<(String, &Figure)> {
        let mut named: Vec<(String, &Figure)> = Vec::new();
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        for illustration in blocks.filter_map(Block::illustration) {
            let stem = stem(&illustration.name);
            let mut name = stem.clone();
            let mut number = 2;
            while named.iter().any(|(taken, _)| *taken == name) {
                name = format!("{stem}-{number}");
                number += 1;
            }
            named.push((name, &illustration.figure));
        }
        named
    }
}

impl Section {
    /// A section without content yet.
    pub fn new(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), blocks: Vec::new() }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn paragraph(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Paragraph(text.into()));
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// Adds a figure with the name of its file and its caption.
    #[must_use]
    pub fn figure(mut self, name: impl Into<String>, figure: Figure, caption: impl Into<String>) -> Self {
        self.blocks.push(Block::Figure(Illustration { name: name.into(), figure, caption: caption.into() }));
        self
    }
}

impl Block {
    fn illustration(&self) -> Option<&Illustration> {
        match self {
            Block::Figure(illustration) => Some(illustration),
            Block::Paragraph(_) | Block::Table(_) => None,
        }
    }
}

/// A file name without anything that a path could be made of.
fn stem(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut stem = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    stem.truncate(80);
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "figure".to_owned() } else { stem.to_owned() }
}
