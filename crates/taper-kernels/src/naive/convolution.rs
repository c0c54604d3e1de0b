//! Convolution and its gradients as sums over all their terms.

use crate::convolution::Convolution;

/// One product of the sum that a convolution is: where its three factors lie.
struct Term {
    x: usize,
    kernel: usize,
    y: usize,
}

/// Calls `f` for every term of the convolution of a batch:
/// y[i, oy, ox, f] = Σ x[i, iy, ix, c] kernel[ky, kx, c', f], over the channels c of f's group, c' counted within it.
fn each(geometry: &Convolution, batch: usize, mut f: impl FnMut(Term)) {
    let &Convolution { rows, columns, channels, filters, groups } = geometry;
    let (group_channels, group_filters) = (channels / groups, filters / groups);
    for image in 0..batch {
        for oy in 0..rows.output {
            for ox in 0..columns.output {
                for ky in rows.taps(oy) {
                    for kx in columns.taps(ox) {
                        let (iy, ix) = (rows.at(oy, ky), columns.at(ox, kx));
                        for filter in 0..filters {
                            for c in 0..group_channels {
                                let channel = filter / group_filters * group_channels + c;
                                f(Term {
                                    x: ((image * rows.input + iy) * columns.input + ix) * channels + channel,
                                    kernel: ((ky * columns.kernel + kx) * group_channels + c) * filters + filter,
                                    y: ((image * rows.output + oy) * columns.output + ox) * filters + filter,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

/// y, summed in `f64`.
#[must_use]
pub fn forward(geometry: &Convolution, batch: usize, x: &[f32], kernel: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0f64; batch * geometry.output_len()];
    each(geometry, batch, |term| y[term.y] += f64::from(x[term.x]) * f64::from(kernel[term.kernel]));
    y.iter().map(|y| *y as f32).collect()
}

/// The gradient of the kernel.
#[must_use]
pub fn backward_kernel(geometry: &Convolution, batch: usize, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dkernel = vec![0.0f64; geometry.kernel_len()];
    each(geometry, batch, |term| dkernel[term.kernel] += f64::from(x[term.x]) * f64::from(dy[term.y]));
    dkernel.iter().map(|dkernel| *dkernel as f32).collect()
}

/// The gradient of the input.
#[must_use]
pub fn backward_input(geometry: &Convolution, batch: usize, dy: &[f32], kernel: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0f64; batch * geometry.input_len()];
    each(geometry, batch, |term| dx[term.x] += f64::from(dy[term.y]) * f64::from(kernel[term.kernel]));
    dx.iter().map(|dx| *dx as f32).collect()
}
