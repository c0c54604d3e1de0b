//! The nuclear norm of a matrix: the sum of its singular values.

use crate::reduce;

/// How many floats of scratch the functions here need for a matrix of this size.
#[must_use]
pub fn scratch_len(rows: usize, columns: usize) -> usize {
    let (count, length) = (rows.min(columns), rows.max(columns));
    count * length + count * count
}

/// A matrix as singular values: after [`Decomposition::new`], vector k of `vectors` is σₖ times the k-th left singular vector
/// (right, where the matrix is wide), and vector k of `partners` its partner.
struct Decomposition<'a> {
    rows: usize,
    columns: usize,
    vectors: &'a mut [f32],
    partners: &'a mut [f32],
}

impl<'a> Decomposition<'a> {
    /// One-sided Jacobi rotations (Hestenes 1958), each pair of vectors in turn until all are orthogonal to 1e-6: at most 30
    /// sweeps, of which matrices of ordinary weights need 6 to 10. A sweep costs about 3 `count`² `length` multiplications, so
    /// this is for matrices of hundreds, not of thousands.
    fn new(rows: usize, columns: usize, w: &[f32], scratch: &'a mut [f32]) -> Self {
        const SWEEPS: usize = 30;
        assert_eq!(w.len(), rows * columns);
        let (count, length) = (rows.min(columns), rows.max(columns));
        let (vectors, partners) = scratch[..scratch_len(rows, columns)].split_at_mut(count * length);
        let this = Self { rows, columns, vectors, partners };
        for k in 0..count {
            for l in 0..length {
                this.vectors[k * length + l] = w[this.place(k, l)];
            }
        }
        this.partners.fill(0.0);
        (0..count).for_each(|k| this.partners[k * count + k] = 1.0);
        for _ in 0..SWEEPS {
            let mut turned = false;
            for i in 0..count {
                for j in i + 1..count {
                    turned |= rotate(this.vectors, this.partners, length, count, i, j);
                }
            }
            if !turned {
                break;
            }
        }
        this
    }

    /// Where element l of vector k lies in the matrix.
    fn place(&self, k: usize, l: usize) -> usize {
        if self.rows <= self.columns { k * self.columns + l } else { l * self.columns + k }
    }

    fn count(&self) -> usize {
        self.rows.min(self.columns)
    }

    fn length(&self) -> usize {
        self.rows.max(self.columns)
    }

    fn singular(&self, k: usize) -> f32 {
        reduce::sum_squares(&self.vectors[k * self.length()..][..self.length()]).sqrt() as f32
    }

    /// Singular values below this are rounding.
    fn smallest(&self) -> f32 {
        1e-6 * (0..self.count()).map(|k| self.singular(k)).fold(0.0, f32::max)
    }

    /// out += Σₖ factor(σₖ) σₖ uₖ vₖᵀ.
    fn add(&self, factor: impl Fn(f32) -> f32, out: &mut [f32]) {
        let (count, length) = (self.count(), self.length());
        for k in 0..count {
            let factor = factor(self.singular(k));
            if factor == 0.0 {
                continue;
            }
            for (i, partner) in self.partners[k * count..][..count].iter().enumerate() {
                for (l, u) in self.vectors[k * length..][..length].iter().enumerate() {
                    out[self.place(i, l)] += factor * partner * u;
                }
            }
        }
    }
}

