//! The way from one dialect to another.

use serde::Serialize;

use super::{Dialect, Slope};
use crate::optimizer::OptimizerKind;
use crate::{Complaint, Complaints, Loss, Result};

/// What a conversion may need beside the value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bridge {
    /// What scikit-learn divides by: the rows of a batch, or the sum of their sample weights.
    pub rows: Option<f64>,
    /// The learning rate, to tell what one step does.
    pub learning_rate: Option<f64>,
    /// The optimizer, if it is known: between coupled and decoupled, gradient descent has an identity and others have none.
    pub optimizer: Option<OptimizerKind>,
    /// The data loss that the penalty stands beside. Default: unknown, which is taken for a cross-entropy.
    pub loss: Option<Loss>,
    /// Outputs of the model; 0 counts as 1.
    pub outputs: usize,
    /// The standard deviation of the target, with 1/n and in its own unit: glmnet divides by it beside mse.
    pub target_sd: Option<f64>,
}

impl Bridge {
    /// Converts the strength of an L2 penalty from one dialect to another; see [`Dialect`] for the bridge.
    ///
    /// # Errors
    ///
    /// A value or a learning rate that is negative or not finite; `rows` missing where scikit-learn's dialect needs them, or
    /// `target_sd` where glmnet's does, or one of them not above 0.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Bridge, Dialect, Loss};
    ///
    /// let bridge = Bridge { rows: Some(32.0), ..Bridge::default() };
    /// let alpha = bridge.convert(0.001, Dialect::Keras, Dialect::SklearnMlp)?;
    /// assert_eq!((alpha.result, alpha.exact), (Some(2.0 * 32.0 * 0.001), true));
    /// // Beside mse, of which scikit-learn takes half, the same penalty is half as strong there.
    /// let beside_mse = Bridge { loss: Some(Loss::Mse), ..bridge };
    /// assert_eq!(beside_mse.convert(0.001, Dialect::Keras, Dialect::SklearnMlp)?.result, Some(32.0 * 0.001));
    /// // Coupled and decoupled have no number in common where the optimizer may be Adam.
    /// assert_eq!(bridge.convert(0.001, Dialect::Keras, Dialect::Adamw)?.result, None);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn convert(&self, value: f64, from: Dialect, to: Dialect) -> Result<Conversion> {
        let slope = |dialect: Dialect| dialect.slope(self.loss, self.outputs);
        let (here, there) = (slope(from), slope(to));
        self.check(value, here, there)?;
        let rows = self.rows.filter(|_| here.by_rows != there.by_rows);
        let target_sd = self.target_sd.filter(|_| here.by_sd != there.by_sd);
        let per = |slope: Slope| {
            let by = |is_divided: bool, by: Option<f64>| if is_divided { by.unwrap_or(1.0) } else { 1.0 };
            slope.over * by(slope.by_rows, rows) * by(slope.by_sd, target_sd)
        };

        let crosses = from.is_decoupled() != to.is_decoupled();
        let plain = self.optimizer == Some(OptimizerKind::SGD);
        let exact = !crosses || plain || value == 0.0;
        // Times before dividing: whole numbers and powers of ten then come out as they are written.
        let result = exact.then(|| value * (here.times * per(there)) / (there.times * per(here)));
        let mut notes: Vec<String> =
            [from, to].iter().filter_map(|dialect| dialect.note(self.loss)).map(str::to_owned).collect();
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
            identity(from, to, here, there)
        } else {
            format!(
                "none: {} passes through the optimizer and {} does not. Only gradient descent without momentum makes them equal \
                 ({}); Adam and its family divide a penalty's gradient by the size of the data's gradient, weight by weight",
                if from.is_decoupled() { to } else { from }.parameter(),
                Dialect::Adamw.parameter(),
                identity(from, to, here, there),
            )
        };
        let is_known = (!here.by_rows || self.rows.is_some()) && (!here.by_sd || self.target_sd.is_some());
        let shrinkage_per_step = self.learning_rate.filter(|_| is_known).map(|rate| {
            let by = |is_divided: bool, by: Option<f64>| if is_divided { by.unwrap_or(1.0) } else { 1.0 };
            rate * value * here.times / (here.over * by(here.by_rows, self.rows) * by(here.by_sd, self.target_sd))
        });
        Ok(Conversion { value, from, to, result, exact, identity, rows, target_sd, shrinkage_per_step, notes })
    }

    fn check(&self, value: f64, here: Slope, there: Slope) -> Result<()> {
        let mut complaints = Complaints::new();
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        complaints.check(not_negative(value), "VALUE", "a finite number of at least 0", value);
        if let Some(rate) = self.learning_rate {
            complaints.check(not_negative(rate), "learning_rate", "a finite number of at least 0", rate);
        }
        let mut divisor = |place: &str, given: Option<f64>, needed: bool, expected: &str| match given {
            Some(by) => complaints.check(by > 0.0 && by.is_finite(), place, "a finite number above 0", by),
            None if needed => complaints.push(Complaint::new(place, expected, "nothing")),
            None => {}
        };
        divisor("rows", self.rows, here.by_rows != there.by_rows, "the rows of a batch, by which scikit-learn divides");
        let expected = "the standard deviation of the target (with 1/n), by which glmnet divides beside mse";
        divisor("target_sd", self.target_sd, here.by_sd != there.by_sd, expected);
        complaints.finish()
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
    /// What scikit-learn divides by, where it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<f64>,
    /// The standard deviation of the target, where it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_sd: Option<f64>,
    /// The share of a weight that one step beside Keras's data loss takes off: lr times the gradient's factor. A penalty in the
    /// loss does so only under gradient descent without momentum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrinkage_per_step: Option<f64>,
    /// What the identity takes for granted.
    pub notes: Vec<String>,
}

/// `sklearn-mlp alpha = 2 · n · keras l2`.
fn identity(from: Dialect, to: Dialect, here: Slope, there: Slope) -> String {
    if from == to {
        return format!("{0} = {0}", to.parameter());
    }
    let (mut times, mut over): (Vec<String>, Vec<String>) = (vec![], vec![]);
    match (here.times * there.over) / (there.times * here.over) {
        1.0 => {}
        ratio if ratio > 1.0 => times.push(ratio.to_string()),
        ratio => over.push((1.0 / ratio).to_string()),
    }
    for (by_here, by_there, name) in [(here.by_rows, there.by_rows, "n"), (here.by_sd, there.by_sd, "sd(y)")] {
        match (by_here, by_there) {
            (true, false) => over.push(name.to_owned()),
            (false, true) => times.push(name.to_owned()),
            (true, true) | (false, false) => {}
        }
    }
    times.push(from.parameter().to_owned());
    let below = match over.as_slice() {
        [] => String::new(),
        [one] => format!(" / {one}"),
        several => format!(" / ({})", several.join(" · ")),
    };
    format!("{} = {}{below}", to.parameter(), times.join(" · "))
}
