//! The dialects of λ: one strength of an L2 penalty as different programs write it, and the bridge between them.

use std::fmt;

use serde::Serialize;

use crate::optimizer::OptimizerKind;
use crate::{Complaint, Complaints, Result, spelling};

/// What a program means by the strength of an L2 penalty.
///
/// | dialect | parameter | penalty as written | gradient |
/// |---|---|---|---|
/// | `keras` (and Taper) | `l2` = λ | λ Σw² | 2 λ w |
/// | `pytorch` (and Burn), coupled | `weight_decay` = d | (d/2) Σw² | d w |
/// | `adamw` (and Keras's `weight_decay`) | `weight_decay` = d | none: w ← w - lr d w | decoupled, times the learning rate |
/// | `sklearn-mlp` | `alpha` | alpha / (2n) Σw², n = rows in the batch | alpha / n w |
/// | `glmnet`, α = 0 | `lambda` = λ | (λ/2) Σw² | λ w |
///
/// Two strengths are the same if their gradients are, beside the same data loss: that is an identity between all of them but
/// `adamw`. Decay that does not pass through the optimizer takes lr d w off a weight; a penalty in the loss does so only under
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

    /// Whether the gradient is divided by the rows of the batch.
    fn is_per_row(self) -> bool {
        self == Self::SklearnMlp
    }

    /// The gradient is this times the value times w (per row of the batch where [`is_per_row`](Self::is_per_row)).
    fn factor(self) -> f64 {
        if self == Self::Keras { 2.0 } else { 1.0 }
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

    /// What has to be known of its data loss.
    fn note(self) -> Option<&'static str> {
        match self {
            Self::Glmnet => Some(
                "glmnet's logistic and multinomial losses are mean cross-entropies, as in Keras, but its gaussian loss is \
                 1/(2n) Σ(y - ŷ)², half of mse: beside mse, double a lambda that comes from glmnet and halve one that goes \
                 there. By default glmnet also brings the columns (and for the gaussian family y) to unit variance, and never \
                 penalizes the intercept.",
            ),
            Self::SklearnMlp => Some(
                "MLPClassifier's loss is the mean cross-entropy, as in Keras; MLPRegressor's is half of mse: beside mse, double \
                 a strength that comes from there and halve one that goes there. n is the rows of a batch, not of the data.",
            ),
            Self::Adamw => Some(
                "In Taper, adamw's weight_decay = d is the optimizer's own weight_decay = d, on every parameter, or on a single one \
                 the penalty { l2 = d / 2, mode = \"decoupled\" }.",
            ),
            Self::Keras | Self::Pytorch => None,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a conversion may need beside the value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bridge {
    /// Rows in a batch: scikit-learn divides by them.
    pub rows: Option<usize>,
    /// The learning rate, to tell what one step does.
    pub learning_rate: Option<f64>,
    /// The optimizer, if it is known: between coupled and decoupled, gradient descent has an identity and others have none.
    pub optimizer: Option<OptimizerKind>,
}

impl Bridge {
    /// Converts the strength of an L2 penalty from one dialect to another; see [`Dialect`] for the bridge.
    ///
    /// # Errors
    ///
    /// A value or a learning rate that is negative or not finite; `rows` missing where scikit-learn's dialect needs them, or 0.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Bridge, Dialect};
    ///
    /// let bridge = Bridge { rows: Some(32), ..Bridge::default() };
    /// let alpha = bridge.convert(0.001, Dialect::Keras, Dialect::SklearnMlp)?;
    /// assert_eq!((alpha.result, alpha.exact), (Some(2.0 * 32.0 * 0.001), true));
    /// // Coupled and decoupled have no number in common where the optimizer may be Adam.
    /// assert_eq!(bridge.convert(0.001, Dialect::Keras, Dialect::Adamw)?.result, None);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn convert(&self, value: f64, from: Dialect, to: Dialect) -> Result<Conversion> {
        let mut complaints = Complaints::new();
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        complaints.check(not_negative(value), "VALUE", "a finite number of at least 0", value);
        if let Some(rate) = self.learning_rate {
            complaints.check(not_negative(rate), "learning_rate", "a finite number of at least 0", rate);
        }
        let per_row = (from.is_per_row() || to.is_per_row()) && from != to;
        match self.rows {
            Some(rows) => complaints.check(rows > 0, "rows", "a whole number of at least 1", rows),
            None if per_row => {
                let complaint = Complaint::new("rows", "the rows of a batch, by which scikit-learn divides", "nothing");
                complaints.push(complaint);
            }
            None => {}
        }
        complaints.finish()?;
        let rows = self.rows.filter(|_| per_row);
        let n = rows.map_or(1.0, |rows| rows as f64);
        let per = |dialect: Dialect| if dialect.is_per_row() { n } else { 1.0 };

        let crosses = from.is_decoupled() != to.is_decoupled();
        let plain = matches!(self.optimizer, Some(OptimizerKind::Sgd { momentum: 0.0, .. }));
        let exact = !crosses || plain || value == 0.0;
        // Times before dividing: whole numbers and powers of ten then come out as they are written.
        let result = exact.then(|| value * (from.factor() * per(to)) / (to.factor() * per(from)));
        let mut notes: Vec<String> =
            [from, to].iter().filter_map(|dialect| dialect.note()).map(str::to_owned).collect();
        notes.dedup();
        if from == to {
            notes.clear();
        }
        if crosses && plain {
            notes.push("Exact under gradient descent without momentum, which is what trains here.".to_owned());
        }
        let identity = if value == 0.0 {
            "no penalty is no penalty in every dialect".to_owned()
        } else if exact {
            identity(from, to)
        } else {
            format!(
                "none: {} passes through the optimizer and {} does not. Only gradient descent without momentum makes them equal \
                 ({}); Adam and its family divide a penalty's gradient by the size of the data's gradient, weight by weight",
                if from.is_decoupled() { to } else { from }.parameter(),
                Dialect::Adamw.parameter(),
                identity(from, to),
            )
        };
        let shrinkage_per_step = self.learning_rate.filter(|_| !from.is_per_row() || self.rows.is_some());
        let shrinkage_per_step = shrinkage_per_step.map(|rate| {
            rate * from.factor() * value / if from.is_per_row() { self.rows.unwrap_or(1) as f64 } else { 1.0 }
        });
        Ok(Conversion { value, from, to, result, exact, identity, rows, shrinkage_per_step, notes })
    }
}

/// A strength in another dialect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversion {
    /// What was given.
    pub value: f64,
    /// The dialect it was given in.
    pub from: Dialect,
    /// The dialect that was asked for.
    pub to: Dialect,
    /// The same strength there; `None` if there is no such number.
    pub result: Option<f64>,
    /// Whether the two have the same gradient at every weight.
    pub exact: bool,
    /// The identity as a formula, or why there is none.
    pub identity: String,
    /// Rows in a batch, where they matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// The share of a weight that one step takes off: lr times the gradient's factor. A penalty in the loss does so only under
    /// gradient descent without momentum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrinkage_per_step: Option<f64>,
    /// What the identity takes for granted.
    pub notes: Vec<String>,
}

