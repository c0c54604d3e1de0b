//! What weights must satisfy after every step.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::shape::Shape;
use crate::spelling::named;
use crate::{Complaint, Complaints};

/// A condition that one parameter is brought back to after each update. Names, defaults and formulas are Keras's, but for
/// the default of `axis`.
///
/// With r the norm √Σw² of a group of weights:
///
/// | name | w becomes |
/// |---|---|
/// | `max_norm` | w · min(r, `max_value`) / (r + 1e-7) |
/// | `non_neg` | max(w, 0) |
/// | `unit_norm` | w / (r + 1e-7) |
/// | `min_max_norm` | w · (`rate` · clip(r, `min_value`, `max_value`) + (1 - `rate`) r) / (r + 1e-7) |
///
/// A group holds the weights that differ only in their position along `axis`. By default those are all axes but the last:
/// the weights into one unit, in a dense kernel as in a convolution's. (Keras's default is 0, which is the same for a dense
/// kernel only.)
///
/// In a file: `"non_neg"`, `{ name = "max_norm", max_value = 3 }`, `{ name = "unit_norm", axis = [0, 1] }`. Source: Srivastava
/// et al. 2014 for `max_norm`.
///
/// # Example
///
/// ```
/// use taper::{Constraint, Dense};
///
/// let layer = Dense::new(8).kernel_constraint(Constraint::max_norm(3.0)).bias_constraint(Constraint::NonNeg);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Constraint {
    MaxNorm {
        /// The largest norm.
        #[serde(default = "two")]
        max_value: f64,
        /// The axes that a norm runs along. Default: all but the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        axis: Option<Axes>,
    },
    NonNeg,
    UnitNorm {
        /// The axes that a norm runs along. Default: all but the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        axis: Option<Axes>,
    },
    MinMaxNorm {
        /// The smallest norm.
        #[serde(default)]
        min_value: f64,
        /// The largest norm.
        #[serde(default = "one")]
        max_value: f64,
        /// How far a norm outside is brought back, from 0 to 1.
        #[serde(default = "one")]
        rate: f64,
        /// The axes that a norm runs along. Default: all but the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        axis: Option<Axes>,
    },
}
named!(Constraint);

fn one() -> f64 {
    1.0
}
fn two() -> f64 {
    2.0
}

/// Keras's `epsilon()`, added to every norm that something is divided by.
const EPSILON: f32 = 1e-7;

impl Constraint {
    /// Norms of at most this, over all axes but the last.
    #[must_use]
    pub fn max_norm(max_value: f64) -> Self {
        Self::MaxNorm { max_value, axis: None }
    }

    /// Norms of 1, over all axes but the last.
    #[must_use]
    pub fn unit_norm() -> Self {
        Self::UnitNorm { axis: None }
    }

    /// Norms between these, over all axes but the last, at once.
    #[must_use]
    pub fn min_max_norm(min_value: f64, max_value: f64) -> Self {
        Self::MinMaxNorm { min_value, max_value, rate: 1.0, axis: None }
    }

    fn axis(&self) -> Option<&Axes> {
        match self {
            Self::NonNeg => None,
            Self::MaxNorm { axis, .. } | Self::UnitNorm { axis } | Self::MinMaxNorm { axis, .. } => axis.as_ref(),
        }
    }

    /// Brings a parameter of this shape to the condition.
    pub(crate) fn apply(&self, shape: &Shape, w: &mut [f32]) {
        let groups = Groups::new(shape, self.axis());
        match *self {
            Self::NonNeg => w.iter_mut().for_each(|w| *w = if *w < 0.0 { 0.0 } else { *w }),
            Self::MaxNorm { max_value, .. } => {
                groups.scale(w, |norm| norm.clamp(0.0, max_value as f32) / (EPSILON + norm));
            }
            Self::UnitNorm { .. } => groups.scale(w, |norm| 1.0 / (EPSILON + norm)),
            Self::MinMaxNorm { min_value, max_value, rate, .. } => {
                let (min, max) = (min_value as f32, max_value as f32);
                let (rate, rest) = (rate as f32, (1.0 - rate) as f32);
                groups.scale(w, |norm| (rate * norm.max(min).min(max) + rest * norm) / (EPSILON + norm));
            }
        }
    }

