//! `taper evaluate`: how good a model is on the rows of a file.

use serde_json::{Map, Value, json};
use taper::table::Target;
use taper::{Complaint, DataSpec, Dataset, evaluate};
use taper_io::{SavedModel, TableFile, is_table};

use crate::args::Evaluate;
use crate::failure::Failure;
use crate::{output, saved};

pub(crate) fn run(args: &Evaluate) -> Result<(), Failure> {
    let saved = saved::read(&args.model, args.unseen.map(Into::into))?;
    let Some(experiment) = &saved.experiment else {
        let expected = "a model of `taper fit` or `taper choose`, which says what it was trained to make small";
        let complaint = Complaint::new(args.model.display(), expected, "one that does not say it");
        return Err(taper::Error::from(complaint).into());
    };
    let rows = rows(args, &saved)?;
    let scores = evaluate(&saved.model, &rows, &experiment.fit).map_err(|error| about(args, error))?;
    let names = experiment.fit.metric_names();
    if args.json {
        let metrics: Map<String, Value> =
            names.into_iter().zip(scores.metrics.iter().map(|value| json!(value))).collect();
        return output::print_json(&json!({
            "rows": rows.rows(), "loss": scores.loss, "data_loss": scores.data_loss, "penalty": scores.penalty,
            "metrics": metrics,
        }));
    }
    let heads = ["rows", "loss", "data loss", "penalty"].map(str::to_owned).into_iter();
    let values = [scores.loss, scores.data_loss, scores.penalty].into_iter().chain(scores.metrics);
    let cells = values.map(|value| format!("{value:.4}"));
    let table = [
        heads.chain(names.iter().map(|name| name.replace('_', " "))).collect(),
        std::iter::once(rows.rows().to_string()).chain(cells).collect(),
    ];
    output::print(&output::columns(&table))?;
    if let Some(Target::Number { name, mean, scale }) = saved.prepared.as_ref().map(|prepared| &prepared.target)
        && (*mean, *scale) != (0.0, 1.0)
    {
        output::note(&format!(
            "the target `{name}` is measured in its standard deviations of {scale} on the training rows"
        ));
    }
    Ok(())
}

/// The rows of the file, as the model takes them.
fn rows(args: &Evaluate, saved: &SavedModel) -> Result<Dataset, Failure> {
    if !is_table(&args.rows) {
        let name = args.rows.display().to_string();
        if !name.contains('.') || DataSpec::SOURCES.contains(&name.as_str()) {
            let complaint = Complaint::new("FILE", "a .csv, .parquet, .npz or .safetensors file", format!("`{name}`"));
            return Err(taper::Error::from(complaint).into());
        }
        let rows = taper_io::read_rows(&DataSpec::new(name), std::path::Path::new(""))?;
        let Some(prepared) = &saved.prepared else { return Ok(rows) };
        let mut x = rows.x().to_vec();
        prepared.scale(&mut x).map_err(|error| about(args, error))?;
        return Ok(Dataset::new(rows.input_shape().clone(), x, rows.target_len(), rows.y().to_vec())?);
    }
    let prepared = saved::prepared(saved, &args.model)?;
    let spec = saved::data_spec(saved);
    let file = TableFile::open(&args.rows, &spec)?;
    let wanted = prepared.wanted(file.header(), true).map_err(|error| about(args, error))?;
    let (table, _) = file.table(&wanted, &spec)?;
    let all: Vec<usize> = (0..table.rows()).collect();
    prepared.dataset(&table, &all).map_err(|error| about(args, error))
}

/// A complaint about the file of rows.
fn about(args: &Evaluate, error: taper::Error) -> Failure {
    taper_io::Error::about(&args.rows, error).into()
}
