//! Observers that write files: a log of epochs, checkpoints of weights.

use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use taper::{Complaint, EpochRow, Flow, History, Model, Observer, StopReason, TrainState};

use crate::file::read_text;
use crate::{Error, Result, write_atomic, write_checkpoint};

type Outcome = std::result::Result<Flow, Box<dyn std::error::Error + Send + Sync>>;

/// Writes each epoch as a line of a CSV file, whole before the next epoch begins: the columns of a [`taper::History`], and of every
/// layer with parameters `effective_parameters/LAYER` and, where units can be counted, `dead_units/LAYER`
/// ([`taper::LayerSparsity`]).
#[derive(Debug)]
pub struct CsvLogger {
    writer: csv::Writer<BufWriter<File>>,
    begun: bool,
}

impl CsvLogger {
    /// A log in a new file; an old one of that name is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self> {
        // Taken away, not written to: it may be a link to something else.
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(Error::io(path, "writing", source)),
            _ => {}
        }
        let file = File::create_new(path).map_err(|source| Error::io(path, "writing", source))?;
        Ok(Self { writer: csv::Writer::from_writer(BufWriter::new(file)), begun: false })
    }
}

impl CsvLogger {
    /// A log that goes on behind the first `epochs` of an older one, and what it says of these; what it says of later ones is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; a log of fewer epochs, or none.
    pub fn resume(path: &Path, epochs: usize) -> Result<(Self, History)> {
        let text = read_text(path, u64::MAX)?;
        let lines: Vec<&str> = text.split_inclusive('\n').take(epochs + 1).collect();
        let kept = lines.concat();
        let wrong = |got: String| Error::content(path, Complaint::new("", format!("a log of {epochs} epochs"), got));
        let mut reader = csv::Reader::from_reader(kept.as_bytes());
        let names: Vec<String> = match reader.headers() {
            Ok(head) if head.get(0) == Some("epoch") => {
                let of_history = |name: &&str| !AT_WORK.iter().any(|start| name.starts_with(start));
                head.iter().skip(1).take_while(of_history).map(str::to_owned).collect()
            }
            _ => return Err(wrong("another file".to_owned())),
        };
        let mut columns = vec![Vec::with_capacity(epochs); names.len()];
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            for (column, cell) in columns.iter_mut().zip(record.iter().skip(1)) {
                column.push(cell.parse().map_err(|_| wrong(format!("`{cell}`")))?);
            }
        }
        let told = columns.first().map_or(0, Vec::len);
        if told != epochs || !kept.ends_with('\n') {
            return Err(wrong(format!("{told} epochs")));
        }
        write_atomic(path, kept.as_bytes())?;
        let file = File::options().append(true).open(path).map_err(|source| Error::io(path, "writing", source))?;
        let log = Self { writer: csv::Writer::from_writer(BufWriter::new(file)), begun: true };
        Ok((log, History { names, columns, stop: StopReason::Completed }))
    }
}

/// How the columns begin that a history does not have.
const AT_WORK: [&str; 2] = ["dead_units/", "effective_parameters/"];

impl Observer for CsvLogger {
    fn epoch_end(&mut self, row: &EpochRow<'_>, model: &Model, _state: &TrainState) -> Outcome {
        let at_work = at_work(model)?;
        if !self.begun {
            let names = row.names.iter().map(String::as_str);
            self.writer.write_record(
                ["epoch"].into_iter().chain(names).chain(at_work.iter().map(|(name, _)| name.as_str())),
            )?;
            self.begun = true;
        }
        self.writer.write_field(row.epoch.to_string())?;
        let counts = at_work.iter().map(|(_, count)| count.to_string());
        self.writer.write_record(row.values.iter().map(ToString::to_string).chain(counts))?;
        self.writer.flush()?;
        Ok(Flow::Continue)
    }
}

/// What is at work of each layer that has parameters.
fn at_work(model: &Model) -> taper::Result<Vec<(String, usize)>> {
    let mut columns = vec![];
    for layer in model.sparsity()?.into_iter().filter(|layer| layer.effective_parameters + layer.zeros > 0) {
        let [dead_units, effective] = AT_WORK;
        columns.extend(layer.dead_units.map(|dead| (format!("{dead_units}{}", layer.name), dead)));
        columns.push((format!("{effective}{}", layer.name), layer.effective_parameters));
    }
    Ok(columns)
}

/// Writes the model, and where its training stands, whenever the monitored column is the best so far; the file is always whole.
/// [`read_checkpoint`](crate::read_checkpoint) goes on from it.
#[derive(Debug)]
pub struct ModelCheckpoint {
    path: PathBuf,
    monitor: String,
    maximize: bool,
    best: f64,
}

impl ModelCheckpoint {
    /// The best model by this column of the history (see [`taper::History`]) at this path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, monitor: impl Into<String>, maximize: bool) -> Self {
        let best = if maximize { f64::NEG_INFINITY } else { f64::INFINITY };
        Self { path: path.into(), monitor: monitor.into(), maximize, best }
    }
}

impl Observer for ModelCheckpoint {
    fn epoch_end(&mut self, row: &EpochRow<'_>, model: &Model, state: &TrainState) -> Outcome {
        let Some(value) = row.get(&self.monitor) else {
            return Err(format!("checkpoint: there is no column `{}`", self.monitor).into());
        };
        if if self.maximize { value > self.best } else { value < self.best } {
            self.best = value;
            write_checkpoint(&self.path, model, state)?;
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper::{Activation, Dataset, Dense, FitConfig, Loss, Seed, Sequential, data::make_moons, fit};

    #[test]
    fn a_training_leaves_its_log_and_its_best_model() {
        let folder = tempfile::tempdir().unwrap();
        let data = Dataset::from_sample(&make_moons(60, 0.2, 1).unwrap()).unwrap();
        let spec = Sequential::new([2]).layer(Dense::new(1).activation(Activation::Sigmoid));
        let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).epochs(5);

        let log = folder.path().join("log.csv");
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        fit(&mut model, &data, None, &config, Seed::new(1), &mut CsvLogger::create(&log).unwrap()).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with("epoch,loss,data_loss,penalty,") && text.lines().count() == 6, "{text}");
        assert!(text.contains(",seconds,dead_units/dense,effective_parameters/dense\n"), "{text}");

        let best = folder.path().join("best.safetensors");
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        let mut checkpoint = ModelCheckpoint::new(&best, "loss", false);
        fit(&mut model, &data, None, &config, Seed::new(1), &mut checkpoint).unwrap();
        assert_eq!(crate::read_model(&best).unwrap().params(), model.params(), "the loss fell in every epoch");
    }
}