/// `sklearn-mlp alpha = 2 · n · keras l2`.
fn identity(from: Dialect, to: Dialect) -> String {
    if from == to {
        return format!("{0} = {0}", to.parameter());
    }
    let (mut times, mut over) = (vec![], vec![]);
    match from.factor() / to.factor() {
        ratio if ratio > 1.0 => times.push("2"),
        ratio if ratio < 1.0 => over.push("2"),
        _ => {}
    }
    if to.is_per_row() {
        times.push("n");
    }
    if from.is_per_row() {
        over.push("n");
    }
    times.push(from.parameter());
    let below = match over.as_slice() {
        [] => String::new(),
        [one] => format!(" / {one}"),
        several => format!(" / ({})", several.join(" · ")),
    };
    format!("{} = {}{below}", to.parameter(), times.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(from: Dialect, to: Dialect) -> Conversion {
        Bridge { rows: Some(40), ..Bridge::default() }.convert(0.003, from, to).unwrap()
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
                    let back = Bridge { rows: Some(40), ..Bridge::default() }.convert(result, to, from).unwrap();
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
        let zero = Bridge { rows: Some(0), learning_rate: Some(-1.0), ..none };
        assert_eq!(error(1.0, Dialect::Keras, Dialect::SklearnMlp, zero).lines().count(), 2);
        assert!(Dialect::named("--to", "pytorhc").unwrap_err().to_string().contains("did you mean `pytorch`?"));
    }
}
