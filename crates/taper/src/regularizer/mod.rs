//! Penalties on weights and activities: the specification. The bridge between the dialects of λ is [`crate::Dialect`].

mod anchor;
mod concave;
mod elementwise;
mod group;
mod in_force;
mod matrix;
mod mode;
mod penalty;
mod state;
mod term;
mod validate;

pub use anchor::Anchor;
pub use group::Grouping;
pub(crate) use in_force::InForce;
pub use matrix::OrthogonalMode;
pub use mode::PenaltyMode;
pub use penalty::{CustomPenalty, Penalty, Proximal};
pub use state::PenaltyState;
pub(crate) use term::PerTerm;
pub use term::Term;
pub(crate) use validate::complain_of_steps;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use taper_kernels::group::Groups;
use taper_kernels::penalty::PerWeight;
use taper_kernels::rho::{L1L2, Rho};

use crate::param::ParamSpec;
use crate::spelling;
use crate::strength::Strength;

/// A penalty Ω on one parameter (or on one layer's output), and how it reaches the weights.
///
/// Ω is the sum of these terms, each with a λ that may change from epoch to epoch ([`Strength`]). There is no factor ½ and no
/// division by the number of rows, as in Keras. sign(0) = 0, and the gradient of a norm at 0 is 0.
///
/// | term | value | gradient | source |
/// |---|---|---|---|
/// | `l1` | λ Σ f\|w\| | λ f sign(w) | Tibshirani 1996 |
/// | `l2` | λ Σ f w² | 2 λ f w | Hoerl and Kennard 1970 |
/// | `group_lasso` | λ √d Σ ‖w_g‖₂ over groups of d weights | λ √d w / ‖w_g‖₂ | Yuan and Lin 2006 |
/// | `mcp` | Σ f ρ(w), ρ = λ\|w\| - w²/2γ up to γλ, then γλ²/2 | f (λ - \|w\|/γ)₊ sign(w) | Zhang 2010 |
/// | `scad` | Σ f ρ(w); see [`taper_kernels::rho::Scad`] | f λ sign(w) up to λ, falling to 0 at γλ | Fan and Li 2001 |
/// | `nuclear` | λ Σ singular values, of a matrix | λ U Vᵀ | Fazel 2002 |
/// | `orthogonal` | λ · mean over pairs of rows (columns) of \|cos\| | see [`taper_kernels::orthogonal::orthogonal`] | Keras |
///
/// `l1` with `group_lasso` is the sparse group lasso (Simon et al. 2013). The factors f are 1 unless [`factors`](Self::factors)
/// says otherwise. With an [`Anchor`] w₀, w - w₀ takes the place of w. On an *activity* there are only `l1` and `l2`; their sums run
/// over a whole batch's outputs and are divided by its rows.
///
/// How Ω reaches the weights is its [`mode`](PenaltyMode): in the loss, decoupled, independent, or as a proximal map. The maps,
/// with t the step of each weight (closed forms; they compose in this order):
///
/// | term | w becomes |
/// |---|---|
/// | `l1`, `l2` | sign(w) (\|w\| - t f l1)₊ / (1 + 2 t f l2) |
/// | `group_lasso` | w (1 - t λ√d / ‖w_g‖)₊ where all steps of a group are the same; else [`taper_kernels::group::proximal`], a root in one dimension to 1e-6 |
/// | `mcp`, `scad` | [`taper_kernels::rho`] |
/// | `nuclear` | singular values (σ - t λ)₊; only with the same step for all weights (SGD) |
/// | `orthogonal` | none |
///
/// In a proximal penalty, at most one of `group_lasso`, `mcp`, `scad` and `nuclear` may stand, `mcp` and `scad` alone, `nuclear`
/// beside `l2` only: other sums have no closed form.
///
/// In a file: `{ l2 = 0.001 }`, `{ l1 = 0.001, mode = "proximal" }`, `{ group_lasso = 0.01, groups = "input" }`,
/// `{ orthogonal = 0.01, orthogonal_mode = "columns" }`, or Keras's strings `"l1"`, `"l2"`, `"l1_l2"`, `"orthogonal"`, which mean
/// 0.01 (for `"l1_l2"`: both).
///
/// # Example
///
/// ```
/// use taper::{Dense, Model, PenaltyMode, Regularizer, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let l2 = Regularizer::l2(0.001);
/// let layer = Dense { use_bias: false, ..Dense::new(1) }.kernel_regularizer(l2.mode(PenaltyMode::Proximal));
/// let mut model = Model::build(&Sequential::new([2]).layer(layer), Seed::new(1))?;
/// model.params_mut().data_mut().copy_from_slice(&[3.0, -4.0]);
/// assert_eq!(model.params().penalty_at(0), 0.001 * 25.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct Regularizer {
    /// λ of Σ|w|. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l1: Strength,
    /// λ of Σw². Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l2: Strength,
    /// λ of the group lasso. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub group_lasso: Strength,
    /// Which weights make its groups. Default: those into one unit.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub groups: Grouping,
    /// λ of MCP. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub mcp: Strength,
    /// λ of SCAD. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub scad: Strength,
    /// Where MCP (above 1) or SCAD (above 2) lets go of a weight: at γλ. Default: 3 for MCP, 3.7 for SCAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// λ of the nuclear norm. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub nuclear: Strength,
    /// λ of the mean |cos| between rows or columns. Default: 0.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub orthogonal: Strength,
    /// Rows or columns. Default: rows.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub orthogonal_mode: OrthogonalMode,
    /// How it reaches the weights. Default: in the loss.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub mode: PenaltyMode,
    /// Whether a decoupled penalty moves a weight only where the optimizer's update moves it towards 0 (or the anchor) too (Chen
    /// et al. 2025, cautious weight decay). Default: no.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub cautious: bool,
    /// What takes the place of 0. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
    /// A factor of at least 0 for each weight, row-major, on its share of `l1`, `l2`, `mcp` and `scad` (glmnet's penalty factors,
    /// the adaptive lasso's weights). Default: 1 for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<f32>,
}

