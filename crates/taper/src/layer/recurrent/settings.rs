//! The settings that all recurrent layers have, and how a layer is built of them.

use super::Recurrent;
use super::cell::Cell;
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::layer::{Layer, single};
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaints, Result};

/// The settings of a recurrent layer that do not concern its cell.
pub(in crate::layer) struct Settings<'a> {
    pub(in crate::layer) units: usize,
    /// The functions of the cell, with their setting's names.
    pub(in crate::layer) activations: Vec<(&'static str, Activation)>,
    pub(in crate::layer) use_bias: bool,
    /// Rows of the bias: 2 where the state's sums have one of their own.
    pub(in crate::layer) bias_rows: usize,
    /// The part of the bias that begins at 1.
    pub(in crate::layer) ones: std::ops::Range<usize>,
    pub(in crate::layer) kernel_initializer: &'a Initializer,
    pub(in crate::layer) recurrent_initializer: &'a Initializer,
    pub(in crate::layer) bias_initializer: &'a Initializer,
    pub(in crate::layer) kernel_regularizer: &'a Option<Regularizer>,
    pub(in crate::layer) kernel_constraint: &'a Option<Constraint>,
    pub(in crate::layer) recurrent_regularizer: &'a Option<Regularizer>,
    pub(in crate::layer) recurrent_constraint: &'a Option<Constraint>,
    pub(in crate::layer) bias_regularizer: &'a Option<Regularizer>,
    pub(in crate::layer) bias_constraint: &'a Option<Constraint>,
    pub(in crate::layer) dropout: f32,
    pub(in crate::layer) recurrent_dropout: f32,
    pub(in crate::layer) return_sequences: bool,
    pub(in crate::layer) go_backwards: bool,
    pub(in crate::layer) zero_output_for_mask: bool,
}

/// Builds the layer around its cell.
pub(in crate::layer) fn build<C: Cell + 'static>(
    settings: &Settings<'_>,
    cell: C,
    inputs: &[Shape],
) -> Result<Box<dyn Layer>> {
    let input = single(inputs)?;
    let mut complaints = Complaints::new();
    complaints.check(settings.units > 0, "units", "a whole number of at least 1", settings.units);
    complaints.check(input.rank() == 2, "", "an input of two dimensions, (steps, features)", input);
    for (setting, activation) in &settings.activations {
        complaints.check(activation.unary().is_some(), setting, "a function of one number", "softmax");
    }
    complaints.check(
        (0.0..1.0).contains(&settings.dropout),
        "dropout",
        "a number of at least 0 and below 1",
        settings.dropout,
    );
    complaints.check(
        (0.0..1.0).contains(&settings.recurrent_dropout),
        "recurrent_dropout",
        "a number of at least 0 and below 1",
        settings.recurrent_dropout,
    );
    complaints.finish()?;

    let (steps, features, units) = (input.rows(), input.last(), settings.units);
    let shape = |sizes: &[usize]| Shape::new(sizes).map_err(|error| error.within("units"));
    let sums = units.saturating_mul(C::GATES);
    let name = |name: &str| format!("{}/{name}", C::NAME);
    let mut params = vec![
        ParamSpec::new(name("kernel"), Role::Kernel, shape(&[features, sums])?, settings.kernel_initializer.clone())
            .regularizer(settings.kernel_regularizer)
            .constraint(settings.kernel_constraint)
            .gates(C::GATES),
        ParamSpec::new(
            name("recurrent_kernel"),
            Role::RecurrentKernel,
            shape(&[units, sums])?,
            settings.recurrent_initializer.clone(),
        )
        .regularizer(settings.recurrent_regularizer)
        .constraint(settings.recurrent_constraint)
        .gates(C::GATES),
    ];
    if settings.use_bias {
        let sizes = if settings.bias_rows == 1 { vec![sums] } else { vec![settings.bias_rows, sums] };
        let bias = ParamSpec::new(name("bias"), Role::Bias, shape(&sizes)?, settings.bias_initializer.clone());
        params.push(ParamSpec {
            ones: settings.ones.clone(),
            ..bias.regularizer(settings.bias_regularizer).constraint(settings.bias_constraint).gates(C::GATES)
        });
    }
    Ok(Box::new(Recurrent {
        cell,
        steps,
        features,
        units,
        dropout: settings.dropout,
        recurrent_dropout: settings.recurrent_dropout,
        return_sequences: settings.return_sequences,
        go_backwards: settings.go_backwards,
        zero_output_for_mask: settings.zero_output_for_mask,
        params,
        output: if settings.return_sequences { shape(&[steps, units])? } else { shape(&[units])? },
    }))
}

