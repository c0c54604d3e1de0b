//! `taper compact`: a smaller model with the same outputs.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use taper::{Model, Seed, compact, difference, difference_on};
use taper_io::{Format, SavedModel};

use super::is_keras;
use crate::args::Compact;
use crate::failure::Failure;
use crate::output;
use crate::saved;

/// Outputs may differ by this much, relative to the largest of them or 1.
const TOLERANCE: f64 = 1e-6;
/// Rows that are made up if none are given, and the most that are timed.
const ROWS: usize = 256;

pub(crate) fn run(args: &Compact) -> Result<(), Failure> {
    let path = saved::file(&args.model);
    let keras = is_keras(&path);
    let (saved, fit) = if keras {
        let file = saved::keras(&path, args.architecture.as_deref(), false)?;
        if is_keras(&args.out) {
            saved::note_not_compiled(&file);
        }
        let saved = file.fit.iter().fold(SavedModel::from(file.model), SavedModel::compiled);
        (saved, file.fit)
    } else {
        let saved = taper_io::read_saved_model(&path)?;
        let fit = saved.fit_config();
        (saved, fit)
    };
    let model = &saved.model;
    let writes_keras = is_keras(&args.out);
    Format::one_of("--out", &args.out, Format::MODELS)?;
    let x = match &args.data {
        Some(rows) => saved::inputs(&saved, &path, rows)?,
        None => model.probe(ROWS, Seed::new(1)),
    };
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));

    let small = compact(model, args.inputs)?;
    let (kept, width) = (small.record.kept_inputs.as_deref(), model.input_shape().last());
    let worst = match kept {
        Some(kept) => difference_on(model, &small.model, &x, kept)?,
        None => difference(model, &small.model, &x)?,
    };
    let count = x.len() / model.input_shape().len();
    if worst > TOLERANCE {
        return Err(Failure::Run(format!(
            "the outputs differ by {worst:.1e} on {count} rows, and at most {TOLERANCE:e} is rounding; nothing is written"
        )));
    }
    let timed = &x[..count.min(ROWS) * model.input_shape().len()];
    let timed_small: Vec<f32> = match kept {
        Some(kept) => timed.chunks_exact(width).flat_map(|row| kept.iter().map(|column| row[*column])).collect(),
        None => timed.to_vec(),
    };
    let seconds = [seconds_per_row(model, timed)?, seconds_per_row(&small.model, &timed_small)?];
    let smaller = saved.compacted(small.model, kept);
    taper_io::check_writable(folder)?;
    if writes_keras {
        super::convert::to_keras(&args.out, &smaller, fit.as_ref(), None)?;
    } else {
        smaller.write(&args.out)?;
    }
    let bytes = [size(&path)?, size(&args.out)?];

    if args.json {
        let both = |[before, after]: [serde_json::Value; 2]| json!({ "before": before, "after": after });
        return output::print_json(&json!({
            "parameters": both([small.record.parameters_before.into(), small.record.parameters_after.into()]),
            "file_bytes": both(bytes.map(Into::into)),
            "seconds_per_prediction": both(seconds.map(Into::into)),
            "layers": small.record.layers.iter().map(|layer| json!({
                "name": layer.name, "kind": layer.kind, "dead_units": layer.dead(),
                "units": { "before": layer.units_before, "after": layer.units_after },
            })).collect::<Vec<_>>(),
            "left_whole": small.record.left_whole,
            "dropped_penalties": small.record.dropped_penalties,
            "unused_inputs": small.record.unused_inputs,
            "kept_inputs": kept,
            "max_difference": worst,
            "rows": count,
            "out": args.out,
        }));
    }
    let mut lines = vec![vec![String::new(), "before".to_owned(), "after".to_owned()]];
    let mut line = |name: &str, before: String, after: String| lines.push(vec![name.to_owned(), before, after]);
    line("parameters", small.record.parameters_before.to_string(), small.record.parameters_after.to_string());
    line("file size", format!("{} B", bytes[0]), format!("{} B", bytes[1]));
    line("time per prediction", micros(seconds[0]), micros(seconds[1]));
    for layer in &small.record.layers {
        let what = if layer.kind.starts_with("conv") { "filters" } else { "units" };
        line(&format!("{what} of {}", layer.name), layer.units_before.to_string(), layer.units_after.to_string());
    }
    let mut text = output::columns(&lines);
    if !small.record.unused_inputs.is_empty() {
        let columns: Vec<String> = small.record.unused_inputs.iter().map(|column| (column + 1).to_string()).collect();
        let what = if kept.is_some() { "cut" } else { "kept; --inputs cuts them" };
        text += &format!("No weight reads these columns of the input: {} ({what})\n", columns.join(", "));
    }
    for layer in &small.record.left_whole {
        text += &format!("{} ({}) is left whole: {}\n", layer.name, layer.kind, layer.why);
    }
    for dropped in &small.record.dropped_penalties {
        text += &format!("The smaller model has no penalty on {}: {}\n", dropped.path, dropped.why);
    }
    let source = if args.data.is_some() { "given" } else { "random" };
    text += &format!("Largest difference of the outputs on {count} {source} rows: {worst:.1e}\n");
    text += &format!("Written: {}\n", args.out.display());
    output::print(&text)
}

/// The median time that a row takes when these are predicted together.
fn seconds_per_row(model: &Model, x: &[f32]) -> Result<f64, Failure> {
    let rows = x.len() / model.input_shape().len();
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        std::hint::black_box(model.predict(std::hint::black_box(x))?);
        times.push(start.elapsed().as_secs_f64() / rows as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn micros(seconds: f64) -> String {
    format!("{:.3} µs", seconds * 1e6)
}

fn size(path: &Path) -> Result<u64, Failure> {
    let fail = |error: std::io::Error| Failure::Run(format!("{}: {error}", path.display()));
    Ok(std::fs::metadata(path).map_err(fail)?.len())
}
