//! The dialects of λ: one strength of an L2 penalty as different programs write it, and the bridge between them.

mod bridge;

pub use bridge::{Bridge, Conversion};

use std::fmt;

use serde::Serialize;

use crate::{Loss, Result, spelling};

/// What a program means by the strength of an L2 penalty.
///
/// | dialect | parameter | penalty as written | gradient |
/// |---|---|---|---|
/// | `keras` (and Taper) | `l2` = λ | λ Σw² | 2 λ w |
/// | `pytorch` (and Burn), coupled | `weight_decay` = d | (d/2) Σw² | d w |
/// | `adamw` (and Keras's `weight_decay`) | `weight_decay` = d | none: w ← w - lr d w | decoupled, times the learning rate |
/// | `sklearn-mlp` | `alpha` | alpha / (2n) Σw², n = rows in the batch | alpha / n w |
/// | `glmnet`, α = 0 | `lambda` = λ | (λ/2) Σw²; gaussian (λ / (2 sd(y))) Σw² | λ w; λ / sd(y) w |
///
/// Two strengths are the same if their gradients are, beside the same data loss: that is an identity between all of them but
/// `adamw`. The data loss of two of them is not Keras's, and what is written beside half a loss weighs twice as much:
///
/// | loss, with m outputs | `sklearn-mlp` | `glmnet` |
/// |---|---|---|
/// | `mse` | m/2 of Keras's | m/2 of Keras's, λ divided by sd(y) (with 1/n) if m = 1 |
/// | `binary_crossentropy` | m times Keras's | Keras's |
/// | others | Keras's | Keras's |
///
/// So beside mse λ of glmnet is λ / sd(y) in Keras, and alpha of scikit-learn is alpha / n. Decay that does not pass through the optimizer takes lr d w off a weight; a penalty in the loss does so only under
/// gradient descent without momentum, where d = 2λ. Adam and its family divide the penalty's gradient by the size of the
/// data's, so there no number can be right for all weights at once; [`calibrate`](crate::calibrate()) finds the one with which
/// an experiment's weights end at the same norm.
///
/// Sources: Keras 3 `regularizers.L2`; PyTorch `torch.optim.SGD`; Loshchilov and Hutter 2019, *Decoupled weight decay
/// regularization*; scikit-learn `MLPClassifier`; Friedman, Hastie and Tibshirani 2010, *Regularization paths for generalized
/// linear models via coordinate descent*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Dialect {
    /// Keras's `l2(λ)`, and Taper's.
    #[serde(rename = "keras")]
    Keras,
    /// PyTorch's coupled `weight_decay`.
    #[serde(rename = "pytorch")]
    Pytorch,
    /// AdamW's decoupled `weight_decay`.
    #[serde(rename = "adamw")]
    Adamw,
    /// scikit-learn's `MLPClassifier(alpha)`.
    #[serde(rename = "sklearn-mlp")]
    SklearnMlp,
    /// glmnet's `lambda` with `alpha = 0`.
    #[serde(rename = "glmnet")]
    Glmnet,
}

