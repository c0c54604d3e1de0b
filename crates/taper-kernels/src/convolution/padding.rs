//! Images with their padding around them.

use super::Convolution;
use crate::window::Axis;

/// Floats of one padded image.
pub(super) fn padded_len(geometry: &Convolution) -> usize {
    padded(geometry.rows) * padded(geometry.columns) * geometry.channels
}

/// How many inputs the windows of an axis reach over, padding included.
pub(super) fn padded(axis: Axis) -> usize {
    (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1
}

/// One image with its padding; inputs that no window reaches are left out.
pub(super) fn pad(geometry: &Convolution, x: &[f32], out: &mut [f32]) {
    let &Convolution { rows, columns, channels, .. } = geometry;
    let width = padded(columns) * channels;
    let left = columns.before * channels;
    let len = (columns.input * channels).min(width - left);
    for (i, line) in out.chunks_exact_mut(width).enumerate() {
        match i.checked_sub(rows.before) {
            Some(row) if row < rows.input => {
                let start = row * columns.input * channels;
                line[..left].fill(0.0);
                line[left..left + len].copy_from_slice(&x[start..start + len]);
                line[left + len..].fill(0.0);
            }
            _ => line.fill(0.0),
        }
    }
}
