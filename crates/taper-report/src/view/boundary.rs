//! A model in the plane of its two inputs.

use taper::{Dataset, Model, Result, Split};

use crate::{Scatter, ScatterPoint, Surface};

/// Points along each side of the grid of predictions.
const GRID: usize = 120;

/// The rows of a split in the plane, and behind them what the model (if given) predicts. `None` for rows that do not have
/// two inputs and one class id.
///
/// # Errors
///
/// A model that takes other inputs.
pub fn scatter_of(split: &Split, model: Option<&Model>) -> Result<Option<Scatter>> {
    let flat = split.train.input_shape().sizes() == [2] && split.train.target_len() == 1;
    if !flat || split.train.classes(10).is_none() {
        return Ok(None);
    }
    let points: Vec<ScatterPoint> = rows(&split.train, false).chain(rows(&split.test, true)).collect();
    let surface = model.map(|model| surface(model, &points)).transpose()?;
    Ok(Some(Scatter { points, surface, ..Scatter::default() }))
}

fn rows(data: &Dataset, held_out: bool) -> impl Iterator<Item = ScatterPoint> + '_ {
    data.x().as_chunks::<2>().0.iter().zip(data.y()).map(move |(x, y)| ScatterPoint {
        x: f64::from(x[0]),
        y: f64::from(x[1]),
        class: *y as usize,
        held_out,
    })
}

fn surface(model: &Model, points: &[ScatterPoint]) -> Result<Surface> {
    let x = axis(points.iter().map(|point| point.x));
    let y = axis(points.iter().map(|point| point.y));
    let grid: Vec<f32> = y.iter().flat_map(|y| x.iter().flat_map(move |x| [*x as f32, *y as f32])).collect();
    let predicted = model.predict(&grid)?;
    let classes = model.output_shape().len();
    let of_class = |class| predicted.iter().skip(class).step_by(classes).map(|p| f64::from(*p)).collect();
    Ok(Surface { x, y, probability: (0..classes).map(of_class).collect() })
}

/// Evenly spaced numbers over the values, with a margin.
fn axis(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
    let margin = 0.12 * (high - low).max(1e-6);
    let (low, high) = (low - margin, high + margin);
    (0..GRID).map(|i| low + (high - low) * i as f64 / (GRID - 1) as f64).collect()
}
