//! Pooling as the textbook writes it.

use crate::pooling::Pooling;

/// The places in `x` under each output, in the order of `y`, and the channel's place in `y`.
fn windows(geometry: &Pooling, batch: usize) -> Vec<Vec<usize>> {
    let &Pooling { rows, columns, channels } = geometry;
    let mut windows = vec![];
    for image in 0..batch {
        for oy in 0..rows.output {
            for ox in 0..columns.output {
                for channel in 0..channels {
                    let place = |ky: usize, kx: usize| {
                        let (iy, ix) = (rows.at(oy, ky), columns.at(ox, kx));
                        ((image * rows.input + iy) * columns.input + ix) * channels + channel
                    };
                    let taps = rows.taps(oy).flat_map(|ky| columns.taps(ox).map(move |kx| place(ky, kx)));
                    windows.push(taps.collect());
                }
            }
        }
    }
    windows
}

/// The largest input under each window.
#[must_use]
pub fn max(geometry: &Pooling, batch: usize, x: &[f32]) -> Vec<f32> {
    let largest = |window: Vec<usize>| window.iter().map(|i| x[*i]).fold(f32::NEG_INFINITY, f32::max);
    windows(geometry, batch).into_iter().map(largest).collect()
}

/// Each `dy` at the first of the largest inputs under its window.
#[must_use]
pub fn backward_max(geometry: &Pooling, batch: usize, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    for (window, dy) in windows(geometry, batch).iter().zip(dy) {
        let first = window.iter().copied().reduce(|best, i| if x[i] > x[best] { i } else { best });
        if let Some(first) = first {
            dx[first] += dy;
        }
    }
    dx
}

/// The mean of the inputs under each window; padding is not counted.
#[must_use]
pub fn average(geometry: &Pooling, batch: usize, x: &[f32]) -> Vec<f32> {
    let mean = |window: Vec<usize>| window.iter().map(|i| x[*i]).sum::<f32>() / window.len() as f32;
    windows(geometry, batch).into_iter().map(mean).collect()
}

/// Each `dy` shared out evenly under its window.
#[must_use]
pub fn backward_average(geometry: &Pooling, batch: usize, dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; batch * geometry.input_len()];
    for (window, dy) in windows(geometry, batch).iter().zip(dy) {
        for i in window {
            dx[*i] += dy / window.len() as f32;
        }
    }
    dx
}
