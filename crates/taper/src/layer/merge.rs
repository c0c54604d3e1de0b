//! Layers that bring several values of one shape together, number by number.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Inputs, Layer, LayerConfig, Masking, dx_at};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Declares a merge layer without settings.
macro_rules! merge {
    ($name:ident, $what:literal, $file:literal) => {
        #[doc = $what]
        ///
        /// # Shapes
        ///
        /// Two inputs or more of the same rank; a size of 1 is repeated to meet the others (`(8, 1)` and `(8, 5)` give
        /// `(8, 5)`).
        ///
        /// # Example
        ///
        /// ```
        #[doc = concat!("use taper::{Dense, Graph, ", stringify!($name), "};")]
        ///
        /// let spec = Graph::new([8])
        ///     .node("branch", ["input"], Dense::new(8))
        #[doc = concat!("    .node(\"merged\", [\"input\", \"branch\"], ", stringify!($name), "::new());")]
        /// ```
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {}

        impl $name {
            /// The layer; it has no settings.
            #[must_use]
            pub fn new() -> Self {
                Self {}
            }
        }

        impl LayerConfig for $name {
            fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
                Ok(Box::new(Built::new(Merge::$name, $file, inputs)?))
            }
        }
    };
}

merge!(Add, "`y = x₁ + x₂ + …`: the residual connection.", "add");
merge!(Subtract, "`y = x₁ - x₂`, of exactly two inputs.", "subtract");
merge!(Multiply, "`y = x₁ · x₂ · …`, number by number.", "multiply");
merge!(Average, "`y = (x₁ + x₂ + …) / n`.", "average");
merge!(
    Maximum,
    "`y = max(x₁, x₂, …)`, number by number. The gradient goes to the first input that has the largest value.",
    "maximum"
);
merge!(
    Minimum,
    "`y = min(x₁, x₂, …)`, number by number. The gradient goes to the first input that has the smallest value.",
    "minimum"
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    Add,
    Subtract,
    Multiply,
    Average,
    Maximum,
    Minimum,
}

#[derive(Debug)]
struct Built {
    merge: Merge,
    output: Shape,
    /// How far apart an input's numbers lie along each axis of the output, 0 where one is repeated; `None` for an input of
    /// the output's own shape.
    strides: Vec<Option<Vec<usize>>>,
}

impl Built {
    fn new(merge: Merge, name: &str, inputs: &[Shape]) -> Result<Self> {
        let enough = if merge == Merge::Subtract { inputs.len() == 2 } else { inputs.len() >= 2 };
        if !enough {
            let expected = if merge == Merge::Subtract { "exactly two inputs" } else { "at least two inputs" };
            let got = format!("{} for `{name}`", inputs.len());
            return Err(Complaint::new("inputs", expected, got).into());
        }
        let mut sizes = inputs[0].sizes().to_vec();
        for input in &inputs[1..] {
            let meets = input.rank() == sizes.len()
                && sizes.iter().zip(input.sizes()).all(|(a, b)| a == b || *a == 1 || *b == 1);
            if !meets {
                let shapes: Vec<String> = inputs.iter().map(ToString::to_string).collect();
                return Err(Complaint::new("inputs", "inputs whose shapes meet", shapes.join(", ")).into());
            }
            sizes.iter_mut().zip(input.sizes()).for_each(|(size, other)| *size = (*size).max(*other));
        }
        let output = Shape::new(sizes).map_err(|error| error.within("inputs"))?;
        let strides = inputs.iter().map(|input| (input != &output).then(|| strides(input))).collect();
        Ok(Self { merge, output, strides })
    }

    /// The number of an input that goes into number `i` of a batch's output.
    #[inline(always)]
    fn place(&self, input: usize, i: usize, len: usize) -> usize {
        let Some(strides) = &self.strides[input] else { return i };
        let (mut rest, mut place) = (i, 0);
        for (size, stride) in self.output.sizes().iter().zip(strides).rev() {
            place += rest % size * stride;
            rest /= size;
        }
        rest * len + place
    }

    /// Numbers per row of this input.
    fn len_of(inputs: &Inputs<'_>, position: usize) -> usize {
        inputs.lens[inputs.nodes[position]]
    }

    /// Gives `f` each number of the output with its input's, by place.
    #[inline(always)]
    fn each(&self, inputs: &Inputs<'_>, position: usize, out: &mut [f32], f: impl Fn(&mut f32, f32)) {
        let x = inputs.get(position);
        if self.strides[position].is_none() {
            out.iter_mut().zip(x).for_each(|(out, x)| f(out, *x));
            return;
        }
        let len = Self::len_of(inputs, position);
        for (i, out) in out.iter_mut().enumerate() {
            f(out, x[self.place(position, i, len)]);
        }
    }