impl Regularizer {
    /// λ Σ|w|.
    #[must_use]
    pub fn l1(strength: impl Into<Strength>) -> Self {
        Self { l1: strength.into(), ..Self::default() }
    }

    /// λ Σw².
    #[must_use]
    pub fn l2(strength: impl Into<Strength>) -> Self {
        Self { l2: strength.into(), ..Self::default() }
    }

    /// l1 Σ|w| + l2 Σw².
    #[must_use]
    pub fn l1_l2(l1: impl Into<Strength>, l2: impl Into<Strength>) -> Self {
        Self { l1: l1.into(), l2: l2.into(), ..Self::default() }
    }

    /// λ √d Σ‖w_g‖ over these groups.
    #[must_use]
    pub fn group_lasso(strength: impl Into<Strength>, groups: Grouping) -> Self {
        Self { group_lasso: strength.into(), groups, ..Self::default() }
    }

    /// λ times the mean |cos| between rows or columns.
    #[must_use]
    pub fn orthogonal(strength: impl Into<Strength>, mode: OrthogonalMode) -> Self {
        Self { orthogonal: strength.into(), orthogonal_mode: mode, ..Self::default() }
    }

    /// The same penalty in this mode.
    #[must_use]
    pub fn mode(mut self, mode: PenaltyMode) -> Self {
        self.mode = mode;
        self
    }

    /// The same penalty on w - w₀.
    #[must_use]
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// The same penalty with a factor for each weight.
    #[must_use]
    pub fn factors(mut self, factors: impl Into<Vec<f32>>) -> Self {
        self.factors = factors.into();
        self
    }

    /// With the strengths of this epoch on this parameter. `own` are the weights that it was anchored at by
    /// [`Anchor::Start`].
    pub(crate) fn in_force<'a>(
        &'a self,
        spec: &ParamSpec,
        epoch: usize,
        steer: &PerTerm,
        start: &'a [f32],
    ) -> InForce<'a> {
        let anchor = match &self.anchor {
            None => &[],
            Some(Anchor::Start) => start,
            Some(Anchor::At(weights)) => weights,
        };
        let all = Groups { count: 1, inner: spec.shape.len() };
        let groups = self.groups.of(spec).unwrap_or(all);
        let own = PerWeight { factors: &self.factors, anchor };
        InForce { regularizer: self, lambdas: self.lambdas(epoch, steer), groups, own }
    }

    /// The part of Ω that is a sum over numbers, whatever their shape: all there is on an activity.
    pub(crate) fn elementwise_value(&self, epoch: usize, w: &[f32]) -> f64 {
        let term = |strength: f64, sum: fn(&[f32]) -> f64| if strength == 0.0 { 0.0 } else { strength * sum(w) };
        term(self.l1.at(epoch), taper_kernels::reduce::sum_abs)
            + term(self.l2.at(epoch), taper_kernels::reduce::sum_squares)
    }

    /// Adds the gradient of the [elementwise part](Self::elementwise_value), times `scale`, to `dw`; returns its value times
    /// `scale`.
    pub(crate) fn add_elementwise_gradient(&self, epoch: usize, scale: f64, w: &[f32], dw: &mut [f32]) -> f64 {
        let (l1, l2) = ((self.l1.at(epoch) * scale) as f32, (self.l2.at(epoch) * scale) as f32);
        taper_kernels::penalty::sum(Rho::L1L2(L1L2 { l1, l2 }), PerWeight::default(), w, dw)
    }
}

/// What Keras's strings stand for.
const DEFAULT: f64 = 0.01;

