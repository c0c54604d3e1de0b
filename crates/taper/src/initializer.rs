//! How weights begin.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::shape::Shape;
use crate::spelling::named;
use crate::{Complaint, Result};

/// The distribution that a parameter starts from. Names and formulas are Keras's.
///
/// `fan_in` and `fan_out` are inputs and outputs of one unit: for a kernel of shape (…, in, out) the product of the leading
/// sizes (the receptive field) times `in`, respectively `out`.
///
/// | name | distribution |
/// |---|---|
/// | `glorot_uniform` (default of kernels) | uniform on ±√(6 / (fan_in + fan_out)) |
/// | `glorot_normal` | truncated normal, variance 2 / (fan_in + fan_out) |
/// | `he_uniform`, `he_normal` | ±√(6 / fan_in); truncated normal, variance 2 / fan_in |
/// | `lecun_uniform`, `lecun_normal` | ±√(3 / fan_in); truncated normal, variance 1 / fan_in |
/// | `variance_scaling` | variance `scale` / (`fan_in`, `fan_out` or `fan_avg`, as `mode` says); truncated normal, plain normal or uniform, as `distribution` says |
/// | `orthogonal` | random orthonormal rows or columns, times `gain` |
/// | `random_normal`, `truncated_normal` | mean 0, stddev 0.05; the truncated one redraws beyond 2 stddev |
/// | `random_uniform` | on [minval, maxval), -0.05 to 0.05 |
/// | `zeros`, `ones`, `constant`, `identity` | as they say |
///
/// The variance-scaling normals are truncated at two standard deviations and rescaled by 1 / 0.8796 so that the variance
/// *after* truncation is the stated one, as Keras does. Sources: Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998,
/// Saxe et al. 2014.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Initializer {
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    VarianceScaling {
        /// The variance, before it is divided; above 0.
        #[serde(default = "one")]
        scale: f64,
        /// What it is divided by.
        #[serde(default)]
        mode: FanMode,
        /// Which numbers are drawn.
        #[serde(default)]
        distribution: Distribution,
    },
    Orthogonal {
        /// A factor on the result.
        #[serde(default = "one")]
        gain: f64,
    },
    RandomNormal {
        /// The mean.
        #[serde(default)]
        mean: f64,
        /// The standard deviation, at least 0.
        #[serde(default = "small")]
        stddev: f64,
    },
    TruncatedNormal {
        /// The mean.
        #[serde(default)]
        mean: f64,
        /// The standard deviation, at least 0.
        #[serde(default = "small")]
        stddev: f64,
    },
    RandomUniform {
        /// The smallest value.
        #[serde(default = "minus_small")]
        minval: f64,
        /// What all values stay below.
        #[serde(default = "small")]
        maxval: f64,
    },
    Zeros,
    Ones,
    Constant {
        /// The value of every weight.
        value: f64,
    },
    Identity {
        /// A factor on the result.
        #[serde(default = "one")]
        gain: f64,
    },
}
named!(Initializer);

/// What a variance is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FanMode {
    /// The inputs of a unit.
    #[default]
    FanIn,
    /// Its outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// The shape of a distribution around 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// A normal one, cut at two standard deviations.
    #[default]
    #[serde(alias = "normal")]
    TruncatedNormal,
    /// A normal one.
    UntruncatedNormal,
    /// A flat one.
    Uniform,
}

fn one() -> f64 {
    1.0
}
fn small() -> f64 {
    0.05
}
fn minus_small() -> f64 {
    -0.05
}

