//! Rows of numbers, wherever they come from.

use std::path::Path;

use taper::{Complaint, DataSpec, Dataset};

use crate::tensor_file::{read_tensors, row_shape};
use crate::{Error, Result};

/// Makes or reads the rows that an experiment names, if they are numbers without preparation. A relative path is meant from
/// `folder`.
///
/// `.safetensors` files hold `x` (rows first) and `y`. Tables are read by [`read_source`](crate::read_source).
///
/// # Errors
///
/// Settings a generator cannot use, an unknown ending, and everything that can be wrong with a file.
pub fn read_rows(spec: &DataSpec, folder: &Path) -> Result<Dataset> {
    if let Some(rows) = spec.rows()? {
        return Ok(rows);
    }
    let path = folder.join(&spec.source);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => {
            let file = read_tensors(&path)?;
            let get = |name: &str| {
                file.tensors.get(name).ok_or_else(|| {
                    let known: Vec<&str> = file.tensors.keys().map(String::as_str).collect();
                    let complaint = Complaint::new("tensors", format!("one named `{name}`"), known.join(", "));
                    Error::content(&path, complaint)
                })
            };
            let (x, y) = (get("x")?, get("y")?);
            let input = row_shape(x).map_err(|error| Error::within(&path, error))?;
            let target = row_shape(y).map_err(|error| Error::within(&path, error))?;
            Dataset::new(input, x.to_f32(), target.len(), y.to_f32()).map_err(|error| Error::within(&path, error))
        }
        _ => {
            let complaint = Complaint::new(
                "data.source",
                format!("{}, or the path of a .csv or .safetensors file", DataSpec::SOURCES.join(", ")),
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
