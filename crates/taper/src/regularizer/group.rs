//! Weights that live and die together.

use serde::{Deserialize, Serialize};
use taper_kernels::group::{self, Groups};

use super::penalty::{Penalty, Proximal};
use crate::param::{ParamSpec, Role};
use crate::shape::Shape;

/// Which weights of a parameter make a group of the group lasso.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// All weights into one unit: a column of a dense kernel, a filter of a convolution, in an LSTM or GRU the columns of all
    /// gates of one cell. A group of zeros is a unit that hears nothing.
    #[default]
    Unit,
    /// All weights out of one input: a row of a dense kernel, an input channel of a convolution, a token of an embedding.
    Input,
    /// As `unit`, and only for convolutions.
    Filter,
    /// All weights of one gate of an LSTM (4 groups) or GRU (3).
    Gate,
}

impl Grouping {
    /// The groups of this parameter; if it has none, what would have been needed and what is there.
    pub(crate) fn of(self, spec: &ParamSpec) -> Result<Groups, (&'static str, String)> {
        let sizes = spec.shape.sizes();
        let got = || format!("{} of shape {}", spec.name, spec.shape);
        let after = |axis: usize| sizes[axis + 1..].iter().product::<usize>();
        let (rank, is_depthwise) = (sizes.len(), spec.role == Role::DepthwiseKernel);
        match self {
            Self::Filter if rank < 3 => Err(("a convolution's kernel, which has filters", got())),
            Self::Gate if spec.gates < 2 => Err(("a kernel or bias of an LSTM or GRU, which has gates", got())),
            Self::Input if rank < 2 => Err(("a parameter of at least two dimensions, which has inputs", got())),
            _ if rank == 0 => Err(("a parameter with dimensions", got())),
            Self::Gate => Ok(Groups { count: spec.gates, inner: sizes[rank - 1] / spec.gates }),
            // One filter per input channel and multiple.
            Self::Unit | Self::Filter if is_depthwise && rank > 2 => {
                Ok(Groups { count: sizes[rank - 2] * sizes[rank - 1], inner: 1 })
            }
            Self::Unit | Self::Filter if spec.transposed && rank > 1 => {
                Ok(Groups { count: sizes[rank - 2], inner: after(rank - 2) })
            }
            Self::Unit | Self::Filter => Ok(Groups { count: sizes[rank - 1] / spec.gates, inner: 1 }),
            Self::Input if spec.transposed => Ok(Groups { count: sizes[rank - 1], inner: 1 }),
            Self::Input => Ok(Groups { count: sizes[rank - 2], inner: after(rank - 2) }),
        }
    }
}

/// λ √d Σ ‖w_g‖₂ over groups of d weights each.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLasso {
    pub(super) lambda: f64,
    pub(super) groups: Groups,
}

impl GroupLasso {
    fn kappa(&self, len: usize) -> f32 {
        (self.lambda * (len as f64 / self.groups.count as f64).sqrt()) as f32
    }
}

impl Penalty for GroupLasso {
    fn value(&self, _shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64 {
        group::gradient(self.kappa(w.len()), self.groups, w, &mut [], scratch)
    }

    fn add_gradient(&self, _shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        group::gradient(self.kappa(w.len()), self.groups, w, dw, scratch)
    }

    fn proximal(&self, _shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        group::proximal(self.kappa(w.len()), self.groups, steps, w, scratch);
    }

    fn proximal_map(&self) -> Proximal {
        Proximal::EveryStep
    }

    fn scratch_len(&self, _shape: &Shape) -> usize {
        group::scratch_len(self.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Initializer;

    fn of(grouping: Grouping, sizes: &[usize], change: impl Fn(&mut ParamSpec)) -> Option<(usize, usize)> {
        let shape = Shape::new(sizes).unwrap();
        let mut spec = ParamSpec::new("kernel", Role::Kernel, shape, Initializer::Zeros);
        change(&mut spec);
        grouping.of(&spec).ok().map(|groups| (groups.count, groups.inner))
    }

    #[test]
    fn every_layer_has_its_groups() {
        let plain = |_: &mut ParamSpec| {};
        let lstm = |spec: &mut ParamSpec| spec.gates = 4;
        let transposed = |spec: &mut ParamSpec| spec.transposed = true;
        let depthwise = |spec: &mut ParamSpec| spec.role = Role::DepthwiseKernel;
        assert_eq!(of(Grouping::Unit, &[3, 5], plain), Some((5, 1)));
        assert_eq!(of(Grouping::Input, &[3, 5], plain), Some((3, 5)));
        assert_eq!(of(Grouping::Filter, &[3, 3, 2, 5], plain), Some((5, 1)));
        assert_eq!(of(Grouping::Input, &[3, 3, 2, 5], plain), Some((2, 5)));
        assert_eq!(of(Grouping::Filter, &[3, 3, 5, 2], transposed), Some((5, 2)));
        assert_eq!(of(Grouping::Input, &[3, 3, 5, 2], transposed), Some((2, 1)));
        assert_eq!(of(Grouping::Filter, &[3, 3, 2, 5], depthwise), Some((10, 1)));
        assert_eq!(of(Grouping::Unit, &[3, 20], lstm), Some((5, 1)));
        assert_eq!(of(Grouping::Gate, &[3, 20], lstm), Some((4, 5)));
        assert_eq!(of(Grouping::Unit, &[5], plain), Some((5, 1)));
        for (grouping, sizes) in [(Grouping::Gate, &[3, 20][..]), (Grouping::Filter, &[3, 5]), (Grouping::Input, &[5])]
        {
            assert_eq!(of(grouping, sizes, plain), None);
        }
    }
}
