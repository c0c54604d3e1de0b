//! What the convolution layers have in common once they are built.

use taper_kernels::convolution::Convolution;
use taper_kernels::window::Axis;

use super::{Backward, Forward, Layer, dx_of};
use crate::activation::Activation;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

/// `y = f(x ∗ kernel + bias)` with all sizes fixed.
#[derive(Debug)]
pub(crate) struct BuiltConvolution {
    pub(crate) geometry: Convolution,
    pub(crate) activation: Activation,
    pub(crate) params: Vec<ParamSpec>,
    pub(crate) output: Shape,
}

impl Layer for BuiltConvolution {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.activation.cache_len(batch * self.geometry.output_len())
    }

    fn scratch_len(&self, batch: usize) -> usize {
        self.geometry.scratch_len(batch)
    }

    fn forward(&self, io: Forward<'_>) {
        let (kernel, bias) = io.params.split_at(self.geometry.kernel_len());
        self.geometry.forward(io.batch, io.inputs.x(), kernel, io.y, io.scratch);
        self.activation.apply(self.geometry.filters, bias, io.y, io.cache);
    }

    fn backward(&self, io: Backward<'_>) {
        let kernel = &io.params[..self.geometry.kernel_len()];
        let (dkernel, dbias) = io.dparams.split_at_mut(kernel.len());
        self.activation.apply_backward(self.geometry.filters, io.y, io.cache, io.dy, dbias);
        self.geometry.backward_kernel(io.batch, io.inputs.x(), io.dy, dkernel, io.scratch);
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.geometry.backward_input(io.batch, io.dy, kernel, dx, io.scratch);
        }
    }
}

/// Sizes of a convolution from its window and the user's `filters` and `groups`.
pub(crate) fn geometry(
    (rows, columns, channels): (Axis, Axis, usize),
    filters: usize,
    groups: usize,
) -> Result<Convolution> {
    let mut complaints = Complaints::new();
    check_filters(filters, &mut complaints);
    complaints.check(groups > 0, "groups", "a whole number of at least 1", groups);
    if groups > 0 {
        let expected = format!("a divisor of the {filters} filters");
        complaints.check(filters.is_multiple_of(groups), "groups", expected, groups);
        let expected = format!("a divisor of the input's {channels} channels");
        complaints.check(channels.is_multiple_of(groups), "groups", expected, groups);
    }
    complaints.finish()?;
    Ok(Convolution { rows, columns, channels, filters, groups })
}

pub(crate) fn check_filters(filters: usize, complaints: &mut Complaints) {
    complaints.check(filters > 0, "filters", "a whole number of at least 1", filters);
}

/// Checks a parameter whose settings do not begin with its own name (`depthwise_initializer` of `kernel`), so that mistakes
/// are found under the name that the user wrote.
pub(crate) fn check_settings(
    setting: &'static str,
    role: Role,
    shape: &Shape,
    initializer: &Initializer,
    regularizer: &Option<Regularizer>,
) -> Result<()> {
    let mut complaints = Complaints::new();
    if let Err(error) = initializer.validate(shape) {
        for complaint in error.complaints() {
            complaints.push(Complaint { place: format!("{setting}_initializer"), ..complaint.clone() });
        }
    }
    if let Some(regularizer) = regularizer {
        let spec = ParamSpec::new(setting, role, shape.clone(), initializer.clone());
        regularizer.validate(&format!("{setting}_regularizer"), Some(&spec), &mut complaints);
    }
    complaints.finish()
}

/// The shape of a kernel or of an output; `place` is the setting to blame if it is too large.
pub(crate) fn sized(place: &str, sizes: &[usize]) -> Result<Shape> {
    Shape::new(sizes).map_err(|_| Complaint::new(place, "sizes of at most 2^40 numbers", format!("{sizes:?}")).into())
}
