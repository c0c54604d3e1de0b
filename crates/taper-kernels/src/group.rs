//! The group lasso: κ Σ over groups of ‖w_g‖₂, for the groups of one parameter.

use crate::macros::kernel;

/// Which weights of a parameter belong together: weight i is of group (i / `inner`) mod `count`.
///
/// The columns of a matrix are `count` = columns, `inner` = 1; its rows `count` = rows, `inner` = columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    /// How many groups there are.
    pub count: usize,
    /// How many neighbours are of the same group.
    pub inner: usize,
}

/// How many floats of scratch [`gradient`] and [`proximal`] need.
#[must_use]
pub fn scratch_len(groups: Groups) -> usize {
    4 * groups.count
}

/// Walks over a parameter stretch by stretch: `f(position of the stretch, index of its first group)`. A stretch holds either
/// one weight of each group or neighbours of one.
#[inline(always)]
fn stretches(len: usize, groups: Groups, mut f: impl FnMut(std::ops::Range<usize>, usize)) {
    let Groups { count, inner } = groups;
    assert!(count > 0 && inner > 0 && len.is_multiple_of(count * inner));
    let stretch = if inner == 1 { count } else { inner };
    for start in (0..len).step_by(stretch) {
        f(start..start + stretch, if inner == 1 { 0 } else { start / inner % count });
    }
}

kernel! {
    /// ‖w_g‖₂ of every group.
    pub fn norms(_simd: S, groups: Groups, w: &'a [f32], norms: &'a mut [f32]) {
        norms.fill(0.0);
        stretches(w.len(), groups, #[inline(always)] |range, first| {
            if groups.inner == 1 {
                for (sum, w) in norms.iter_mut().zip(&w[range]) {
                    *sum += w * w;
                }
            } else {
                norms[first] += crate::reduce::sum_squares_chunk(&w[range]);
            }
        });
        norms.iter_mut().for_each(|norm| *norm = norm.sqrt());
    }
}

/// Ω(w) = κ Σ ‖w_g‖; its gradient κ w / ‖w_g‖, 0 for a group of zeros, is added to `dw` unless that is empty. Returns Ω(w).
pub fn gradient(kappa: f32, groups: Groups, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
    let factors = &mut scratch[..groups.count];
    norms(groups, w, factors);
    let total: f64 = factors.iter().map(|norm| f64::from(*norm)).sum();
    if !dw.is_empty() {
        factors.iter_mut().for_each(|norm| *norm = if *norm > 0.0 { kappa / *norm } else { 0.0 });
        stretches(w.len(), groups, |range, first| {
            for (i, (dw, w)) in dw[range.clone()].iter_mut().zip(&w[range]).enumerate() {
                *dw += factors[if groups.inner == 1 { i } else { first }] * w;
            }
        });
    }
    f64::from(kappa) * total
}

/// The proximal map with a step t for every weight: w ← argmin over u of Σ (u - w)² / (2t) + κ Σ ‖u_g‖.
///
/// A group becomes 0 exactly if ‖w_g / t‖ ≤ κ. Otherwise u = w r / (r + κ t) with r = ‖u_g‖. Where all steps of a group are the
/// same, r = ‖w_g‖ - κ t. Where they differ, r is the root of Σ (w / (r + κ t))² = 1, found by Newton's method on the norm's
/// inverse, which is concave in r: from 0 it rises to the root without passing it. It ends when r changes by less than 1e-6 of
/// itself, after 50 rounds at the latest.
pub fn proximal(kappa: f32, groups: Groups, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
    const ROUNDS: usize = 50;
    assert_eq!(steps.len(), w.len());
    if kappa == 0.0 {
        return;
    }
    let (roots, rest) = scratch[..scratch_len(groups)].split_at_mut(groups.count);
    let (squares, rest) = rest.split_at_mut(groups.count);
    let (cubes, _) = rest.split_at_mut(groups.count);
    roots.fill(0.0);
    for _ in 0..ROUNDS {
        sums(kappa, groups, steps, w, roots, squares, cubes);
        let mut moved = false;
        for ((root, square), cube) in roots.iter_mut().zip(&*squares).zip(&*cubes) {
            // With S = Σ (w / (r + κt))² and S' = -2 Σ w² / (r + κt)³, the inverse norm S^-½ is 1 at
            // r + (1 - S^-½) / (S^-½)' = r + (√S - 1) S / Σ w² / (r + κt)³.
            let norm = f64::from(*square).sqrt();
            if norm <= 1.0 || *cube == 0.0 || !norm.is_finite() {
                continue;
            }
            let next = f64::from(*root) + (norm - 1.0) * f64::from(*square) / f64::from(*cube);
            moved |= (next - f64::from(*root)).abs() > 1e-6 * next;
            *root = next as f32;
        }
        if !moved {
            break;
        }
    }
    shrink(kappa, groups, steps, w, roots);
}

/// (w / (r + κt))² and w² / (r + κt)³.
#[inline(always)]
fn term(w: f32, pull: f32, r: f32) -> (f32, f32) {
    let divisor = r + pull;
    let share = w / divisor;
    (share * share, share * share / divisor)
}

kernel! {
    /// Per group: Σ (w / (r + κt))² and Σ w² / (r + κt)³.
    fn sums(
        _simd: S, kappa: f32, groups: Groups, steps: &'a [f32], w: &'a [f32], roots: &'a [f32], squares: &'a mut [f32],
        cubes: &'a mut [f32],
    ) {
        squares.fill(0.0);
        cubes.fill(0.0);
        stretches(w.len(), groups, #[inline(always)] |range, first| {
            let (w, steps) = (&w[range.clone()], &steps[range]);
            if groups.inner == 1 {
                for i in 0..w.len() {
                    let (square, cube) = term(w[i], kappa * steps[i], roots[i]);
                    squares[i] += square;
                    cubes[i] += cube;
                }
            } else {
                for i in 0..w.len() {
                    let (square, cube) = term(w[i], kappa * steps[i], roots[first]);
                    squares[first] += square;
                    cubes[first] += cube;
                }
            }
        });
    }
}

