//! Rows as files.

use std::path::Path;

use taper::Dataset;
use taper::data::Sample;

use crate::atomic::folder_of;
use crate::stream::is_stream;
use crate::tensor_file::{Tensor, TensorData, Tensors, write_tensors};
use crate::{Error, Format, Result, check_writable, write_atomic};

/// Writes a sample: `.safetensors` with `x` (rows × features) and `y`, both f64; or `.csv` with the columns x0, x1, …, y and
/// as many digits as it takes to read the same numbers back.
///
/// # Errors
///
/// Another ending, or a file that cannot be written.
pub fn write_sample(path: &Path, sample: &Sample) -> Result<()> {
    let rows = sample.y.len();
    match format_of(path)? {
        Format::Safetensors => {
            let x = Tensor { shape: vec![rows, sample.features], data: TensorData::F64(sample.x.clone()) };
            let y = TensorData::F64(sample.y.iter().map(|y| *y as f64).collect());
            write_pair(path, x, Tensor { shape: vec![rows], data: y })
        }
        _ => {
            let names = (0..sample.features).map(|i| format!("x{i}")).chain(["y".to_owned()]).collect();
            let row =
                |i: usize| sample.row(i).iter().map(ToString::to_string).chain([sample.y[i].to_string()]).collect();
            write_csv(path, names, (0..rows).map(row))
        }
    }
}

/// Writes rows as training sees them: `.safetensors` with `x` (rows first) and `y`, both f32; or `.csv` with the columns x0,
/// x1, …, y (y0, y1, … where there are several), each row's inputs in one line.
///
/// # Errors
///
/// Another ending, or a file that cannot be written.
pub fn write_rows(path: &Path, data: &Dataset) -> Result<()> {
    let (width, targets) = (data.input_shape().len(), data.target_len());
    let with_rows = |sizes: &[usize]| -> Vec<usize> { [data.rows()].iter().chain(sizes).copied().collect() };
    match format_of(path)? {
        Format::Safetensors => {
            let x = Tensor::f32(with_rows(data.input_shape().sizes()), data.x().to_vec());
            let y = Tensor::f32(
                with_rows(if targets == 1 { &[] } else { std::slice::from_ref(&targets) }),
                data.y().to_vec(),
            );
            write_pair(path, x, y)
        }
        _ => {
            let target = |i| if targets == 1 { "y".to_owned() } else { format!("y{i}") };
            let names = (0..width).map(|i| format!("x{i}")).chain((0..targets).map(target)).collect();
            let rows = data.x().chunks(width).zip(data.y().chunks(targets));
            write_csv(path, names, rows.map(|(x, y)| x.iter().chain(y).map(ToString::to_string).collect()))
        }
    }
}

/// The format of a file that rows can be written to, in a folder that can be written to.
fn format_of(path: &Path) -> Result<Format> {
    if is_stream(path) {
        return Ok(Format::Csv);
    }
    let format = Format::one_of("--out", path, &[Format::Safetensors, Format::Csv])?;
    check_writable(folder_of(path))?;
    Ok(format)
}

fn write_pair(path: &Path, x: Tensor, y: Tensor) -> Result<()> {
    let mut tensors = Tensors::default();
    tensors.tensors.insert("x".into(), x);
    tensors.tensors.insert("y".into(), y);
    write_tensors(path, &tensors)
}

fn write_csv(path: &Path, names: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let fail = |error: csv::Error| Error::io(path, "writing", std::io::Error::other(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in std::iter::once(names).chain(rows) {
        writer.write_record(row).map_err(fail)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::io(path, "writing", error.into_error()))?;
    write_atomic(path, &bytes)
}
