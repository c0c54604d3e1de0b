//! How time grows with the size of the work.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use taper::{
    Activation, Axis, Dataset, Dense, Experiment, FitConfig, Loss, Model, PlainRows, Quiet, Regularizer, Seed,
    Sequential, StudySpec, fit, run_study,
};
use taper_report::{Cell, Growth, Report, Reproduce, Section, Series, Table};

use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::Folder;

/// One quantity, its doubling values, and what is expected of the time.
struct Curve {
    quantity: &'static str,
    of: &'static str,
    expected: &'static str,
    values: &'static [usize],
    /// Seconds at a value.
    seconds: fn(usize) -> taper::Result<f64>,
}

const CURVES: [Curve; 5] = [
    Curve {
        quantity: "units",
        of: "an epoch of 30 rows, 2-units-1",
        expected: "a fixed cost per step, then in proportion: weights and activations are as many as units",
        values: &[125, 250, 500, 1000, 2000, 4000, 8000],
        seconds: |units| epoch(units, 30, 30),
    },
    Curve {
        quantity: "rows",
        of: "an epoch of 2-500-1 in batches of 32",
        expected: "in proportion: as many more steps",
        values: &[32, 64, 128, 256, 512, 1024, 2048],
        seconds: |rows| epoch(500, rows, 32),
    },
    Curve {
        quantity: "batch_size",
        of: "an epoch of 4096 rows, 2-500-1",
        expected: "falls as steps and their updates become fewer, until only the rows' own work is left",
        values: &[8, 16, 32, 64, 128, 256, 512, 1024],
        seconds: |batch| epoch(500, 4096, batch),
    },
    Curve {
        quantity: "lambdas",
        of: "a study of 2-500-1, 200 epochs, 4 repeats",
        expected: "in proportion, once every core has runs: they share nothing",
        values: &[1, 2, 4, 8, 16],
        seconds: |lambdas| study(lambdas, 4),
    },
    Curve {
        quantity: "repeats",
        of: "a study of 2-500-1, 200 epochs, 4 penalties",
        expected: "in proportion; the first repeat costs more, because it keeps its history",
        values: &[1, 2, 4, 8, 16],
        seconds: |repeats| study(4, repeats),
    },
];

/// Every curve: the fastest of a few measurements at each value.
pub(super) fn measure() -> taper::Result<Value> {
    let curves = CURVES.iter().map(|curve| {
        let points = curve.values.iter().map(|value| {
            let seconds = (0..5).map(|_| (curve.seconds)(*value)).collect::<taper::Result<Vec<f64>>>()?;
            Ok((*value, seconds.into_iter().fold(f64::INFINITY, f64::min)))
        });
        let points = points.collect::<taper::Result<Vec<(usize, f64)>>>()?;
        // The slope of a curve in double logarithms: 1 is proportional, 0 does not grow.
        let exponents: Vec<f64> = points
            .windows(2)
            .map(|pair| (pair[1].1 / pair[0].1).ln() / (pair[1].0 as f64 / pair[0].0 as f64).ln())
            .collect();
        Ok(json!({
            "quantity": curve.quantity, "of": curve.of, "expected": curve.expected,
            "values": curve.values, "seconds": points.iter().map(|point| point.1).collect::<Vec<_>>(),
            "exponents": exponents,
        }))
    });
    Ok(json!({ "workload": "growth", "curves": curves.collect::<taper::Result<Vec<Value>>>()? }))
}

/// The curves as lines of text.
pub(super) fn lines(document: &Value) -> String {
    let mut text = String::new();
    for curve in document["curves"].as_array().into_iter().flatten() {
        let words = |key: &str| curve[key].as_str().unwrap_or_default();
        text += &format!("{}, {}: {}\n", words("quantity"), words("of"), words("expected"));
        let list = |key: &str| curve[key].as_array().cloned().unwrap_or_default();
        let (values, seconds, exponents) = (list("values"), list("seconds"), list("exponents"));
        for (i, (value, seconds)) in values.iter().zip(&seconds).enumerate() {
            let exponent = i.checked_sub(1).and_then(|i| exponents[i].as_f64());
            let exponent = exponent.map_or(String::new(), |exponent| format!("  ∝ n^{exponent:.2}"));
            text += &format!("{value:>8}  {:>12.1} µs{exponent}\n", seconds.as_f64().unwrap_or(f64::NAN) * 1e6);
        }
    }
    text
}

/// Writes the curves as a page with figures; `machine` says where they were measured.
pub(super) fn write(document: &Value, machine: &str, out: &Path) -> Result<(), Failure> {
    let mut folder = Folder::prepare(out, &Holding::alone("bench"), false)?;
    let mut report = Report::new(
        "How time grows",
        format!("The fastest of five measurements each, on {machine}. A power of the size is a straight line."),
    );
    for (curve, known) in document["curves"].as_array().into_iter().flatten().zip(&CURVES) {
        let numbers =
            |key: &str| -> Vec<f64> { curve[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
        let (x, y, exponents) = (numbers("values"), numbers("seconds"), numbers("exponents"));
        let quantity = known.quantity.replace('_', " ");
        let mut table = Table::new([quantity.as_str(), "µs", "grows as n to the"]);
        for (i, (value, seconds)) in x.iter().zip(&y).enumerate() {
            let exponent = i.checked_sub(1).and_then(|i| exponents.get(i));
            let exponent = exponent.map_or(Cell::text(""), |exponent| Cell::number(*exponent, 2));
            table = table.row([Cell::number(*value, 0), Cell::number(seconds * 1e6, 1), exponent]);
        }
        let measured = Series { label: known.of.to_owned(), x, y };
        let figure = Growth { size: quantity.clone(), measured, proportional: known.expected.contains("proportion") };
        let section = Section::new(capitalized(&quantity))
            .paragraph(format!("{}. Expected: {}.", capitalized(known.of), known.expected))
            .figure(known.quantity, figure.figure(), format!("Time against {quantity}."))
            .table(table);
        report = report.section(section);
    }
    let command = format!("taper bench growth --out {}", out.display());
    folder.write_report(&report.live().reproduce(Reproduce { command, experiment: String::new() }))
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}

/// Seconds of an epoch of the tutorial's network with so many hidden units, on so many rows.
fn epoch(units: usize, rows: usize, batch_size: usize) -> taper::Result<f64> {
    let rows = Dataset::from_sample(&taper::data::make_moons(rows, 0.2, 1)?)?;
    let hidden = Dense::new(units).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(1e-3));
    let spec = Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
    let epochs = (20_000_000 / (units * rows.rows())).clamp(3, 2000);
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).epochs(epochs).batch_size(batch_size);
    let mut model = Model::build(&spec, Seed::new(1))?;
    let start = Instant::now();
    fit(&mut model, &rows, None, &config, Seed::new(1), &mut Quiet)?;
    Ok(start.elapsed().as_secs_f64() / epochs as f64)
}

/// Seconds of a whole study.
fn study(lambdas: usize, repeats: usize) -> taper::Result<f64> {
    let axis = Axis {
        path: "model.layers.0.kernel_regularizer.l2".to_owned(),
        values: (1..=lambdas).map(|i| json!(i as f64 * 1e-4)).collect(),
    };
    let study = StudySpec { axes: vec![axis], repeats, seed: 1, ..StudySpec::default() };
    let experiment = Experiment { study: Some(study), ..super::moons::experiment(200)? };
    let rows = Dataset::from_sample(&experiment.data.generate()?)?;
    let start = Instant::now();
    run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet)?;
    Ok(start.elapsed().as_secs_f64())
}
