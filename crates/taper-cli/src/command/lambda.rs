//! `taper lambda`: one strength, said as another program says it.

use std::fmt::Write;

use taper::table::Target;
use taper::{Bridge, Calibration, Conversion, Dialect, Division, Error, Loss, Rows, calibrate};

use super::{folder_of, study_seed};
use crate::args::Lambda;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Lambda) -> Result<(), Failure> {
    let from = Dialect::named("--from", &args.from)?;
    let to = Dialect::named("--to", &args.to)?;
    let mut bridge = Bridge {
        rows: args.rows,
        learning_rate: args.learning_rate,
        loss: args.loss.as_ref().map(|name| loss(name)).transpose()?,
        target_sd: args.target_sd,
        ..Bridge::default()
    };
    let mut experiment = None;
    if let Some(file) = &args.experiment {
        let mut read = taper_io::read_experiment(file)?;
        let rows = taper_io::read_source(&mut read, folder_of(file))?;
        let division = Division::of(&rows, &read.data, study_seed(&read))?;
        let split = division.split(&rows)?;
        bridge.rows = bridge.rows.or(Some(read.fit.batch_size.min(split.train.rows()) as f64));
        bridge.learning_rate = bridge.learning_rate.or(Some(read.fit.optimizer.learning_rate.at(0)));
        bridge.optimizer = Some(read.fit.optimizer.kind);
        bridge.loss = bridge.loss.or(Some(read.fit.loss));
        bridge.outputs = split.train.target_len();
        if bridge.target_sd.is_none() && bridge.outputs == 1 {
            bridge.target_sd = target_sd(&rows, &division, split.train.y())?;
        }
        experiment = Some((read, split));
    }
    let mut conversion = bridge.convert(args.value, from, to).map_err(as_options)?;
    let mut calibration = None;
    if let (None, Some((experiment, split))) = (conversion.result, &experiment) {
        crate::memory::check(&experiment.model, &experiment.fit, split.train.rows())?;
        let found = calibrate(experiment, split, args.value, from, to, &bridge).map_err(as_options)?;
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

/// The loss of this name.
fn loss(name: &str) -> Result<Loss, Failure> {
    Ok(taper::read(serde_json::Value::String(name.to_owned())).map_err(|error| error.within("--loss"))?)
}

/// The standard deviation of the training rows' target, with 1/n and in the unit of its column; none if all are the same.
fn target_sd(rows: &dyn Rows, division: &Division, y: &[f32]) -> Result<Option<f64>, Failure> {
    let scale = match rows.prepared(&division.train)?.map(|prepared| prepared.target) {
        Some(Target::Number { scale, .. }) => scale,
        Some(Target::Classes { .. }) | None => 1.0,
    };
    let n = y.len() as f64;
    let mean = y.iter().map(|y| f64::from(*y)).sum::<f64>() / n;
    let variance = y.iter().map(|y| (f64::from(*y) - mean).powi(2)).sum::<f64>() / n;
    Ok(Some(scale * variance.sqrt()).filter(|sd| *sd > 0.0))
}

/// A complaint's place, as it is typed.
fn as_options(error: Error) -> Error {
    let Error::Invalid(complaints) = error else { return error };
    let typed = |mut complaint: taper::Complaint| {
        if matches!(complaint.place.as_str(), "rows" | "learning_rate" | "target_sd") {
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
        line(format!("n = {rows}, the rows of a batch or the sum of their weights"));
    }
    if let Some(sd) = conversion.target_sd {
        line(format!("sd(y) = {}", significant(sd)));
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
