//! The truths that rows of the simulations are drawn from.

use taper::data::{make_blobs, make_circles, make_moons};
use taper::*;

/// A kind of truth that rows can be drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Truth {
    Moons,
    Circles,
    Blobs,
    /// Ten features, three of which have a say in the odds, linearly.
    Logit,
    /// Friedman's function of five features out of eight, with noise.
    Friedman,
    /// Twenty features, four of which have linear effects, with noise.
    Sparse,
}

pub(crate) const TRUTHS: [Truth; 6] =
    [Truth::Moons, Truth::Circles, Truth::Blobs, Truth::Logit, Truth::Friedman, Truth::Sparse];

impl Truth {
    pub(crate) fn features(self) -> usize {
        match self {
            Self::Moons | Self::Circles => 2,
            Self::Blobs => 4,
            Self::Logit => 10,
            Self::Friedman => 8,
            Self::Sparse => 20,
        }
    }

    pub(crate) fn is_regression(self) -> bool {
        matches!(self, Self::Friedman | Self::Sparse)
    }

    pub(crate) fn rows(self, n: usize, seed: Seed) -> Dataset {
        let state = seed.number() as u32;
        let mut rng = seed.derive("rows", 0).rng();
        let d = self.features();
        match self {
            Self::Moons => shuffled(&make_moons(n, 0.35, state).unwrap(), seed),
            Self::Circles => shuffled(&make_circles(n, 0.25, 0.5, state).unwrap(), seed),
            // The centers are part of the truth: they come from one state, the rows from another.
            Self::Blobs => {
                let centers = make_blobs(3, d, 3, 1e-9, 7).unwrap();
                let (mut x, mut y) = (Vec::new(), Vec::new());
                for _ in 0..n {
                    let class = rng.below(3);
                    x.extend((0..d).map(|j| (centers.row(class)[j] * 0.25 + 1.5 * rng.normal()) as f32));
                    y.push(class as f32);
                }
                Dataset::new(Shape::new([d]).unwrap(), x, 1, y).unwrap()
            }
            Self::Logit | Self::Friedman | Self::Sparse => {
                let (mut x, mut y) = (Vec::new(), Vec::new());
                for _ in 0..n {
                    let row: Vec<f64> = (0..d)
                        .map(|_| if matches!(self, Self::Friedman) { rng.uniform() } else { rng.normal() })
                        .collect();
                    y.push(match self {
                        Self::Logit => {
                            let odds = 1.5 * row[0] - row[1] + 0.5 * row[2];
                            f32::from(u8::from(rng.uniform() < 1.0 / (1.0 + (-odds).exp())))
                        }
                        Self::Friedman => {
                            let wave = 10.0 * (std::f64::consts::PI * row[0] * row[1]).sin();
                            let rest = 20.0 * (row[2] - 0.5).powi(2) + 10.0 * row[3] + 5.0 * row[4];
                            ((wave + rest + 2.0 * rng.normal() - 14.4) / 5.0) as f32
                        }
                        _ => (row[0] - row[1] + 0.5 * row[2] + 0.25 * row[3] + rng.normal()) as f32,
                    });
                    x.extend(row.iter().map(|x| *x as f32));
                }
                Dataset::new(Shape::new([d]).unwrap(), x, 1, y).unwrap()
            }
        }
    }
}

/// The generators of moons and circles put one class after the other within their own shuffle; one more does no harm.
fn shuffled(sample: &data::Sample, seed: Seed) -> Dataset {
    let data = Dataset::from_sample(sample).unwrap();
    let mut order: Vec<usize> = (0..data.rows()).collect();
    seed.derive("order", 0).rng().shuffle(&mut order);
    data.select(&order).unwrap()
}
