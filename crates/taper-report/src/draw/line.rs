//! A series as a line: cut where values are missing, thinned to what a page can show.

use super::canvas::{Canvas, Shape, Stroke};
use super::panel::Panel;
use crate::number;

/// Points per line in a figure: more than the pixels that it has for them.
const BUDGET: usize = 600;

/// Draws `points` (data units) into `panel`. What has no place on its axes leaves a gap; a point alone becomes a dot.
pub(crate) fn draw(canvas: &mut Canvas, panel: &Panel, points: &[(f64, f64)], stroke: Stroke) {
    let placed: Vec<Option<(f64, f64)>> = points.iter().map(|&(x, y)| panel.point(x, y)).collect();
    let total = placed.len().max(1);
    for run in placed.split(Option::is_none) {
        let run: Vec<(f64, f64)> = run.iter().copied().flatten().collect();
        match run[..] {
            [] => {}
            [dot] => canvas.marker(Shape::Circle, dot, 3.2, stroke.color, Stroke::solid(stroke.color, 0.5)),
            _ => canvas.polyline(thin(&run, BUDGET * run.len() / total), stroke),
        }
    }
}

/// Numbers for a reader who points at a line: of some of its points, evenly spaced.
pub(crate) fn tips(canvas: &mut Canvas, panel: &Panel, points: &[(f64, f64)], label: &str, unit: &str) {
    const MOST: usize = 100;
    let stride = points.len().div_ceil(MOST).max(1);
    for &(x, y) in points.iter().step_by(stride) {
        if let Some(place) = panel.point(x, y) {
            canvas.tip(place, &format!("{label}, {unit} {x}: {}", number::fixed(y, 4)));
        }
    }
}

/// At most about `budget` (at least 4) of `points`: of each stretch the lowest and the highest, so that no spike is lost.
fn thin(points: &[(f64, f64)], budget: usize) -> Vec<(f64, f64)> {
    let budget = budget.max(4);
    if points.len() <= budget {
        return points.to_vec();
    }
    let last = points.len() - 1;
    let stretch = points.len().div_ceil(budget / 2 - 1);
    let mut kept = vec![0];
    for start in (0..points.len()).step_by(stretch) {
        let range = start..(start + stretch).min(points.len());
        let by_height = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
        kept.extend(range.clone().min_by(by_height));
        kept.extend(range.max_by(by_height));
    }
    kept.push(last);
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|i| points[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_ends_and_spikes() {
        let mut points: Vec<(f64, f64)> = (0..20_000).map(|i| (f64::from(i), (f64::from(i) * 0.01).sin())).collect();
        points[7777].1 = 50.0;
        let thinned = thin(&points, 600);
        assert!(thinned.len() <= 602, "{}", thinned.len());
        assert!(thinned.contains(&(7777.0, 50.0)));
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (points[0], points[19_999]));
        assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thin(&points[..600], 600).len(), 600);
        assert!(thin(&points, 0).len() <= 6);
    }
}
