//! Zeros around a sequence.

use serde::{Deserialize, Serialize};

use super::window::{both, sequence};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Puts steps of zeros before and after a sequence.
///
/// # Shapes
///
/// Input (steps, channels), output (before + steps + after, channels).
///
/// # Example
///
/// ```
/// use taper::{Conv1d, Sequential, ZeroPadding1d};
///
/// let causal = ZeroPadding1d { padding: [2, 0] };
/// let model = Sequential::new([10, 4]).layer(causal).layer(Conv1d::new(8, 3)); // (10, 8)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding1d {
    /// How many steps before and after. Default: 1 and 1.
    #[serde(default = "one_each", deserialize_with = "both")]
    pub padding: [usize; 2],
}

fn one_each() -> [usize; 2] {
    [1, 1]
}

impl LayerConfig for ZeroPadding1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [steps, channels] = sequence(single(inputs)?)?;
        let [before, after] = self.padding;
        let padded = before.checked_add(steps).and_then(|steps| steps.checked_add(after));
        let output = padded.and_then(|steps| Shape::new([steps, channels]).ok()).ok_or_else(|| {
            Complaint::new("padding", "an output of at most 2^40 numbers", format!("[{before}, {after}]"))
        })?;
        Ok(Box::new(Built { start: before * channels, len: steps * channels, output }))
    }
}

#[derive(Debug)]
struct Built {
    /// Where the input begins in the output, and its length.
    start: usize,
    len: usize,
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.fill(0.0);
        for (x, y) in io.inputs.x().chunks_exact(self.len).zip(io.y.chunks_exact_mut(self.output.len())) {
            y[self.start..][..self.len].copy_from_slice(x);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        for (dx, dy) in dx.chunks_exact_mut(self.len).zip(io.dy.chunks_exact(self.output.len())) {
            dx.copy_from_slice(&dy[self.start..][..self.len]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Model, Seed, Sequential, ZeroPadding1d};

    /// `keras.layers.ZeroPadding1D((1, 2))(...)` of steps (1, 2) and (3, 4).
    #[test]
    fn zeros_stand_before_and_after() {
        let layer: ZeroPadding1d = serde_json::from_str(r#"{"padding": [1, 2]}"#).unwrap();
        let model = Model::build(&Sequential::new([2, 2]).layer(layer), Seed::new(1)).unwrap();
        assert_eq!(model.predict(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(serde_json::from_str::<ZeroPadding1d>(r#"{"padding": 3}"#).unwrap().padding, [3, 3]);
        assert!(serde_json::from_str::<ZeroPadding1d>(r#"{"padding": [1, 2, 3]}"#).is_err());
    }
}