    /// Complains about settings that no parameter of this shape can have; `place` is the key of this constraint.
    pub(crate) fn validate(&self, place: &str, shape: &Shape, complaints: &mut Complaints) {
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        let mut check = |key: &str, good: bool, expected: &str, got: f64| {
            complaints.check(good, format!("{place}.{key}"), expected, got);
        };
        match *self {
            Self::MaxNorm { max_value, .. } => {
                check("max_value", not_negative(max_value), "a finite number of at least 0", max_value);
            }
            Self::MinMaxNorm { min_value, max_value, rate, .. } => {
                check("min_value", not_negative(min_value), "a finite number of at least 0", min_value);
                let good = max_value.is_finite() && max_value >= min_value;
                check("max_value", good, "a finite number of at least `min_value`", max_value);
                check("rate", (0.0..=1.0).contains(&rate), "a number from 0 to 1", rate);
            }
            Self::NonNeg | Self::UnitNorm { .. } => {}
        }
        if let Some(axes) = self.axis()
            && axes.span(shape.rank()).is_none()
        {
            let expected = format!("axes of a parameter of shape {shape} that lie side by side");
            complaints.push(Complaint::new(format!("{place}.axis"), expected, format!("{:?}", axes.0)));
        }
    }
}

/// Axes of a parameter, counted from 0, or from -1 backwards. Written as a number or as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes(pub Vec<i64>);

impl Axes {
    /// The first axis and how many there are, if they exist and lie side by side.
    pub(crate) fn span(&self, rank: usize) -> Option<(usize, usize)> {
        let resolve = |axis: &i64| usize::try_from(if *axis < 0 { axis + rank as i64 } else { *axis }).ok();
        let first = self.0.iter().filter_map(resolve).min()?;
        let count = self.0.len();
        let complete = (first..first + count).all(|axis| self.0.iter().any(|given| resolve(given) == Some(axis)));
        (complete && first + count <= rank).then_some((first, count))
    }

    /// The dimensions of a sample, ascending and counted from 0, if these are axes of a batch as layers count them: 1 is a sample's
    /// first, -1 its last, and none stands twice.
    pub(crate) fn of_sample(&self, rank: usize) -> Option<Vec<usize>> {
        let resolve = |axis: &i64| match axis {
            0 => None,
            axis if *axis < 0 => usize::try_from(axis + rank as i64).ok(),
            axis => usize::try_from(axis - 1).ok().filter(|axis| *axis < rank),
        };
        let mut axes = self.0.iter().map(resolve).collect::<Option<Vec<usize>>>()?;
        axes.sort_unstable();
        axes.dedup();
        (!axes.is_empty() && axes.len() == self.0.len()).then_some(axes)
    }

    /// What [`of_sample`](Self::of_sample) asks for.
    pub(crate) fn expected(input: &Shape) -> String {
        format!("dimensions of an input of shape {input}, each once, counted from 1 or from -1 backwards")
    }
}

impl Serialize for Axes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [axis] => axis.serialize(serializer),
            axes => axes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = match Value::deserialize(deserializer)? {
            number @ Value::Number(_) => Value::Array(vec![number]),
            other => other,
        };
        Vec::deserialize(value).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A parameter seen as (outer, members, inner): the weights of one group are `inner` apart.
struct Groups {
    members: usize,
    inner: usize,
}

impl Groups {
    /// Groups along these axes, or along all but the last.
    fn new(shape: &Shape, axes: Option<&Axes>) -> Self {
        let sizes = shape.sizes();
        let all_but_last = (0, sizes.len().saturating_sub(1));
        // What `validate` refuses does not come here.
        let (first, count) = axes.and_then(|axes| axes.span(sizes.len())).unwrap_or(all_but_last);
        let end = first + count;
        Self { members: sizes[first..end].iter().product(), inner: sizes[end..].iter().product() }
    }

