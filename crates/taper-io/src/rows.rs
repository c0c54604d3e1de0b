//! Rows of numbers, wherever they come from.

use std::path::Path;

use taper::table::Prepared;
use taper::{Complaint, DataSpec, Dataset, Shape};

use crate::npz::read_npz;
use crate::tensor_file::{Tensor, read_tensors, row_shape};
use crate::{Error, Format, Result};

/// Makes or reads the rows that an experiment names, if they are numbers without preparation. A relative path is meant from
/// `folder`.
///
/// `.safetensors` and `.npz` files hold `x` (rows first) and `y`. Tables are read by [`read_source`](crate::read_source).
///
/// # Errors
///
/// Settings a generator cannot use, an unknown ending, and everything that can be wrong with a file.
pub fn read_rows(spec: &DataSpec, folder: &Path) -> Result<Dataset> {
    if let Some(rows) = spec.rows()? {
        return Ok(rows);
    }
    let path = folder.join(&spec.source);
    match Format::of(&path) {
        Some(Format::Safetensors) => {
            let mut tensors = read_tensors(&path)?.tensors;
            let known: Vec<String> = tensors.keys().cloned().collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            // Taken out, so that no number is in memory twice.
            let mut get = |name: &str| {
                let complaint = || Complaint::new("tensors", format!("one named `{name}`"), taper::table::list(&known));
                tensors.remove(name).ok_or_else(|| Error::content(&path, complaint()))
            };
            let (x, y) = (get("x")?, get("y")?);
            dataset(&path, x, y, spec.standardize)
        }
        Some(Format::Npz) => match <[Tensor; 2]>::try_from(read_npz(&path, &["x", "y"])?) {
            Ok([x, y]) => dataset(&path, x, y, spec.standardize),
            Err(_) => unreachable!("two arrays were asked for"),
        },
        _ => {
            let complaint = Complaint::new(
                "data.source",
                format!("{}, or the path of a .csv, .parquet, .npz or .safetensors file", DataSpec::SOURCES.join(", ")),
                format!("`{}`", spec.source),
            );
            let complaint = match taper::nearest(&spec.source, DataSpec::SOURCES) {
                Some(near) => complaint.help(format!("did you mean `{near}`?")),
                None => complaint,
            };
            Err(taper::Error::from(complaint).into())
        }
    }
}

/// Reads `x` alone of a `.safetensors` or `.npz` file: inputs of this shape, row by row, brought to the scale of `prepared`.
///
/// # Errors
///
/// Another ending, everything that can be wrong with the file, inputs of another shape, numbers that are not finite.
pub fn read_inputs(path: &Path, shape: &Shape, prepared: Option<&Prepared>) -> Result<Vec<f32>> {
    let x = match Format::of(path) {
        Some(Format::Safetensors) => read_tensors(path)?.tensors.remove("x"),
        Some(Format::Npz) => read_npz(path, &["x"])?.pop(),
        _ => return Err(Format::refuse("FILE", path, Format::ROWS)),
    };
    let wrong = |expected: String, got: String| Error::content(path, Complaint::new("x", expected, got));
    let x = x.ok_or_else(|| wrong("a tensor of this name".to_owned(), "none".to_owned()))?;
    let input = row_shape(&x).map_err(|error| Error::within(path, error))?;
    if input != *shape {
        return Err(wrong(format!("rows of shape {shape}, as the model takes"), format!("{input}")));
    }
    let numbers = x.to_f32();
    match numbers.iter().position(|number| !number.is_finite()) {
        None if numbers.is_empty() => Err(wrong("at least one row".to_owned(), "none".to_owned())),
        None => match prepared {
            Some(prepared) => prepared.scaled(x.to_f64().into_iter()).map_err(|error| Error::within(path, error)),
            None => Ok(numbers),
        },
        Some(i) => {
            let place = format!("x, row {}, column {}", i / shape.len() + 1, i % shape.len() + 1);
            Err(Error::content(path, Complaint::new(place, "a finite number that f32 can hold", numbers[i])))
        }
    }
}

/// Rows of inputs and targets; numbers that f32 cannot hold are complaints. Where they are to be `scaled`, inputs are not rounded
/// before.
fn dataset(path: &Path, x: Tensor, y: Tensor, scaled: bool) -> Result<Dataset> {
    let within = |error| Error::within(path, error);
    let (input, target) = (row_shape(&x).map_err(within)?, row_shape(&y).map_err(within)?);
    let rows = |tensor: &Tensor| tensor.shape.first().copied().unwrap_or(1);
    if rows(&x) != rows(&y) {
        let complaint = Complaint::new("y", format!("{} rows, as x has", rows(&x)), rows(&y));
        return Err(Error::content(path, complaint));
    }
    let exact = (scaled && !x.is_single()).then(|| x.to_f64());
    let data = Dataset::new(input, x.into_f32(), target.len(), y.into_f32()).map_err(within)?;
    Ok(match exact {
        Some(exact) => data.with_exact_inputs(exact),
        None => data,
    })
}
