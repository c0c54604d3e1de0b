//! Permute.

use serde::{Deserialize, Serialize};

use super::transposition::Transposition;
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// The dimensions in another order: dimension `i` of the output is dimension `dims[i]` of the input, counting from 1.
///
/// # Shapes
///
/// Input (a, b, c), output with `dims` \[3, 1, 2\] (c, a, b).
///
/// # Example
///
/// ```
/// use taper::{Permute, Sequential};
///
/// let model = Sequential::new([10, 64]).layer(Permute::new([2, 1])); // (64, 10)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Permute {
    /// The numbers 1 to the input's dimensions, each once.
    pub dims: Vec<usize>,
}

impl Permute {
    /// To this order.
    #[must_use]
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Self { dims: dims.into() }
    }
}

impl LayerConfig for Permute {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if sorted != (1..=input.rank()).collect::<Vec<_>>() {
            let expected = format!("the numbers from 1 to {}, each once", input.rank());
            return Err(Complaint::new("dims", expected, format!("{:?}", self.dims)).into());
        }
        let dims: Vec<usize> = self.dims.iter().map(|dim| dim - 1).collect();
        Ok(Box::new(Built(Transposition::new(input, &dims)?)))
    }
}

#[derive(Debug)]
struct Built(Transposition);

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.0.output
    }

    fn forward(&self, io: Forward<'_>) {
        self.0.forward(io.inputs.x(), io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.0.back(io.dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Seed, Sequential};

    /// `numpy.transpose(numpy.arange(12).reshape(1, 2, 3, 2), (0, 3, 1, 2))`.
    #[test]
    fn numpys_transpose() {
        let model = Model::build(&Sequential::new([2, 3, 2]).layer(Permute::new([3, 1, 2])), Seed::new(1)).unwrap();
        let x: Vec<f32> = (0..12u8).map(f32::from).collect();
        let want = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0];
        assert_eq!(model.predict(&x).unwrap(), want);
        assert_eq!(model.output_shape().sizes(), [2, 2, 3]);
        assert!(Permute::new([1, 1]).build(&[Shape::new([2, 2]).unwrap()]).is_err());
    }
}
