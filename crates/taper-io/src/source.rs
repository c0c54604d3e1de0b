//! The rows of an experiment, wherever they come from.

use std::path::Path;

use taper::table::{Prepared, Roles, TableRows, Target, hold_out};
use taper::{
    Complaint, DataSpec, Dataset, Experiment, PlainRows, Result as TaperResult, Rows, Seed, Shape, Split, TestRows,
    Warning,
};

use crate::table::{Left, Read, TableFile, is_table, no_table, read_table};
use crate::{Error, Result, read_rows};

/// The rows of an experiment before any split, known to suit it as far as that can be known without its model.
#[derive(Debug)]
pub enum Source {
    /// Rows of numbers: generated, built in, or tensors of a file.
    Plain {
        /// The rows, those of a declared test set last.
        data: Dataset,
        /// How many of them are no declared test set.
        development: usize,
        /// The experiment, which says what is done to them.
        experiment: Box<Experiment>,
    },
    /// A table, whose preparation is measured within each split.
    Table(Box<TableRows>),
}

impl Source {
    /// The shape of one row's input.
    ///
    /// # Errors
    ///
    /// None for rows that were read.
    pub fn input_shape(&self) -> TaperResult<Shape> {
        match self {
            Self::Plain { data, .. } => Ok(data.input_shape().clone()),
            Self::Table(rows) => Shape::new([rows.width()]),
        }
    }

    /// What is odd about the rows, and what was done about it.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Plain { .. } => &[],
            Self::Table(rows) => rows.warnings(),
        }
    }

    /// The same rows for a choice: where the experiment says how many rows train, the others are a declared test set.
    ///
    /// # Errors
    ///
    /// More training rows than there are, or none.
    pub fn for_choice(mut self, spec: &DataSpec) -> TaperResult<Self> {
        let Some(train) = spec.train else { return Ok(self) };
        let rows = self.rows();
        if train == 0 || train > rows {
            return Err(Complaint::new("data.train", format!("a whole number from 1 to {rows}"), train).into());
        }
        match &mut self {
            Self::Plain { development, .. } => *development = train,
            Self::Table(rows) => rows.set_development(train),
        }
        Ok(self)
    }

    fn plain(&self) -> Option<PlainRows<'_>> {
        match self {
            Self::Plain { data, development, experiment } => {
                Some(PlainRows { development: *development, ..PlainRows::of(data, experiment) })
            }
            Self::Table(_) => None,
        }
    }
}

/// Every question goes to what the rows are.
macro_rules! ask {
    ($self:ident, $rows:ident => $answer:expr) => {
        match ($self, $self.plain()) {
            (Self::Table($rows), _) => $answer,
            (_, Some($rows)) => $answer,
            _ => unreachable!("rows are plain or a table"),
        }
    };
}

impl Rows for Source {
    fn rows(&self) -> usize {
        ask!(self, rows => rows.rows())
    }

    fn development(&self) -> usize {
        ask!(self, rows => rows.development())
    }

    fn strata(&self) -> Option<Vec<usize>> {
        ask!(self, rows => rows.strata())
    }

    fn stratum_name(&self, row: usize) -> Option<String> {
        ask!(self, rows => rows.stratum_name(row))
    }

    fn groups(&self) -> Option<Vec<usize>> {
        ask!(self, rows => rows.groups())
    }

    fn is_ordered(&self) -> bool {
        ask!(self, rows => rows.is_ordered())
    }

    fn split(&self, train: &[usize], test: &[usize]) -> TaperResult<Split> {
        ask!(self, rows => rows.split(train, test))
    }

    fn prepared(&self, train: &[usize]) -> TaperResult<Option<Prepared>> {
        ask!(self, rows => rows.prepared(train))
    }
}