    /// The slope of the output's number `i` by this input's.
    fn slope(&self, inputs: &Inputs<'_>, position: usize, i: usize, y: f32) -> f32 {
        let count = self.strides.len();
        let x = |input: usize| inputs.get(input)[self.place(input, i, Self::len_of(inputs, input))];
        match self.merge {
            Merge::Add => 1.0,
            Merge::Subtract if position == 0 => 1.0,
            Merge::Subtract => -1.0,
            Merge::Average => 1.0 / count as f32,
            Merge::Multiply => (0..count).filter(|other| *other != position).map(x).product(),
            Merge::Maximum | Merge::Minimum => {
                let first = (0..count).find(|input| x(*input) == y);
                if first == Some(position) { 1.0 } else { 0.0 }
            }
        }
    }
}

/// The distance of neighbours along each axis; 0 along those of size 1, whose only number is repeated.
fn strides(input: &Shape) -> Vec<usize> {
    let mut strides: Vec<usize> = Vec::with_capacity(input.rank());
    let mut stride = 1;
    for size in input.sizes().iter().rev() {
        strides.push(if *size == 1 { 0 } else { stride });
        stride *= size;
    }
    strides.reverse();
    strides
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn masking(&self) -> Masking {
        Masking::Any
    }

    fn forward(&self, io: Forward<'_>) {
        self.each(&io.inputs, 0, io.y, |y, x| *y = x);
        for position in 1..self.strides.len() {
            match self.merge {
                Merge::Add | Merge::Average => self.each(&io.inputs, position, io.y, |y, x| *y += x),
                Merge::Subtract => self.each(&io.inputs, position, io.y, |y, x| *y -= x),
                Merge::Multiply => self.each(&io.inputs, position, io.y, |y, x| *y *= x),
                Merge::Maximum => self.each(&io.inputs, position, io.y, |y, x| *y = if x > *y { x } else { *y }),
                Merge::Minimum => self.each(&io.inputs, position, io.y, |y, x| *y = if x < *y { x } else { *y }),
            }
        }
        if self.merge == Merge::Average {
            let count = self.strides.len() as f32;
            io.y.iter_mut().for_each(|y| *y /= count);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        for position in 0..self.strides.len() {
            let Some(dx) = dx_at(io.dx, position, io.batch, &io.inputs) else { continue };
            if self.merge == Merge::Add && self.strides[position].is_none() {
                dx.copy_from_slice(io.dy);
                continue;
            }
            let len = Self::len_of(&io.inputs, position);
            dx.fill(0.0);
            for (i, dy) in io.dy.iter().enumerate() {
                dx[self.place(position, i, len)] += dy * self.slope(&io.inputs, position, i, io.y[i]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::*;

    /// The merge of input (1, 2, 3) with 2·input.
    fn merged(layer: impl Into<LayerSpec>) -> Vec<f32> {
        let double = Dense { use_bias: false, ..Dense::new(3) };
        let spec = Graph::new([3]).node("double", ["input"], double).node("merged", ["input", "double"], layer);
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        model.params_mut().data_mut().copy_from_slice(&[2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]);
        model.predict(&[1.0, -2.0, 3.0]).unwrap()
    }

    #[test]
    fn merges_by_hand() {
        assert_eq!(merged(Add::new()), [3.0, -6.0, 9.0]);
        assert_eq!(merged(Subtract::new()), [-1.0, 2.0, -3.0]);
        assert_eq!(merged(Multiply::new()), [2.0, 8.0, 18.0]);
        assert_eq!(merged(Average::new()), [1.5, -3.0, 4.5]);
        assert_eq!(merged(Maximum::new()), [2.0, -2.0, 6.0]);
        assert_eq!(merged(Minimum::new()), [1.0, -4.0, 3.0]);
    }

    #[test]
    fn a_size_of_one_is_repeated() {
        let one = Dense { use_bias: false, ..Dense::new(1) };
        let spec = Graph::new([2, 2]).node("one", ["input"], one).node("sum", ["one", "input"], Add::new());
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        model.params_mut().data_mut().copy_from_slice(&[1.0, 10.0]);
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        assert_eq!(model.predict(&x).unwrap(), [22.0, 23.0, 46.0, 47.0, 70.0, 71.0, 94.0, 95.0]);
    }

    #[test]
    fn shapes_that_do_not_meet_are_refused() {
        let spec = Graph::new([3]).node("two", ["input"], Dense::new(2)).node("sum", ["input", "two"], Add::new());
        let error = Model::build(&spec, Seed::new(1)).unwrap_err().to_string();
        assert_eq!(error, "nodes[1].inputs: expected inputs whose shapes meet, got (3), (2) (in layer `sum`)");
        let spec = Graph::new([3]).node("sum", ["input"], Add::new());
        let error = Model::build(&spec, Seed::new(1)).unwrap_err().to_string();
        assert!(error.starts_with("nodes[0].inputs: expected at least two inputs"), "{error}");
    }
}
