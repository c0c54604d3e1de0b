//! Steps cut off a sequence.

use serde::{Deserialize, Serialize};

use super::window::{both, sequence};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Leaves out steps at the beginning and at the end of a sequence.
///
/// # Shapes
///
/// Input (steps, channels), output (steps - before - after, channels).
///
/// # Example
///
/// ```
/// use taper::{Cropping1d, Sequential};
///
/// let model = Sequential::new([10, 4]).layer(Cropping1d { cropping: [2, 0] }); // (8, 4)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping1d {
    /// How many steps before and after. Default: 1 and 1.
    #[serde(default = "one_each", deserialize_with = "both")]
    pub cropping: [usize; 2],
}

fn one_each() -> [usize; 2] {
    [1, 1]
}

impl LayerConfig for Cropping1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [steps, channels] = sequence(single(inputs)?)?;
        let [before, after] = self.cropping;
        let left = before.checked_add(after).and_then(|cut| steps.checked_sub(cut)).filter(|left| *left > 0);
        let left = left.ok_or_else(|| {
            let expected = format!("fewer than the {steps} steps of the input");
            Complaint::new("cropping", expected, format!("[{before}, {after}]"))
        })?;
        let output = Shape::new([left, channels])?;
        Ok(Box::new(Built { start: before * channels, len: steps * channels, output }))
    }
}

#[derive(Debug)]
struct Built {
    /// Where the output begins in the input, and the input's length.
    start: usize,
    len: usize,
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        for (x, y) in io.inputs.x().chunks_exact(self.len).zip(io.y.chunks_exact_mut(self.output.len())) {
            y.copy_from_slice(&x[self.start..][..y.len()]);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        dx.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(self.len).zip(io.dy.chunks_exact(self.output.len())) {
            dx[self.start..][..dy.len()].copy_from_slice(dy);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cropping1d, Model, Seed, Sequential};

    /// `keras.layers.Cropping1D((1, 2))(...)` of the steps (1, 2) to (9, 10).
    #[test]
    fn steps_are_cut_off_at_both_ends() {
        let layer: Cropping1d = serde_json::from_str(r#"{"cropping": [1, 2]}"#).unwrap();
        let model = Model::build(&Sequential::new([5, 2]).layer(layer), Seed::new(1)).unwrap();
        let x: Vec<f32> = (1..=10u8).map(f32::from).collect();
        assert_eq!(model.predict(&x).unwrap(), [3.0, 4.0, 5.0, 6.0]);
        let error = Model::build(&Sequential::new([2, 2]).layer(Cropping1d { cropping: [1, 1] }), Seed::new(1));
        assert!(error.unwrap_err().to_string().contains("cropping: expected fewer than the 2 steps"));
    }
}
