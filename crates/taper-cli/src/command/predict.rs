//! `taper predict`: what a model says of the rows of a file, a part of them at a time.

use std::path::Path;

use taper::Complaint;
use taper::table::{Labels, Meaning};
use taper_io::{CellsOut, ColumnKind, Format, SavedModel, TableFile, TableWriter, is_stream, is_table};

use crate::args::Predict;
use crate::failure::Failure;
use crate::{output, saved};

pub(crate) fn run(args: &Predict) -> Result<(), Failure> {
    let saved = saved::read(&args.model, args.architecture.as_deref(), args.unseen.map(Into::into))?;
    if !is_stream(&args.out) {
        Format::one_of("--out", &args.out, Format::TABLES)?;
    }
    let parts = Parts(saved.meaning());
    let (rows, unseen) =
        if is_table(&args.rows) { tables(args, &saved, &parts)? } else { tensors(args, &saved, &parts)? };
    if unseen > 0 {
        output::note(&format!(
            "warning: {}: {unseen} cells hold a category that no training row had; it counts as none of the known ones",
            args.rows.display()
        ));
    }
    output::note(&format!("{rows} predictions: {}", args.out.display()));
    Ok(())
}

/// Predicts for a table, part by part.
fn tables(args: &Predict, saved: &SavedModel, parts: &Parts) -> Result<(usize, usize), Failure> {
    let prepared = saved::prepared(saved, &args.model)?;
    let mut file = TableFile::open(&args.rows, &saved::data_spec(saved))?;
    let about = |error| Failure::from(taper_io::Error::about(&args.rows, error));
    let wanted = prepared.wanted(file.header(), false).map_err(about)?;
    let mut writer: Option<TableWriter> = None;
    let (mut rows, mut unseen) = (0, 0);
    while let Some(table) = file.next_table(&wanted)? {
        let all: Vec<usize> = (0..table.rows()).collect();
        let (x, strange) = prepared.inputs(&table, &all).map_err(about)?;
        // The first rows are known to be good before anything is written.
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(create(args, parts)?),
        };
        parts.write(writer, saved.model.predict(&x)?)?;
        rows += table.rows();
        unseen += strange;
    }
    match writer {
        Some(writer) => writer.finish()?,
        None => {
            let complaint = Complaint::new("", "at least one row below the header", "none");
            return Err(about(complaint.into()));
        }
    }
    Ok((rows, unseen))
}

/// Predicts for rows of numbers that are ready.
fn tensors(args: &Predict, saved: &SavedModel, parts: &Parts) -> Result<(usize, usize), Failure> {
    let x = taper_io::read_inputs(&args.rows, saved.model.input_shape(), saved.prepared.as_ref())?;
    let width = saved.model.input_shape().len();
    let mut writer = create(args, parts)?;
    const ROWS: usize = 4096;
    for x in x.chunks(ROWS * width) {
        parts.write(&mut writer, saved.model.predict(x)?)?;
    }
    writer.finish()?;
    Ok((x.len() / width, 0))
}

fn create(args: &Predict, parts: &Parts) -> Result<TableWriter, Failure> {
    let out = &args.out;
    if !is_stream(out) {
        let folder = super::folder_of(out);
        taper_io::check_writable(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    }
    Ok(TableWriter::create(out, &parts.columns(), super::audience(args.spreadsheet))?)
}

/// What a row of outputs means, as columns of a table.
struct Parts(Meaning);

impl Parts {
    fn columns(&self) -> Vec<(String, ColumnKind)> {
        let probability = |label: &String| (format!("p({label})"), ColumnKind::Numbers);
        let prediction = |labels: &Labels| match labels {
            Labels::Numbers(_) => ("prediction".to_owned(), ColumnKind::Optional),
            Labels::Names(_) => ("prediction".to_owned(), ColumnKind::Text),
        };
        match &self.0 {
            Meaning::Number { mean, scale } if is_far(*mean, *scale) => {
                vec![("prediction".to_owned(), ColumnKind::Optional)]
            }
            Meaning::Number { .. } => vec![("prediction".to_owned(), ColumnKind::Numbers)],
            Meaning::Two { labels, .. } => vec![prediction(labels), probability(&labels.texts()[1])],
            Meaning::Classes { labels, .. } => {
                std::iter::once(prediction(labels)).chain(labels.texts().iter().map(probability)).collect()
            }
            Meaning::Outputs(count) => (0..*count).map(|i| (format!("output_{i}"), ColumnKind::Numbers)).collect(),
        }
    }

    fn write(&self, writer: &mut TableWriter, mut outputs: Vec<f32>) -> Result<(), Failure> {
        let cells = match &self.0 {
            Meaning::Number { mean, scale } if is_far(*mean, *scale) => {
                let back = |output: f32| Some(rounded(f64::from(output) * scale + mean, *scale));
                vec![CellsOut::Optional(outputs.into_iter().map(back).collect())]
            }
            Meaning::Number { mean, scale } => {
                let back = |output: f32| (f64::from(output) * scale + mean) as f32;
                vec![CellsOut::Numbers(outputs.into_iter().map(back).collect())]
            }
            Meaning::Two { labels, logit } => {
                if *logit {
                    outputs.iter_mut().for_each(|output| *output = 1.0 / (1.0 + (-*output).exp()));
                }
                let classes = outputs.iter().map(|p| usize::from(*p > 0.5)).collect();
                vec![called(labels, classes), CellsOut::Numbers(outputs)]
            }
            Meaning::Classes { labels, logits } => {
                if *logits {
                    outputs.chunks_exact_mut(labels.len()).for_each(softmax);
                }
                let rows = || outputs.chunks_exact(labels.len());
                let best = |row: &[f32]| (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
                let classes = rows().map(best).collect();
                let each = (0..labels.len()).map(|class| CellsOut::Numbers(rows().map(|row| row[class]).collect()));
                std::iter::once(called(labels, classes)).chain(each).collect()
            }
            Meaning::Outputs(count) => {
                let column = |i| CellsOut::Numbers(outputs.iter().skip(i).step_by(*count).copied().collect());
                (0..*count).map(column).collect()
            }
        };
        Ok(writer.write(&cells)?)
    }
}

/// Whether `f32` cannot tell numbers of this mean apart as well as the model can.
fn is_far(mean: f64, scale: f64) -> bool {
    mean.abs() > 64.0 * scale
}

/// A number without the digits that a model of `f32` does not know.
fn rounded(value: f64, scale: f64) -> f64 {
    let places = (7.0 - scale.log10()).ceil().clamp(0.0, 300.0) as usize;
    format!("{value:.places$}").parse().unwrap_or(value)
}

/// Classes by what they are called in the file.
fn called(labels: &Labels, classes: Vec<usize>) -> CellsOut<'_> {
    match labels {
        Labels::Numbers(labels) => CellsOut::Optional(classes.into_iter().map(|class| Some(labels[class])).collect()),
        Labels::Names(labels) => CellsOut::Text(classes.into_iter().map(|class| labels[class].as_str()).collect()),
    }
}

/// Logits as probabilities.
fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}