/// Makes vectors i and j orthogonal; says whether they were not.
fn rotate(vectors: &mut [f32], partners: &mut [f32], length: usize, count: usize, i: usize, j: usize) -> bool {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let (head, tail) = vectors.split_at_mut(j * length);
    let (a, b) = (&mut head[i * length..][..length], &mut tail[..length]);
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    // False for what is not a number, which ends the search.
    let askew = ab.abs() > 1e-6 * (aa * bb).sqrt() && ab.abs() > 1e-30;
    if !askew {
        return false;
    }
    let zeta = (bb - aa) / (2.0 * ab);
    let tangent = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let (c, s) = (cosine as f32, (cosine * tangent) as f32);
    let turn = |a: &mut [f32], b: &mut [f32]| {
        for (a, b) in a.iter_mut().zip(b) {
            (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
        }
    };
    turn(a, b);
    let (head, tail) = partners.split_at_mut(j * count);
    turn(&mut head[i * count..][..count], &mut tail[..count]);
    true
}

/// Ω(w) = λ Σ σₖ; its gradient λ U Vᵀ (over the singular values that are not 0) is added to `dw` unless that is empty. Returns
/// Ω(w).
pub fn gradient(lambda: f32, rows: usize, columns: usize, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
    let parts = Decomposition::new(rows, columns, w, scratch);
    if !dw.is_empty() {
        let smallest = parts.smallest();
        parts.add(|sigma| if sigma > smallest { lambda / sigma } else { 0.0 }, dw);
    }
    f64::from(lambda) * (0..parts.count()).map(|k| f64::from(parts.singular(k))).sum::<f64>()
}

/// The proximal map with one step for all weights: every singular value σ becomes (σ - threshold)₊, threshold = step · λ.
pub fn proximal(threshold: f32, rows: usize, columns: usize, w: &mut [f32], scratch: &mut [f32]) {
    let parts = Decomposition::new(rows, columns, w, scratch);
    w.fill(0.0);
    parts.add(|sigma| if sigma <= threshold { 0.0 } else { 1.0 - threshold / sigma }, w);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scratch(rows: usize, columns: usize) -> Vec<f32> {
        vec![f32::NAN; scratch_len(rows, columns)]
    }

    #[test]
    fn a_matrix_of_known_singular_values() {
        // 3 and 1 along rotated axes, as in [[2, 1], [1, 2]].
        let w = [2.0, 1.0, 1.0, 2.0];
        let mut dw = [0.0; 4];
        assert!((gradient(0.5, 2, 2, &w, &mut dw, &mut scratch(2, 2)) - 2.0).abs() < 1e-6);
        // U Vᵀ is the identity for a positive definite matrix.
        for (dw, want) in dw.iter().zip([0.5, 0.0, 0.0, 0.5]) {
            assert!((dw - want).abs() < 1e-6, "{dw} {want}");
        }
        let mut shrunk = w;
        proximal(1.5, 2, 2, &mut shrunk, &mut scratch(2, 2));
        // 3 becomes 1.5, 1 becomes 0: 1.5 times the projection on (1, 1)/√2.
        assert!(shrunk.iter().all(|w| (w - 0.75).abs() < 1e-6), "{shrunk:?}");
        proximal(9.0, 2, 2, &mut shrunk, &mut scratch(2, 2));
        assert_eq!(shrunk, [0.0; 4]);
    }

    proptest! {
        #[test]
        fn the_parts_make_the_matrix_and_the_gradient_is_the_difference_quotient(
            w in proptest::collection::vec(-2.0f32..2.0, 15), wide in any::<bool>(),
        ) {
            let (rows, columns) = if wide { (3, 5) } else { (5, 3) };
            let mut same = w.clone();
            proximal(0.0, rows, columns, &mut same, &mut scratch(rows, columns));
            for (same, w) in same.iter().zip(&w) {
                prop_assert!((same - w).abs() < 1e-4);
            }
            let mut dw = vec![0.0; 15];
            gradient(1.0, rows, columns, &w, &mut dw, &mut scratch(rows, columns));
            let at = |w: &[f32]| gradient(1.0, rows, columns, w, &mut [], &mut scratch(rows, columns));
            let smallest = {
                let mut scratch = scratch(rows, columns);
                let parts = Decomposition::new(rows, columns, &w, &mut scratch);
                (0..3).map(|k| parts.singular(k)).fold(f32::INFINITY, f32::min)
            };
            prop_assume!(smallest > 0.2); // near 0 the norm has a kink
            for i in 0..15 {
                let (mut up, mut down) = (w.clone(), w.clone());
                up[i] += 1e-2;
                down[i] -= 1e-2;
                let quotient = (at(&up) - at(&down)) / 2e-2;
                prop_assert!((quotient - f64::from(dw[i])).abs() < 5e-3, "{} {}", quotient, dw[i]);
            }
        }

        #[test]
        fn no_neighbour_costs_less(
            w in proptest::collection::vec(-2.0f32..2.0, 6), t in 0.01f32..2.0, away in proptest::collection::vec(-1.0f32..1.0, 6),
        ) {
            let cost = |u: &[f32]| {
                let near: f64 = u.iter().zip(&w).map(|(u, w)| f64::from(u - w).powi(2) / 2.0).sum();
                near + gradient(t, 2, 3, u, &mut [], &mut scratch(2, 3))
            };
            let mut got = w.clone();
            proximal(t, 2, 3, &mut got, &mut scratch(2, 3));
            let best = cost(&got);
            for size in [1e-2, 0.1, 1.0] {
                let neighbour: Vec<f32> = got.iter().zip(&away).map(|(u, a)| u + size * a).collect();
                prop_assert!(cost(&neighbour) >= best - 1e-5 * (1.0 + best));
            }
        }
    }
}
