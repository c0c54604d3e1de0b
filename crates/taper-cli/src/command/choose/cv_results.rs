//! The scores of every candidate as scikit-learn's `cv_results_` has them.

use taper::{Choice, GridPoint};

/// Header and rows. As in scikit-learn more is better: a loss is negated, and `scoring` says so. The standard deviation is
/// over n; candidates that received every fold are ranked before those that were beaten early.
pub(super) fn cv_results(choice: &Choice) -> (Vec<String>, Vec<Vec<String>>) {
    let points: Vec<&GridPoint> = std::iter::once(&choice.baseline).chain(&choice.grid).collect();
    let splits = points.iter().map(|point| point.splits.len()).max().unwrap_or(0);
    let sign = if choice.maximize { 1.0 } else { -1.0 };
    let scoring = if choice.maximize { choice.score.clone() } else { format!("neg_{}", choice.score) };
    let ranks = ranks(&points, sign);

    let mut head: Vec<String> = ["params", "param_penalty", "param_value", "scoring"].map(str::to_owned).to_vec();
    head.extend((0..splits).map(|split| format!("split{split}_test_score")));
    head.extend(["mean_test_score", "std_test_score", "rank_test_score", "mean_train_score"].map(str::to_owned));
    let row = |(point, rank): (&&GridPoint, usize)| {
        let params = serde_json::json!({ "penalty": point.penalty, "value": point.value }).to_string();
        let mut row = vec![params, point.penalty.clone(), point.value.to_string(), scoring.clone()];
        let scores: Vec<f64> = point.splits.iter().flatten().map(|score| sign * score).collect();
        row.extend((0..splits).map(|split| {
            point.splits.get(split).copied().flatten().map_or(String::new(), |score| (sign * score).to_string())
        }));
        let (mean, std) = mean_std(&scores);
        row.extend([mean, std].map(|value| value.map_or(String::new(), |value| value.to_string())));
        row.push(rank.to_string());
        row.push(point.train_score.map_or(String::new(), |score| (sign * score).to_string()));
        row
    };
    (head, points.iter().zip(ranks).map(row).collect())
}

fn mean_std(values: &[f64]) -> (Option<f64>, Option<f64>) {
    if values.is_empty() {
        return (None, None);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (Some(mean), Some((values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()))
}

/// 1 is best; equal scores share the smaller rank. Those without a score come last.
fn ranks(points: &[&GridPoint], sign: f64) -> Vec<usize> {
    let place = |point: &GridPoint| {
        let score = if point.beaten { point.gain.mean } else { point.score.mean.map(|mean| sign * mean) };
        (score.is_none(), point.beaten, -score.unwrap_or(0.0))
    };
    let places: Vec<(bool, bool, f64)> = points.iter().map(|point| place(point)).collect();
    let before =
        |a: &(bool, bool, f64), b: &(bool, bool, f64)| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).is_lt();
    places.iter().map(|place| 1 + places.iter().filter(|other| before(other, place)).count()).collect()
}
