//! Generated rows as files.

use std::path::Path;

use taper::Complaint;
use taper::data::Sample;

use crate::atomic::folder_of;
use crate::tensor_file::{Tensor, TensorData, Tensors, write_tensors};
use crate::{Error, Result, check_writable, write_atomic};

/// Writes a sample: `.safetensors` with `x` (rows × features) and `y`, both f64; or `.csv` with the columns x0, x1, …, y and
/// as many digits as it takes to read the same numbers back.
///
/// # Errors
///
/// Another ending, or a file that cannot be written.
pub fn write_sample(path: &Path, sample: &Sample) -> Result<()> {
    let rows = sample.y.len();
    let ending = path.extension().and_then(|extension| extension.to_str());
    if matches!(ending, Some("safetensors" | "csv")) {
        check_writable(folder_of(path))?;
    }
    match ending {
        Some("safetensors") => {
            let mut tensors = Tensors::default();
            let x = Tensor { shape: vec![rows, sample.features], data: TensorData::F64(sample.x.clone()) };
            let y = TensorData::F64(sample.y.iter().map(|y| *y as f64).collect());
            tensors.tensors.insert("x".into(), x);
            tensors.tensors.insert("y".into(), Tensor { shape: vec![rows], data: y });
            write_tensors(path, &tensors)
        }
        Some("csv") => {
            let fail = |error: csv::Error| Error::io(path, "writing", std::io::Error::other(error));
            let mut writer = csv::Writer::from_writer(Vec::new());
            let names = (0..sample.features).map(|i| format!("x{i}")).chain(["y".to_owned()]);
            writer.write_record(names).map_err(fail)?;
            for (i, y) in sample.y.iter().enumerate() {
                let cells = sample.row(i).iter().map(ToString::to_string).chain([y.to_string()]);
                writer.write_record(cells).map_err(fail)?;
            }
            let bytes = writer.into_inner().map_err(|error| Error::io(path, "writing", error.into_error()))?;
            write_atomic(path, &bytes)
        }
        _ => {
            let complaint = Complaint::new("--out", "a .safetensors or .csv file", path.display());
            Err(taper::Error::from(complaint).into())
        }
    }
}
