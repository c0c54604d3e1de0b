//! The way back through a convolution, as a convolution.

use super::Convolution;
use crate::window::Axis;

/// The convolution from `dy` to `dx`, if there is one: over the padded `dy`, with the kernel that [`turn`] gives.
pub(super) fn backward(geometry: &Convolution) -> Option<Convolution> {
    let axis = |axis: Axis| {
        let reach = (axis.kernel - 1) * axis.dilation;
        let before = reach.checked_sub(axis.before)?;
        (axis.stride == 1).then_some(Axis { input: axis.output, output: axis.input, before, ..axis })
    };
    let (rows, columns) = (axis(geometry.rows)?, axis(geometry.columns)?);
    Some(Convolution { rows, columns, channels: geometry.filters, filters: geometry.channels, groups: 1 })
}

/// The kernel turned by 180 degrees, its channels and filters exchanged.
pub(super) fn turn(geometry: &Convolution, kernel: &[f32], turned: &mut [f32]) {
    let &Convolution { channels, filters, .. } = geometry;
    let taps = kernel.chunks_exact(channels * filters);
    for (tap, turned) in taps.rev().zip(turned.chunks_exact_mut(channels * filters)) {
        for c in 0..channels {
            for f in 0..filters {
                turned[f * channels + c] = tap[c * filters + f];
            }
        }
    }
}