kernel! {
    /// w ← w r / (r + κt). What is no finite number stays none.
    fn shrink(_simd: S, kappa: f32, groups: Groups, steps: &'a [f32], w: &'a mut [f32], roots: &'a [f32]) {
        stretches(w.len(), groups, #[inline(always)] |range, first| {
            let (w, steps) = (&mut w[range.clone()], &steps[range]);
            for i in 0..w.len() {
                let r = if groups.inner == 1 { roots[i] } else { roots[first] };
                w[i] = if r == 0.0 && w[i].is_finite() { 0.0 } else { w[i] * (r / (r + kappa * steps[i])) };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cost(kappa: f64, groups: Groups, steps: &[f32], w: &[f32], u: &[f64]) -> f64 {
        let near: f64 = (0..w.len()).map(|i| (u[i] - f64::from(w[i])).powi(2) / (2.0 * f64::from(steps[i]))).sum();
        let mut squares = vec![0.0; groups.count];
        (0..w.len()).for_each(|i| squares[i / groups.inner % groups.count] += u[i] * u[i]);
        near + kappa * squares.iter().map(|square| square.sqrt()).sum::<f64>()
    }

    proptest! {
        #[test]
        fn no_neighbour_costs_less(
            rows in proptest::collection::vec((-2.0f32..2.0, 0.01f32..3.0), 12), kappa in 0.01f32..2.0,
            shape in 0usize..4, same in any::<bool>(), away in proptest::collection::vec(-1.0f64..1.0, 12),
        ) {
            let groups = [(3, 1), (4, 3), (2, 2), (12, 1)][shape];
            let groups = Groups { count: groups.0, inner: groups.1 };
            let w: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let steps: Vec<f32> = rows.iter().map(|row| if same { rows[0].1 } else { row.1 }).collect();
            let mut got = w.clone();
            proximal(kappa, groups, &steps, &mut got, &mut vec![f32::NAN; scratch_len(groups)]);
            let at = |u: &[f64]| cost(f64::from(kappa), groups, &steps, &w, u);
            let got: Vec<f64> = got.iter().map(|u| f64::from(*u)).collect();
            let best = at(&got);
            // The problem is convex: a point that no small step in any direction improves is the least.
            for size in [1e-3, 1e-2, 0.1, 1.0] {
                let neighbour: Vec<f64> = got.iter().zip(&away).map(|(u, a)| u + size * a).collect();
                prop_assert!(at(&neighbour) >= best - 1e-5 * (1.0 + best), "{} {}", at(&neighbour), best);
            }
            for i in 0..12 {
                for step in [-1e-2, 1e-2] {
                    let mut neighbour = got.clone();
                    neighbour[i] += step;
                    prop_assert!(at(&neighbour) >= best - 1e-5 * (1.0 + best));
                }
            }
            if same {
                for g in 0..groups.count {
                    let of = |i: &usize| i / groups.inner % groups.count == g;
                    let norm = (0..12).filter(of).map(|i| f64::from(w[i]).powi(2)).sum::<f64>().sqrt();
                    let factor = (1.0 - f64::from(kappa * steps[0]) / norm).max(0.0);
                    for i in (0..12).filter(of) {
                        prop_assert!((got[i] - factor * f64::from(w[i])).abs() < 1e-5);
                        prop_assert!(factor > 1e-6 || got[i].abs() < 1e-5);
                    }
                }
            }
        }

        #[test]
        fn the_gradient_is_the_difference_quotient(w in proptest::collection::vec(0.1f32..2.0, 12)) {
            for (count, inner) in [(3, 1), (4, 3), (2, 2)] {
                let groups = Groups { count, inner };
                let scratch = &mut vec![f32::NAN; scratch_len(groups)];
                let mut dw = vec![0.5; 12];
                let value = gradient(0.7, groups, &w, &mut dw, scratch);
                prop_assert!((value - gradient(0.7, groups, &w, &mut [], scratch)).abs() < 1e-12);
                for i in 0..12 {
                    let mut at = |step: f32| {
                        let mut w = w.clone();
                        w[i] += step;
                        gradient(0.7, groups, &w, &mut [], scratch)
                    };
                    let quotient = (at(1e-2) - at(-1e-2)) / 2e-2;
                    prop_assert!((f64::from(dw[i]) - 0.5 - quotient).abs() < 2e-3);
                }
            }
        }
    }

    #[test]
    fn a_group_of_zeros_stays_and_has_no_gradient() {
        let groups = Groups { count: 2, inner: 1 };
        let (mut w, mut dw, mut scratch) = ([0.0, 3.0, 0.0, 4.0], [0.0; 4], [f32::NAN; 8]);
        assert_eq!(gradient(2.0, groups, &w, &mut dw, &mut scratch), 10.0);
        assert_eq!(dw, [0.0, 1.2, 0.0, 1.6]);
        proximal(2.0, groups, &[0.5; 4], &mut w, &mut scratch);
        assert!(w[0] == 0.0 && w[2] == 0.0 && (w[1] - 2.4).abs() < 1e-6 && (w[3] - 3.2).abs() < 1e-6);
        let mut lost = [f32::NAN, 1.0, 0.0, 0.0];
        proximal(2.0, groups, &[0.5; 4], &mut lost, &mut scratch);
        assert!(lost[0].is_nan());
    }
}