/// The standard deviation of a standard normal truncated at ±2.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// Checks the settings against the shape they will fill.
    ///
    /// # Errors
    ///
    /// A number that is not finite, a negative standard deviation, an empty interval, or a shape that `orthogonal` and
    /// `identity` have no meaning for.
    pub fn validate(&self, shape: &Shape) -> Result<()> {
        let complain =
            |expected: &str, got: &dyn std::fmt::Display| Err(Complaint::new("initializer", expected, got).into());
        match *self {
            Self::RandomNormal { mean, stddev } | Self::TruncatedNormal { mean, stddev }
                if (!mean.is_finite() || !(0.0..1e30).contains(&stddev)) =>
            {
                return complain("a finite mean and a standard deviation of at least 0", &format!("{mean}, {stddev}"));
            }
            Self::RandomUniform { minval, maxval }
                if !(minval.is_finite() && maxval.is_finite() && minval <= maxval) =>
            {
                return complain("minval <= maxval, both finite", &format!("{minval}, {maxval}"));
            }
            Self::VarianceScaling { scale, .. } if !(scale > 0.0 && scale.is_finite()) => {
                return complain("a scale above 0", &scale);
            }
            Self::Constant { value } if !value.is_finite() => return complain("a finite value", &value),
            Self::Orthogonal { gain } | Self::Identity { gain } => {
                if !gain.is_finite() {
                    return complain("a finite gain", &gain);
                }
                if shape.rank() < 2 {
                    return complain("a parameter of at least two dimensions", &shape);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills `out`, a parameter of this shape, from the stream.
    pub fn fill(&self, shape: &Shape, rng: &mut Rng, out: &mut [f32]) {
        assert_eq!(shape.len(), out.len());
        let (fan_in, fan_out) = fans(shape);
        let mut uniform = |limit: f64| out.iter_mut().for_each(|w| *w = ((2.0 * rng.uniform() - 1.0) * limit) as f32);
        match *self {
            Self::GlorotUniform => uniform((6.0 / (fan_in + fan_out)).sqrt()),
            Self::HeUniform => uniform((6.0 / fan_in).sqrt()),
            Self::LecunUniform => uniform((3.0 / fan_in).sqrt()),
            Self::GlorotNormal => truncated(rng, 0.0, (2.0 / (fan_in + fan_out)).sqrt() / TRUNCATED_STDDEV, out),
            Self::HeNormal => truncated(rng, 0.0, (2.0 / fan_in).sqrt() / TRUNCATED_STDDEV, out),
            Self::LecunNormal => truncated(rng, 0.0, (1.0 / fan_in).sqrt() / TRUNCATED_STDDEV, out),
            Self::VarianceScaling { scale, mode, distribution } => {
                let fan = match mode {
                    FanMode::FanIn => fan_in,
                    FanMode::FanOut => fan_out,
                    FanMode::FanAvg => (fan_in + fan_out) / 2.0,
                };
                let variance = scale / fan.max(1.0);
                match distribution {
                    Distribution::Uniform => uniform((3.0 * variance).sqrt()),
                    Distribution::TruncatedNormal => truncated(rng, 0.0, variance.sqrt() / TRUNCATED_STDDEV, out),
                    Distribution::UntruncatedNormal => normal(rng, 0.0, variance.sqrt(), out),
                }
            }
            Self::TruncatedNormal { mean, stddev } => truncated(rng, mean, stddev, out),
            Self::RandomNormal { mean, stddev } => normal(rng, mean, stddev, out),
            Self::RandomUniform { minval, maxval } => {
                out.iter_mut().for_each(|w| *w = (minval + (maxval - minval) * rng.uniform()) as f32);
            }
            Self::Orthogonal { gain } => orthogonal(shape.rows(), shape.last(), gain, rng, out),
            Self::Zeros => out.fill(0.0),
            Self::Ones => out.fill(1.0),
            Self::Constant { value } => out.fill(value as f32),
            Self::Identity { gain } => {
                let columns = shape.last();
                for (i, w) in out.iter_mut().enumerate() {
                    *w = if i / columns == i % columns { gain as f32 } else { 0.0 };
                }
            }
        }
    }
}

/// Keras's `compute_fans`.
fn fans(shape: &Shape) -> (f64, f64) {
    match *shape.sizes() {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [ref field @ .., inputs, outputs] => {
            let field = field.iter().product::<usize>() as f64;
            (field * inputs as f64, field * outputs as f64)
        }
    }
}

fn normal(rng: &mut Rng, mean: f64, stddev: f64, out: &mut [f32]) {
    out.iter_mut().for_each(|w| *w = (mean + stddev * rng.normal()) as f32);
}

fn truncated(rng: &mut Rng, mean: f64, stddev: f64, out: &mut [f32]) {
    for w in out {
        let z = loop {
            let z = rng.normal();
            if z.abs() <= 2.0 {
                break z;
            }
        };
        *w = (mean + stddev * z) as f32;
    }
}

/// Orthonormal columns (rows >= columns) or rows, by modified Gram-Schmidt with one reorthogonalization on a normal matrix.
fn orthogonal(rows: usize, columns: usize, gain: f64, rng: &mut Rng, out: &mut [f32]) {
    let (length, count) = (rows.max(columns), rows.min(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| rng.normal()).collect();
        for _ in 0..2 {
            for other in &vectors {
                let dot: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 1e-8 {
            vector.iter_mut().for_each(|x| *x /= norm);
            vectors.push(vector);
        }
    }
    for i in 0..rows {
        for j in 0..columns {
            let value = if rows >= columns { vectors[j][i] } else { vectors[i][j] };
            out[i * columns + j] = (gain * value) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn filled(initializer: &Initializer, sizes: &[usize]) -> Vec<f32> {
        let shape = Shape::new(sizes).unwrap();
        let mut out = vec![f32::NAN; shape.len()];
        initializer.fill(&shape, &mut Seed::new(1).rng(), &mut out);
        out
    }

    #[test]
    fn variances_are_as_stated() {
        let scaling = |scale, mode, distribution| Initializer::VarianceScaling { scale, mode, distribution };
        let variance = |w: &[f32]| w.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / w.len() as f64;
        for (initializer, want) in [
            (Initializer::GlorotUniform, 2.0 / 500.0),
            (Initializer::GlorotNormal, 2.0 / 500.0),
            (Initializer::HeUniform, 2.0 / 200.0),
            (Initializer::HeNormal, 2.0 / 200.0),
            (Initializer::LecunUniform, 1.0 / 200.0),
            (Initializer::LecunNormal, 1.0 / 200.0),
            (scaling(0.5, FanMode::FanAvg, Distribution::Uniform), 0.5 / 250.0),
            (scaling(2.0, FanMode::FanOut, Distribution::TruncatedNormal), 2.0 / 300.0),
            (scaling(1.0, FanMode::FanIn, Distribution::UntruncatedNormal), 1.0 / 200.0),
            (Initializer::RandomNormal { mean: 0.0, stddev: 0.05 }, 0.0025),
        ] {
            let got = variance(&filled(&initializer, &[200, 300]));
            assert!((got / want - 1.0).abs() < 0.03, "{initializer:?}: {got} {want}");
        }
    }

    #[test]
    fn convolution_fans_count_the_receptive_field() {
        assert_eq!(fans(&Shape::new([3, 3, 8, 16]).unwrap()), (72.0, 144.0));
    }

    #[test]
    fn orthogonal_is_orthonormal_either_way() {
        for sizes in [[8, 32], [32, 8], [16, 16]] {
            let w = filled(&Initializer::Orthogonal { gain: 1.0 }, &sizes);
            let [rows, columns] = sizes;
            for i in 0..rows.min(columns) {
                for j in 0..rows.min(columns) {
                    let dot: f64 = (0..rows.max(columns))
                        .map(|l| {
                            let at = |k: usize| if rows >= columns { w[l * columns + k] } else { w[k * columns + l] };
                            f64::from(at(i)) * f64::from(at(j))
                        })
                        .sum();
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn names_stand_alone_or_with_settings() {
        let read = |text: &str| serde_json::from_str::<Initializer>(text).unwrap();
        assert_eq!(read(r#""he_normal""#), Initializer::HeNormal);
        assert_eq!(read(r#""random_normal""#), Initializer::RandomNormal { mean: 0.0, stddev: 0.05 });
        assert_eq!(read(r#"{"name": "constant", "value": 2}"#), Initializer::Constant { value: 2.0 });
        assert_eq!(serde_json::to_string(&Initializer::Zeros).unwrap(), r#""zeros""#);
    }
}
