//! Contours of a grid of values: closed regions to fill, and the lines between them.
//!
//! Each cell is cut into two triangles, in which "where is the value at least t" has one straight answer; squares
//! have a case with two. The pieces are then joined over the edges that they share.

use std::collections::BTreeMap;

/// Values on a grid: `value[row * x.len() + column]` at `(x[column], y[row])`.
pub(crate) struct Grid<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) y: &'a [f64],
    pub(crate) value: &'a [f64],
}

/// An edge of the triangulation: its two nodes, the smaller first.
type Edge = (usize, usize);

impl Grid<'_> {
    /// Closed rings around everything that is at least `level`. Holes run the other way.
    pub(crate) fn region(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        self.trace(level, true)
    }

    /// The lines on which the value is `level`, without the border of the grid.
    pub(crate) fn lines(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        self.trace(level, false)
    }

    /// With `framed`, the grid is surrounded by nodes that lie on its border and below every level: so every ring
    /// closes along the border.
    fn trace(&self, level: f64, framed: bool) -> Vec<Vec<(f64, f64)>> {
        let (columns, rows) = (self.x.len(), self.y.len());
        if columns < 2 || rows < 2 || self.value.len() != columns * rows {
            return Vec::new();
        }
        let frame = usize::from(framed);
        let (wide, high) = (columns + 2 * frame, rows + 2 * frame);
        let node = |id: usize| -> (f64, f64, f64) {
            let (i, j) = (id % wide, id / wide);
            let (column, row) = (i.saturating_sub(frame).min(columns - 1), j.saturating_sub(frame).min(rows - 1));
            let outside = framed && (i == 0 || j == 0 || i == wide - 1 || j == high - 1);
            let value = if outside { f64::NEG_INFINITY } else { self.value[row * columns + column] };
            (self.x[column], self.y[row], value)
        };
        let inside = |id: usize| node(id).2 >= level;

        let mut next: BTreeMap<Edge, Edge> = BTreeMap::new();
        for j in 0..high - 1 {
            for i in 0..wide - 1 {
                let (a, b, c, d) = (j * wide + i, j * wide + i + 1, (j + 1) * wide + i + 1, (j + 1) * wide + i);
                for corners in [[a, b, c], [a, c, d]] {
                    let (mut leaving, mut entering) = (None, None);
                    for k in 0..3 {
                        let (from, to) = (corners[k], corners[(k + 1) % 3]);
                        match (inside(from), inside(to)) {
                            (true, false) => leaving = Some((from.min(to), from.max(to))),
                            (false, true) => entering = Some((from.min(to), from.max(to))),
                            _ => {}
                        }
                    }
                    if let (Some(start), Some(end)) = (leaving, entering) {
                        next.insert(start, end);
                    }
                }
            }
        }

        let crossing = |edge: Edge| {
            let ((xa, ya, a), (xb, yb, b)) = (node(edge.0), node(edge.1));
            let share = match (a.is_finite(), b.is_finite()) {
                (false, _) => 1.0,
                (_, false) => 0.0,
                _ => ((level - a) / (b - a)).clamp(0.0, 1.0),
            };
            (xa + (xb - xa) * share, ya + (yb - ya) * share)
        };
        chains(next).into_iter().map(|chain| chain.into_iter().map(crossing).collect()).collect()
    }
}

/// Joins steps to chains: first those that begin somewhere, then the rings.
fn chains(mut next: BTreeMap<Edge, Edge>) -> Vec<Vec<Edge>> {
    let ends: std::collections::BTreeSet<Edge> = next.values().copied().collect();
    let mut starts: Vec<Edge> = next.keys().filter(|edge| !ends.contains(edge)).copied().collect();
    let mut found = Vec::new();
    while let Some(start) = starts.pop().or_else(|| next.keys().next().copied()) {
        let mut chain = vec![start];
        let mut here = start;
        while let Some(there) = next.remove(&here) {
            chain.push(there);
            here = there;
        }
        found.push(chain);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(rings: &[Vec<(f64, f64)>]) -> f64 {
        let ring_area = |ring: &Vec<(f64, f64)>| {
            (0..ring.len())
                .map(|i| (ring[i], ring[(i + 1) % ring.len()]))
                .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
                .sum::<f64>()
                / 2.0
        };
        rings.iter().map(ring_area).sum()
    }

    fn grid(n: usize, f: impl Fn(f64, f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..n).map(|i| i as f64 / (n - 1) as f64 * 2.0 - 1.0).collect();
        let value = x.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| f(x, y)).collect();
        (x, value)
    }

    #[test]
    fn a_disc_has_its_area_and_a_ring_its_hole() {
        let (x, value) = grid(81, |x, y| 1.0 - (x * x + y * y).sqrt());
        let disc = Grid { x: &x, y: &x, value: &value };
        assert!((area(&disc.region(0.5)) - std::f64::consts::PI / 4.0).abs() < 0.01);
        assert_eq!(disc.lines(0.5).len(), 1);
        let negative: Vec<f64> = value.iter().map(|v| -v).collect();
        let outside = Grid { x: &x, y: &x, value: &negative };
        assert_eq!(outside.region(-0.5).len(), 2, "the border and the hole");
        assert!((area(&outside.region(-0.5)) - (4.0 - std::f64::consts::PI / 4.0)).abs() < 0.01);
    }

    #[test]
    fn a_half_plane_closes_along_the_border_but_its_line_does_not() {
        let (x, value) = grid(5, |x, _| x);
        let half = Grid { x: &x, y: &x, value: &value };
        assert!((area(&half.region(0.25)) - 1.5).abs() < 1e-9);
        let lines = half.lines(0.25);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].iter().all(|&(x, _)| (x - 0.25).abs() < 1e-9));
    }

    #[test]
    fn everything_nothing_and_what_is_not_finite() {
        let (x, value) = grid(4, |x, y| if x > 0.0 && y > 0.0 { f64::NAN } else { 1.0 });
        let holed = Grid { x: &x, y: &x, value: &value };
        assert!(holed.region(0.5).iter().flatten().all(|p| p.0.is_finite() && p.1.is_finite()));
        assert!(holed.region(2.0).is_empty());
        assert!(Grid { x: &x, y: &x, value: &value[1..] }.region(0.5).is_empty());
    }
}
