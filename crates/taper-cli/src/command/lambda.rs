//! `taper lambda`: one strength, said as another program says it.

use std::fmt::Write;

use taper::{Bridge, Calibration, Conversion, Dialect, Error, Split, calibrate};

use super::{folder_of, study_seed};
use crate::args::Lambda;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Lambda) -> Result<(), Failure> {
    let from = Dialect::named("--from", &args.from)?;
    let to = Dialect::named("--to", &args.to)?;
    let mut bridge = Bridge { rows: args.rows, learning_rate: args.learning_rate, optimizer: None };
    let mut experiment = None;
    if let Some(file) = &args.experiment {
        let mut read = taper_io::read_experiment(file)?;
        let rows = taper_io::read_source(&mut read, folder_of(file))?;
        let split = Split::of(&rows, &read.data, study_seed(&read))?;
        bridge.rows = bridge.rows.or(Some(read.fit.batch_size.min(split.train.rows())));
        bridge.learning_rate = bridge.learning_rate.or(Some(read.fit.optimizer.learning_rate.at(0)));
        bridge.optimizer = Some(read.fit.optimizer.kind);
        experiment = Some((read, split));
    }
    let mut conversion = bridge.convert(args.value, from, to).map_err(as_options)?;
    let mut calibration = None;
    if let (None, Some((experiment, split))) = (conversion.result, &experiment) {
        crate::memory::check(&experiment.model, &experiment.fit, split.train.rows())?;
        let found = calibrate(experiment, split, args.value, from, to, bridge.rows).map_err(as_options)?;
        conversion.result = Some(found.result);
        calibration = Some(found);
    }
    if args.json {
        let mut document = serde_json::to_value(&conversion).map_err(|error| Failure::Run(error.to_string()))?;
        if let Some(calibration) = &calibration {
            document["residual"] = calibration.residual.into();
            document["calibration"] =
                serde_json::to_value(calibration).map_err(|error| Failure::Run(error.to_string()))?;
        }
        return output::print_json(&document);
    }
    output::print(&text(&conversion, calibration.as_ref(), &bridge))
}

/// A complaint's place, as it is typed.
fn as_options(error: Error) -> Error {
    let Error::Invalid(complaints) = error else { return error };
    let typed = |mut complaint: taper::Complaint| {
        if matches!(complaint.place.as_str(), "rows" | "learning_rate") {
            complaint.place = format!("--{}", complaint.place.replace('_', "-"));
        }
        complaint
    };
    Error::Invalid(complaints.into_iter().map(typed).collect())
}

fn text(conversion: &Conversion, calibration: Option<&Calibration>, bridge: &Bridge) -> String {
    let Conversion { value, from, to, .. } = conversion;
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    match (conversion.result, calibration) {
        (Some(result), None) => line(format!("{value} in {from} is {result} in {to}")),
        (Some(result), Some(_)) => line(format!("{value} in {from} is about {} in {to}", significant(result))),
        (None, _) => line(format!("{value} in {from} has no equal in {to}")),
    }
    line(format!("Identity: {}", conversion.identity));
    if let Some(rows) = conversion.rows {
        line(format!("n = {rows} rows in a batch"));
    }
    if let Some(found) = calibration {
        line(format!(
            "Calibrated on {}: after training, their norm is {} with the one and {} with the other (residual {:+.2} %), the data \
             loss on the training rows {} and {}; means over {} weight seeds, {} trainings",
            found.paths.join(", "),
            significant(found.from_norm),
            significant(found.to_norm),
            100.0 * found.residual,
            significant(found.from_data_loss),
            significant(found.to_data_loss),
            found.seeds,
            found.trainings,
        ));
        if let (false, Some(bare)) = (found.acts, found.bare_norm) {
            let norm = significant(bare);
            line(format!(
                "Note: too weak to act here; without a penalty the norm is {norm}, and every weaker strength would do as well"
            ));
        }
    } else if conversion.result.is_none() {
        line("With --experiment FILE a strength is found by training.".to_owned());
    }
    if let (Some(share), Some(rate)) = (conversion.shrinkage_per_step, bridge.learning_rate) {
        let who = if from.is_decoupled() { "" } else { ", under gradient descent without momentum" };
        line(format!("One step at learning rate {rate} takes {} of a weight{who}", significant(share)));
    }
    conversion.notes.iter().for_each(|note| line(format!("Note: {note}")));
    text
}

/// Four significant digits: what was measured is not known better.
fn significant(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}