    /// Multiplies each group by `factor(norm)`. Columns go in strips, so that memory is walked along its rows.
    fn scale(&self, w: &mut [f32], factor: impl Fn(f32) -> f32) {
        const STRIP: usize = 64;
        for outer in w.chunks_exact_mut(self.members * self.inner) {
            for start in (0..self.inner).step_by(STRIP) {
                let strip = start..self.inner.min(start + STRIP);
                let mut factors = [0.0f32; STRIP];
                for row in outer.chunks_exact(self.inner) {
                    factors.iter_mut().zip(&row[strip.clone()]).for_each(|(sum, w)| *sum += w * w);
                }
                factors.iter_mut().for_each(|sum| *sum = factor(sum.sqrt()));
                for row in outer.chunks_exact_mut(self.inner) {
                    row[strip.clone()].iter_mut().zip(&factors).for_each(|(w, factor)| *w *= factor);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(constraint: &Constraint, sizes: &[usize], w: &[f32]) -> Vec<f32> {
        let mut w = w.to_vec();
        constraint.apply(&Shape::new(sizes).unwrap(), &mut w);
        w
    }

    fn close(got: &[f32], want: &[f32]) {
        assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?} {want:?}");
    }

    /// `keras.constraints.X(...)(w)` for w = [[3, -1, 0], [4, 0.5, 0]].
    #[test]
    fn keras_values() {
        let w = [3.0, -1.0, 0.0, 4.0, 0.5, 0.0];
        let on = |constraint: Constraint| applied(&constraint, &[2, 3], &w);
        close(&on(Constraint::max_norm(2.0)), &[1.2, -1.0, 0.0, 1.6, 0.5, 0.0]);
        close(&on(Constraint::NonNeg), &[3.0, 0.0, 0.0, 4.0, 0.5, 0.0]);
        close(&on(Constraint::unit_norm()), &[0.6, -0.894_427, 0.0, 0.8, 0.447_213_6, 0.0]);
        let rows = Some(Axes(vec![1]));
        close(
            &on(Constraint::UnitNorm { axis: rows }),
            &[0.948_683_3, -0.316_227_8, 0.0, 0.992_277_9, 0.124_034_7, 0.0],
        );
        let slow = Constraint::MinMaxNorm { min_value: 1.5, max_value: 3.0, rate: 0.25, axis: Some(Axes(vec![0])) };
        close(&on(slow), &[2.7, -1.085_410_1, 0.0, 3.6, 0.542_705_06, 0.0]);
    }

    #[test]
    fn a_convolutions_filters_are_its_groups() {
        let w = [3.0, 1.0, 0.0, 1.0, 4.0, 1.0, 0.0, 1.0]; // two filters of 2 x 1 x 2
        let filters = [0.6, 0.5, 0.0, 0.5, 0.8, 0.5, 0.0, 0.5];
        close(&applied(&Constraint::unit_norm(), &[2, 1, 2, 2], &w), &filters);
        let axis = Some(Axes(vec![0, -2, 1]));
        close(&applied(&Constraint::UnitNorm { axis }, &[2, 1, 2, 2], &w), &filters);
        let axis = Some(Axes(vec![2]));
        let half = 0.5f32.sqrt();
        let middle = [1.0, half, 0.0, half, 1.0, half, 0.0, half];
        close(&applied(&Constraint::UnitNorm { axis }, &[2, 1, 2, 2], &w), &middle);
    }

    #[test]
    fn wide_kernels_go_in_strips() {
        let w: Vec<f32> = (0..3 * 150).map(|i| i as f32 - 200.0).collect();
        let got = applied(&Constraint::unit_norm(), &[3, 150], &w);
        for j in 0..150 {
            let norm: f32 = (0..3).map(|i| got[i * 150 + j].powi(2)).sum();
            assert!((norm - 1.0).abs() < 1e-5, "{j}: {norm}");
        }
    }

    #[test]
    fn spellings_and_mistakes() {
        let read = |text: &str| serde_json::from_str::<Constraint>(text).unwrap();
        assert_eq!(read(r#""max_norm""#), Constraint::max_norm(2.0));
        assert_eq!(read(r#"{"name": "unit_norm", "axis": 0}"#), Constraint::UnitNorm { axis: Some(Axes(vec![0])) });
        for text in [r#""non_neg""#, r#"{"axis":[0,1],"max_value":3.0,"name":"max_norm"}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
        for wrong in [
            r#"{"name": "max_norm", "max_value": -1}"#,
            r#"{"name": "min_max_norm", "min_value": 2}"#,
            r#"{"name": "min_max_norm", "rate": 2}"#,
            r#"{"name": "unit_norm", "axis": 2}"#,
            r#"{"name": "unit_norm", "axis": []}"#,
            r#"{"name": "unit_norm", "axis": [0, 0]}"#,
        ] {
            let mut complaints = Complaints::new();
            read(wrong).validate("kernel_constraint", &Shape::new([2, 3]).unwrap(), &mut complaints);
            assert!(complaints.finish().is_err(), "{wrong}");
        }
    }
}