impl Dialect {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Keras, Self::Pytorch, Self::Adamw, Self::SklearnMlp, Self::Glmnet];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keras => "keras",
            Self::Pytorch => "pytorch",
            Self::Adamw => "adamw",
            Self::SklearnMlp => "sklearn-mlp",
            Self::Glmnet => "glmnet",
        }
    }

    /// The dialect of this name.
    ///
    /// # Errors
    ///
    /// A name that none has, with the nearest one; `place` is where it stands.
    pub fn named(place: &str, name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name);
        let known = Self::ALL.into_iter().find(|dialect| dialect.name() == name);
        known.ok_or_else(|| spelling::unknown(place, name, &names).into())
    }

    /// Whether it takes its share off the weights beside the optimizer instead of adding a gradient.
    #[must_use]
    pub fn is_decoupled(self) -> bool {
        self == Self::Adamw
    }

    /// Its gradient per weight, relative to the gradient of Keras's data loss.
    fn slope(self, loss: Option<Loss>, outputs: usize) -> Slope {
        let m = outputs.max(1) as f64;
        let plain = Slope { times: 1.0, over: 1.0, by_rows: false, by_sd: false };
        match (self, loss) {
            (Self::Keras, _) => Slope { times: 2.0, ..plain },
            (Self::Pytorch | Self::Adamw, _) => plain,
            (Self::SklearnMlp, Some(Loss::Mse)) => Slope { times: 2.0, over: m, by_rows: true, ..plain },
            (Self::SklearnMlp, Some(Loss::BinaryCrossentropy { .. })) => Slope { over: m, by_rows: true, ..plain },
            (Self::SklearnMlp, _) => Slope { by_rows: true, ..plain },
            (Self::Glmnet, Some(Loss::Mse)) => Slope { times: 2.0, over: m, by_sd: outputs <= 1, ..plain },
            (Self::Glmnet, _) => plain,
        }
    }

    /// The name of the parameter, with its program's.
    fn parameter(self) -> &'static str {
        match self {
            Self::Keras => "keras l2",
            Self::Pytorch => "pytorch weight_decay",
            Self::Adamw => "adamw weight_decay",
            Self::SklearnMlp => "sklearn-mlp alpha",
            Self::Glmnet => "glmnet lambda",
        }
    }

    /// What has to be known of it, beside this loss.
    fn note(self, loss: Option<Loss>) -> Option<&'static str> {
        match (self, loss) {
            (Self::Glmnet, Some(Loss::Mse)) => Some(
                "glmnet minimizes 1/(2n) Σ(y - ŷ)², half of mse, and divides the ridge part of lambda by sd(y) (with 1/n), also \
                 with standardize = FALSE; the l1 part of an elastic net is not divided, and with family = gaussian() (an object) or \
                 mgaussian nothing is: then sd(y) is 1 here. By default it brings columns to unit variance. It never penalizes the \
                 intercept.",
            ),
            (Self::Glmnet, None) => Some(
                "glmnet's logistic and multinomial losses are mean cross-entropies, as in Keras. Its gaussian loss is 1/(2n) Σ(y - \
                 ŷ)² and its ridge penalty there is divided by sd(y): say that the loss is mse. By default it brings columns to unit \
                 variance. It never penalizes the intercept.",
            ),
            (Self::Glmnet, Some(_)) => {
                Some("By default glmnet brings columns to unit variance. It never penalizes the intercept.")
            }
            (Self::SklearnMlp, None) => Some(
                "MLPClassifier's loss is the mean cross-entropy, as in Keras; MLPRegressor's is half of mse: say if the loss is mse. \
                 n is the sum of the batch's sample weights, which is its rows where all weigh 1; under lbfgs it is that of all rows.",
            ),
            (Self::SklearnMlp, Some(_)) => Some(
                "n is the sum of the batch's sample weights, which is its rows where all weigh 1; under lbfgs it is that of all rows. \
                 Scikit-learn divides the data loss by the same sum, Keras by the rows: beside Keras's loss n is the rows.",
            ),
            (Self::Adamw, _) => Some(
                "In Taper, adamw's weight_decay = d is the optimizer's own weight_decay = d, on every parameter, or on a single one \
                 the penalty { l2 = d / 2, mode = \"decoupled\" }.",
            ),
            (Self::Keras | Self::Pytorch, _) => None,
        }
    }
}