/// Makes or reads the rows of an experiment, and takes the shape of the model's input from them if it leaves it out. A
/// relative path is meant from `folder`.
///
/// `.csv` files are tables with a header; `.safetensors` files hold `x` (rows first) and `y`.
///
/// # Errors
///
/// Settings that the source cannot use, an unknown ending, everything that can be wrong with a file, rows that do not suit
/// the loss, and everything that is wrong with the model.
pub fn read_source(experiment: &mut Experiment, folder: &Path) -> Result<Source> {
    experiment.validate()?;
    let source = read(experiment, folder)?;
    experiment.complete(&source.input_shape()?)?;
    Ok(source)
}

fn read(experiment: &Experiment, folder: &Path) -> Result<Source> {
    let spec = &experiment.data;
    if spec.is_file() && is_table(Path::new(&spec.source)) {
        return read_table_rows(experiment, folder).map(|rows| Source::Table(Box::new(rows)));
    }
    let mut data = read_rows(spec, folder)?;
    let mut development = data.rows();
    match &spec.test {
        None => {}
        Some(TestRows::File(test)) => {
            let path = folder.join(test);
            let more = read_rows(&DataSpec { source: test.clone(), ..spec.clone() }, folder)?;
            data = data.append(&more).map_err(|error| Error::within(&path, error))?;
        }
        Some(TestRows::Share(share)) => {
            let strata = PlainRows::of(&data, experiment).strata();
            let seed = Seed::new(spec.random_state.unwrap_or(0).into());
            let (own, test) = hold_out(data.rows(), *share, strata.as_deref(), None, spec.is_series(), seed)?;
            development = own.len();
            data = data.select(&[own, test].concat())?;
        }
    }
    Ok(Source::Plain { data, development, experiment: Box::new(experiment.clone()) })
}

fn read_table_rows(experiment: &Experiment, folder: &Path) -> Result<TableRows> {
    let spec = &experiment.data;
    let path = folder.join(&spec.source);
    let plain = TableFile::open(&path, spec)?.without_index(spec);
    let choose = |header: &[String]| Ok(Roles::of(&plain, header)?.wanted(&plain, header));
    let Read { table, left: Left { ragged: skipped, words }, wanted, header } = read_table(&path, spec, &choose)?;
    let mut notes = vec![(path.clone(), skipped)];
    let test = match &spec.test {
        Some(TestRows::File(name)) => {
            let test = folder.join(name);
            if !is_table(&test) {
                return Err(no_table("data.test", Path::new(name)));
            }
            // The columns are those of the first file, by name, and of the kind that they are there.
            let like = |header: &[String]| table.wanted_like(&wanted, header);
            let read = read_table(&test, spec, &like)?;
            notes.push((test, read.left.ragged));
            Some(read.table)
        }
        _ => None,
    };
    let mut rows = TableRows::new(table, test.as_ref(), &plain, experiment.fit.loss)
        .map_err(|error| Error::within(&path, error))?;
    if let Some(choose) = &experiment.choose {
        rows.tell_rare(choose.folds);
    }
    let target = rows.target().name().to_owned();
    let word =
        words.iter().find(|(name, _)| *name == target).filter(|_| matches!(rows.target(), Target::Classes { .. }));
    if let Some((_, words)) = word {
        let message = format!("`{}` means that there is no class; `na = []` makes it one", words.join("`, `"));
        rows.warn(Warning { place: format!("data, column `{target}`"), message });
    }
    let index = Roles::of(&plain, &header)?.index;
    for name in plain.exclude.iter().filter(|name| !spec.exclude.contains(name)).chain(&index) {
        let message = "the index of a data frame names or numbers its rows, and is left out (`features` can name it)";
        rows.warn(Warning { place: format!("data, column `{name}`"), message: message.to_owned() });
    }
    for (path, skipped) in notes.into_iter().filter(|(_, skipped)| *skipped > 0) {
        let message = format!("{skipped} rows are longer or shorter than the header and are left out");
        rows.warn(Warning { place: path.display().to_string(), message });
    }
    Ok(rows)
}