impl Serialize for Regularizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Regularizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Value::String(name) = &value {
            return match name.as_str() {
                "l1" | "L1" => Ok(Self::l1(DEFAULT)),
                "l2" | "L2" => Ok(Self::l2(DEFAULT)),
                "l1_l2" | "l1l2" | "L1L2" => Ok(Self::l1_l2(DEFAULT, DEFAULT)),
                "orthogonal" | "orthogonal_regularizer" | "OrthogonalRegularizer" => {
                    Ok(Self::orthogonal(DEFAULT, OrthogonalMode::Rows))
                }
                other => Err(serde::de::Error::custom(format!(
                    "unknown variant `{other}`, expected one of `l1`, `l2`, `l1_l2`, `orthogonal`"
                ))),
            };
        }
        /// The tabular spelling.
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Table(#[serde(with = "Regularizer")] Regularizer);
        spelling::read_inner(value).map(|Table(regularizer)| regularizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Role;
    use crate::{Complaints, Initializer, Shape};

    fn kernel(sizes: &[usize]) -> ParamSpec {
        ParamSpec::new("kernel", Role::Kernel, Shape::new(sizes).unwrap(), Initializer::Zeros)
    }

    #[test]
    fn keras_docstring_values() {
        assert_eq!(Regularizer::l2(2.0).elementwise_value(0, &[1.0; 25]), 50.0);
        assert_eq!(Regularizer::l1_l2(0.5, 0.25).elementwise_value(0, &[-2.0, 0.0, 2.0]), 0.5 * 4.0 + 0.25 * 8.0);
    }

    #[test]
    fn laws() {
        let w = [0.5, -1.5, 0.0, 2.0];
        let minus: Vec<f32> = w.iter().map(|w| -w).collect();
        let both = Regularizer::l1_l2(0.3, 0.7);
        assert_eq!(both.elementwise_value(0, &[0.0; 4]), 0.0);
        assert_eq!(both.elementwise_value(0, &w), both.elementwise_value(0, &minus));
        let sum = Regularizer::l1(0.3).elementwise_value(0, &w) + Regularizer::l2(0.7).elementwise_value(0, &w);
        assert!((both.elementwise_value(0, &w) - sum).abs() < 1e-12);
    }

    #[test]
    fn the_gradient_is_the_difference_quotient() {
        let regularizer = Regularizer::l1_l2(0.3, 0.7);
        let w = [0.5f32, -1.5, 2.0];
        let mut dw = [0.0; 3];
        let value = regularizer.add_elementwise_gradient(0, 2.0, &w, &mut dw);
        assert!((value - 2.0 * regularizer.elementwise_value(0, &w)).abs() < 1e-6);
        for i in 0..3 {
            let mut up = w;
            let mut down = w;
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let quotient =
                2.0 * (regularizer.elementwise_value(0, &up) - regularizer.elementwise_value(0, &down)) / 2e-2;
            assert!((f64::from(dw[i]) - quotient).abs() < 1e-4, "{i}: {} {quotient}", dw[i]);
        }
    }

    #[test]
    fn spellings() {
        let read = |text: &str| serde_json::from_str::<Regularizer>(text).map_err(|error| error.to_string());
        assert_eq!(read(r#""l1_l2""#).unwrap(), Regularizer::l1_l2(0.01, 0.01));
        assert_eq!(read(r#"{"l2": 0.001}"#).unwrap(), Regularizer::l2(0.001));
        assert!(read(r#""l3""#).unwrap_err().contains("`l1_l2`"));
        assert!(read(r#"{"l3": 1}"#).is_err());
        let l2 = Regularizer::l2(0.001);
        assert_eq!(read(&serde_json::to_string(&l2).unwrap()).unwrap(), l2);
    }

    #[test]
    fn the_orthogonal_term_wants_a_matrix() {
        let read = |text: &str| serde_json::from_str::<Regularizer>(text).unwrap();
        let columns = read(r#"{"orthogonal": 0.5, "orthogonal_mode": "columns"}"#);
        assert_eq!(columns, Regularizer::orthogonal(0.5, OrthogonalMode::Columns));
        assert_eq!(read(&serde_json::to_string(&columns).unwrap()), columns);
        let good = |shape: Option<&[usize]>| {
            let spec = shape.map(kernel);
            let mut complaints = Complaints::new();
            columns.validate("kernel_regularizer", spec.as_ref(), &mut complaints);
            complaints.finish().is_ok()
        };
        assert!(good(Some(&[3, 2])));
        assert!(!good(Some(&[3, 1])) && !good(Some(&[3])) && !good(Some(&[3, 3, 2])) && !good(None));
        // cos of the angle between (1, 0) and (1, 1).
        let spec = kernel(&[2, 2]);
        let in_force = columns.in_force(&spec, 0, &[1.0; 7], &[]);
        let mut scratch = vec![0.0; in_force.scratch_len(&spec.shape)];
        let value = in_force.value(&spec.shape, &[1.0, 1.0, 0.0, 1.0], &mut scratch);
        assert!((value - 0.5 * 0.5f64.sqrt()).abs() < 1e-7);
    }
}