/// A gradient per weight: `times / (over · n · sd(y))`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    times: f64,
    over: f64,
    /// Whether it is divided by n, what scikit-learn divides by.
    by_rows: bool,
    /// Whether it is divided by the target's standard deviation.
    by_sd: bool,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OptimizerKind;

    fn go(from: Dialect, to: Dialect) -> Conversion {
        Bridge { rows: Some(40.0), ..Bridge::default() }.convert(0.003, from, to).unwrap()
    }

    /// The gradient at w = 1, written out dialect by dialect.
    fn gradient(dialect: Dialect, value: f64) -> f64 {
        match dialect {
            Dialect::Keras => 2.0 * value,
            Dialect::Pytorch | Dialect::Glmnet | Dialect::Adamw => value,
            Dialect::SklearnMlp => value / 40.0,
        }
    }

    #[test]
    fn the_gradient_is_the_same_on_both_sides_of_the_bridge() {
        for from in Dialect::ALL {
            for to in Dialect::ALL {
                let conversion = go(from, to);
                assert_eq!(conversion.exact, from.is_decoupled() == to.is_decoupled(), "{from} {to}");
                if let Some(result) = conversion.result {
                    let (there, here) = (gradient(to, result), gradient(from, 0.003));
                    assert!((there - here).abs() < 1e-15, "{from} {to}: {there} {here}");
                    let back = Bridge { rows: Some(40.0), ..Bridge::default() }.convert(result, to, from).unwrap();
                    assert!((back.result.unwrap() - 0.003).abs() < 1e-15);
                }
            }
        }
    }

    #[test]
    fn identities_are_printed() {
        let identity = |from, to| go(from, to).identity;
        assert_eq!(identity(Dialect::Keras, Dialect::Pytorch), "pytorch weight_decay = 2 · keras l2");
        assert_eq!(identity(Dialect::Pytorch, Dialect::Keras), "keras l2 = pytorch weight_decay / 2");
        assert_eq!(identity(Dialect::Keras, Dialect::SklearnMlp), "sklearn-mlp alpha = 2 · n · keras l2");
        assert_eq!(identity(Dialect::SklearnMlp, Dialect::Keras), "keras l2 = sklearn-mlp alpha / (2 · n)");
        assert_eq!(identity(Dialect::Glmnet, Dialect::Pytorch), "pytorch weight_decay = glmnet lambda");
        assert!(identity(Dialect::Keras, Dialect::Adamw).contains("adamw weight_decay = 2 · keras l2"));
    }

    #[test]
    fn gradient_descent_has_an_identity_between_coupled_and_decoupled() {
        let under = |optimizer| {
            let bridge = Bridge { optimizer: Some(optimizer), ..Bridge::default() };
            bridge.convert(0.5, Dialect::Keras, Dialect::Adamw).unwrap().result
        };
        assert_eq!(under(OptimizerKind::SGD), Some(1.0));
        assert_eq!(under(OptimizerKind::Sgd { momentum: 0.9, nesterov: false }), None);
        assert_eq!(under(OptimizerKind::ADAM), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = |value, from, to, bridge: Bridge| bridge.convert(value, from, to).unwrap_err().to_string();
        let none = Bridge::default();
        assert!(error(1.0, Dialect::Keras, Dialect::SklearnMlp, none).starts_with("rows: "));
        assert!(error(-1.0, Dialect::Keras, Dialect::Pytorch, none).starts_with("VALUE: "));
        assert!(error(f64::NAN, Dialect::Keras, Dialect::Pytorch, none).starts_with("VALUE: "));
        let zero = Bridge { rows: Some(0.0), learning_rate: Some(-1.0), ..none };
        assert_eq!(error(1.0, Dialect::Keras, Dialect::SklearnMlp, zero).lines().count(), 2);
        assert!(Dialect::named("--to", "pytorhc").unwrap_err().to_string().contains("did you mean `pytorch`?"));
    }

    /// One step of plain gradient descent from w = 1 with the data at rest, as each program's objective says it, scaled to
    /// Keras's data loss: mse, m outputs, n = 40 rows, sd(y) = 3.
    #[test]
    fn beside_mse_half_a_loss_and_the_target_s_spread_enter() {
        let beside = |outputs: usize, value: f64, from, to| {
            let bridge =
                Bridge { rows: Some(40.0), loss: Some(Loss::Mse), outputs, target_sd: Some(3.0), ..Bridge::default() };
            bridge.convert(value, from, to).unwrap()
        };
        for (outputs, value, from, to, want, identity) in [
            (1, 20.0, Dialect::SklearnMlp, Dialect::Keras, 0.5, "keras l2 = sklearn-mlp alpha / n"),
            (1, 0.5, Dialect::Keras, Dialect::SklearnMlp, 20.0, "sklearn-mlp alpha = n · keras l2"),
            (1, 0.6, Dialect::Glmnet, Dialect::Keras, 0.2, "keras l2 = glmnet lambda / sd(y)"),
            (1, 0.2, Dialect::Keras, Dialect::Glmnet, 0.6, "glmnet lambda = sd(y) · keras l2"),
            (1, 0.2, Dialect::Pytorch, Dialect::Glmnet, 0.3, "glmnet lambda = sd(y) · pytorch weight_decay / 2"),
            (1, 20.0, Dialect::SklearnMlp, Dialect::Glmnet, 1.5, "glmnet lambda = sd(y) · sklearn-mlp alpha / n"),
            (4, 20.0, Dialect::SklearnMlp, Dialect::Keras, 0.125, "keras l2 = sklearn-mlp alpha / (4 · n)"),
            (4, 0.5, Dialect::Glmnet, Dialect::Keras, 0.125, "keras l2 = glmnet lambda / 4"),
        ] {
            let conversion = beside(outputs, value, from, to);
            let got = conversion.result.unwrap();
            assert!((got / want - 1.0).abs() < 1e-12 && conversion.exact, "{from} {to}: {got}");
            assert_eq!(conversion.identity, identity);
            assert!(!conversion.notes.iter().any(|note| note.contains("double")), "nothing is left to the reader");
        }
        let bare = Bridge { loss: Some(Loss::Mse), ..Bridge::default() };
        let text = bare.convert(1.0, Dialect::Glmnet, Dialect::Keras).unwrap_err().to_string();
        assert!(text.starts_with("target_sd: expected the standard deviation"), "{text}");
    }

    /// scikit-learn sums the cross-entropies of several labels where Keras takes their mean.
    #[test]
    fn several_labels_are_summed_in_scikit_learn() {
        let loss = Some(Loss::BINARY_CROSSENTROPY);
        let bridge = Bridge { rows: Some(10.0), loss, outputs: 3, ..Bridge::default() };
        assert_eq!(bridge.convert(60.0, Dialect::SklearnMlp, Dialect::Keras).unwrap().result, Some(1.0));
    }
}