/// Declares the settings of a recurrent layer: those that all have, and its own, with their defaults.
macro_rules! recurrent_layer {
    (
        $(#[$doc:meta])*
        pub struct $config:ident {
            $(#[$activation_doc:meta])*
            activation,
            $($(#[$own_doc:meta])* $own:ident: $own_type:ty = $own_default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            /// Size of the state, at least 1.
            pub units: usize,
            $(#[$activation_doc])*
            #[serde(default = "tanh")]
            pub activation: Activation,
            $($(#[$own_doc])* pub $own: $own_type,)*
            /// Whether there is a bias. Default: yes.
            #[serde(default = "yes", skip_serializing_if = "is_yes")]
            pub use_bias: bool,
            /// How the kernel begins. Default: `glorot_uniform`.
            #[serde(default = "glorot_uniform")]
            pub kernel_initializer: Initializer,
            /// How the recurrent kernel begins. Default: `orthogonal`.
            #[serde(default = "orthogonal")]
            pub recurrent_initializer: Initializer,
            /// How the bias begins. Default: `zeros`.
            #[serde(default = "zeros")]
            pub bias_initializer: Initializer,
            /// Penalty on the kernel. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub kernel_regularizer: Option<Regularizer>,
            /// Penalty on the recurrent kernel. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub recurrent_regularizer: Option<Regularizer>,
            /// Penalty on the bias. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub bias_regularizer: Option<Regularizer>,
            /// Constraint on the kernel after each step. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub kernel_constraint: Option<Constraint>,
            /// Constraint on the recurrent kernel after each step. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub recurrent_constraint: Option<Constraint>,
            /// Constraint on the bias after each step. Default: none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub bias_constraint: Option<Constraint>,
            /// Share of the input's features that become 0 in training, the same ones in all steps, in [0, 1). Default: 0.
            #[serde(default, skip_serializing_if = "is_default")]
            pub dropout: f32,
            /// Share of the state's units that become 0 on their way into a gate in training, the same ones in all steps, others for each
            /// gate (of which each then drops features of its own, too), in [0, 1). Default: 0.
            #[serde(default, skip_serializing_if = "is_default")]
            pub recurrent_dropout: f32,
            /// Whether the output is the state after every step. Default: after the last.
            #[serde(default, skip_serializing_if = "is_default")]
            pub return_sequences: bool,
            /// Whether the last step is read first; a sequence of outputs then stays in that order. Default: no.
            #[serde(default, skip_serializing_if = "is_default")]
            pub go_backwards: bool,
            /// Whether the output of masked steps is 0 instead of that of the step before. Default: no.
            #[serde(default, skip_serializing_if = "is_default")]
            pub zero_output_for_mask: bool,
        }

        impl $config {
            /// A layer with Keras's defaults.
            #[must_use]
            pub fn new(units: usize) -> Self {
                Self {
                    units,
                    activation: tanh(),
                    $($own: $own_default,)*
                    use_bias: true,
                    kernel_initializer: glorot_uniform(),
                    recurrent_initializer: orthogonal(),
                    bias_initializer: zeros(),
                    kernel_regularizer: None,
                    recurrent_regularizer: None,
                    bias_regularizer: None,
                    kernel_constraint: None,
                    recurrent_constraint: None,
                    bias_constraint: None,
                    dropout: 0.0,
                    recurrent_dropout: 0.0,
                    return_sequences: false,
                    go_backwards: false,
                    zero_output_for_mask: false,
                }
            }

            /// Whose output is the state after every step, or after the last.
            #[must_use]
            pub fn return_sequences(mut self, return_sequences: bool) -> Self {
                self.return_sequences = return_sequences;
                self
            }

            /// That reads the last step first, or the first.
            #[must_use]
            pub fn go_backwards(mut self, go_backwards: bool) -> Self {
                self.go_backwards = go_backwards;
                self
            }

            /// The settings that do not concern the cell.
            fn settings(&self) -> Settings<'_> {
                Settings {
                    units: self.units,
                    activations: vec![("activation", self.activation)],
                    use_bias: self.use_bias,
                    bias_rows: 1,
                    ones: 0..0,
                    kernel_initializer: &self.kernel_initializer,
                    recurrent_initializer: &self.recurrent_initializer,
                    bias_initializer: &self.bias_initializer,
                    kernel_regularizer: &self.kernel_regularizer,
                    kernel_constraint: &self.kernel_constraint,
                    recurrent_regularizer: &self.recurrent_regularizer,
                    recurrent_constraint: &self.recurrent_constraint,
                    bias_regularizer: &self.bias_regularizer,
                    bias_constraint: &self.bias_constraint,
                    dropout: self.dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    return_sequences: self.return_sequences,
                    go_backwards: self.go_backwards,
                    zero_output_for_mask: self.zero_output_for_mask,
                }
            }
        }
        $crate::layer::setter::setters! {
            $config: activation, kernel_regularizer, recurrent_regularizer, bias_regularizer
        }
    };
}
pub(in crate::layer) use recurrent_layer;

pub(in crate::layer) fn tanh() -> Activation {
    Activation::Tanh
}
pub(in crate::layer) fn sigmoid() -> Activation {
    Activation::Sigmoid
}
pub(in crate::layer) fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}
