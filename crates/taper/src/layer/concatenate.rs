//! Concatenate.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_at};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// The inputs side by side along one axis.
///
/// # Shapes
///
/// Two inputs or more that differ at most in the size of `axis`; the output's size there is the sum.
///
/// # Example
///
/// ```
/// use taper::{Concatenate, Dense, Graph};
///
/// let spec = Graph::new([8])
///     .node("branch", ["input"], Dense::new(4))
///     .node("joined", ["input", "branch"], Concatenate::new());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Concatenate {
    /// The axis, as Keras counts: 0 is the batch (not allowed), 1 the first of a row, -1 the last. Default: -1.
    #[serde(default = "last")]
    pub axis: isize,
}

fn last() -> isize {
    -1
}

impl Default for Concatenate {
    fn default() -> Self {
        Self { axis: last() }
    }
}

impl Concatenate {
    /// Along the last axis.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Along this axis; see [`axis`](Self::axis).
    #[must_use]
    pub fn axis(mut self, axis: isize) -> Self {
        self.axis = axis;
        self
    }
}

impl LayerConfig for Concatenate {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        if inputs.len() < 2 {
            return Err(Complaint::new("inputs", "at least two inputs", inputs.len()).into());
        }
        let rank = inputs[0].rank();
        // Counted with the batch in front, as Keras does.
        let axis = if self.axis < 0 { self.axis + rank as isize + 1 } else { self.axis };
        if axis < 1 || axis > rank as isize {
            let expected = format!("an axis from 1 to {rank}, or from -{rank} to -1");
            return Err(Complaint::new("axis", expected, self.axis).into());
        }
        let axis = axis as usize - 1;
        let mut sizes = inputs[0].sizes().to_vec();
        for input in &inputs[1..] {
            let mut others = input.sizes().to_vec();
            let meets = others.len() == rank && {
                others[axis] = sizes[axis];
                others == sizes
            };
            if !meets {
                let shapes: Vec<String> = inputs.iter().map(ToString::to_string).collect();
                let expected = format!("inputs that differ only along axis {}", self.axis);
                return Err(Complaint::new("inputs", expected, shapes.join(", ")).into());
            }
            sizes[axis] = sizes[axis].saturating_add(input.sizes()[axis]);
        }
        let output = Shape::new(sizes).map_err(|error| error.within("inputs"))?;
        let blocks = output.sizes()[..axis].iter().product();
        let widths = inputs.iter().map(|input| input.sizes()[axis..].iter().product()).collect();
        let masking = match (axis + 1 == rank, rank, axis) {
            (true, _, _) => Masking::Any,
            (false, 2, 0) => Masking::Join,
            _ => Masking::Drop,
        };
        Ok(Box::new(Built { output, blocks, widths, masking }))
    }
}

#[derive(Debug)]
struct Built {
    output: Shape,
    /// How often, per row, the inputs take turns.
    blocks: usize,
    /// How many numbers each input gives per turn.
    widths: Vec<usize>,
    masking: Masking,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn masking(&self) -> Masking {
        self.masking
    }

    fn forward(&self, io: Forward<'_>) {
        let stride: usize = self.widths.iter().sum();
        let mut start = 0;
        for (position, width) in self.widths.iter().enumerate() {
            let x = io.inputs.get(position);
            for (block, x) in x.chunks_exact(*width).enumerate() {
                io.y[block * stride + start..][..*width].copy_from_slice(x);
            }
            start += width;
        }
        debug_assert_eq!(io.y.len(), io.batch * self.blocks * stride);
    }

    fn backward(&self, io: Backward<'_>) {
        let stride: usize = self.widths.iter().sum();
        let mut start = 0;
        for (position, width) in self.widths.iter().enumerate() {
            if let Some(dx) = dx_at(io.dx, position, io.batch, &io.inputs) {
                for (block, dx) in dx.chunks_exact_mut(*width).enumerate() {
                    dx.copy_from_slice(&io.dy[block * stride + start..][..*width]);
                }
            }
            start += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::*;

    fn joined(axis: isize) -> Result<Vec<f32>> {
        let negative = Dense { use_bias: false, ..Dense::new(2) };
        let spec = Graph::new([2, 2]).node("negative", ["input"], negative).node(
            "joined",
            ["input", "negative", "input"],
            Concatenate::new().axis(axis),
        );
        let mut model = Model::build(&spec, Seed::new(1))?;
        model.params_mut().data_mut().copy_from_slice(&[-1.0, 0.0, 0.0, -1.0]);
        model.predict(&[1.0, 2.0, 3.0, 4.0])
    }

    #[test]
    fn either_axis_by_hand() {
        let wide = [1.0, 2.0, -1.0, -2.0, 1.0, 2.0, 3.0, 4.0, -3.0, -4.0, 3.0, 4.0];
        let long = [1.0, 2.0, 3.0, 4.0, -1.0, -2.0, -3.0, -4.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(joined(-1).unwrap(), wide);
        assert_eq!(joined(2).unwrap(), wide);
        assert_eq!(joined(1).unwrap(), long);
        assert_eq!(joined(-2).unwrap(), long);
        assert!(joined(0).unwrap_err().to_string().starts_with("nodes[1].axis: expected an axis from 1 to 2"));
        assert!(joined(3).is_err() && joined(-3).is_err());
    }
}
