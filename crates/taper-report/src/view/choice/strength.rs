//! Score against strength, penalty by penalty.

use taper::wording::Change;
use taper::{Choice, GridPoint};

use super::{changed, ends, label, score_name};
use crate::{
    Cell, Difference, LambdaCurve, LambdaMark, LambdaPoint, PairedDifference, Role, ScoreVsLambda, Section, Table,
};

pub(super) fn section(choice: &Choice) -> Section {
    let mut section = Section::new("Which strength");
    for family in &choice.families {
        let points = points(choice, &family.penalty);
        let marks = vec![
            LambdaMark::new(family.lambda_min, "best mean"),
            LambdaMark::new(family.lambda_1se, "strongest within one standard error"),
        ];
        let test = points.iter().map(|point| {
            let (mean, se) = ends(&point.score);
            LambdaPoint::new(point.value, mean, se).of_runs(point.score.n)
        });
        let test = LambdaCurve { role: Role::Test, label: "held-out folds".to_owned(), points: test.collect() };
        let train = points.iter().filter_map(|point| Some(LambdaPoint::new(point.value, point.train_score?, f64::NAN)));
        let train = LambdaCurve { role: Role::Train, label: "training rows".to_owned(), points: train.collect() };
        let figure = ScoreVsLambda {
            metric: score_name(choice),
            lambda: strength_name(&family.penalty),
            interval: "Bars: one standard error of one division's mean. Small numbers: folds that the mean is of."
                .to_owned(),
            curves: vec![train, test],
            marks,
        };
        section = section.figure(
            format!("score-{}", family.penalty),
            figure.figure(),
            format!("Penalty {}.", family.penalty),
        );
    }
    let rows: Vec<Difference> = choice.grid.iter().map(|point| difference(choice, point)).collect();
    let gains = PairedDifference {
        metric: score_name(choice),
        baseline: "no penalty".to_owned(),
        interval: "Bars: one standard error to each side. On the rows of the choice: for looking, not for claims."
            .to_owned(),
        higher_is_better: Some(choice.maximize),
        rows,
    };
    section.figure("gains", gains.figure(), "Each strength against no penalty on the same folds.").table(table(choice))
}

/// The settings of one penalty; with no penalty where its strength 0 means that.
fn points<'a>(choice: &'a Choice, penalty: &str) -> Vec<&'a GridPoint> {
    let baseline = (!penalty.starts_with("early_stopping") && !penalty.contains('+')).then_some(&choice.baseline);
    baseline.into_iter().chain(choice.grid.iter().filter(|point| point.penalty == penalty)).collect()
}

/// What the strength of a penalty is, as the title of an axis.
fn strength_name(penalty: &str) -> String {
    match penalty.split('+').next().unwrap_or_default().trim() {
        "dropout" => "dropout rate".to_owned(),
        "early_stopping" => "patience, in epochs".to_owned(),
        _ => "penalty strength λ".to_owned(),
    }
}

fn difference(choice: &Choice, point: &GridPoint) -> Difference {
    let (gain, se) = ends(&point.gain);
    let (lower, upper) = changed(choice, (gain - se, gain + se));
    Difference { label: setting(point), mean: Change::of_gain(gain, choice.maximize).by(), lower, upper }
}

fn setting(point: &GridPoint) -> String {
    label(&point.penalty, point.value)
}

fn is_chosen(choice: &Choice, point: &GridPoint) -> bool {
    point.penalty == choice.chosen.penalty && point.value == choice.chosen.value
}

fn table(choice: &Choice) -> Table {
    let metrics: Vec<&String> = choice.baseline.metrics.keys().filter(|name| **name != choice.score).collect();
    let mut head = vec![
        "setting".to_owned(),
        "folds".to_owned(),
        format!("{} ± se", score_name(choice)),
        "training rows".to_owned(),
    ];
    head.extend(metrics.iter().map(|name| name.replace('_', " ")));
    head.extend(["norm".to_owned(), "zeros".to_owned(), "remark".to_owned()]);
    let mut table = Table::new(head).caption("Means over the folds that each setting received.");
    for point in std::iter::once(&choice.baseline).chain(&choice.grid) {
        let (mean, se) = ends(&point.score);
        let number = |value: Option<f64>, decimals| Cell::number(value.unwrap_or(f64::NAN), decimals);
        let mut cells = vec![
            Cell::text(setting(point)),
            Cell::count(point.score.n),
            Cell::mean_spread(mean, se, 4),
            number(point.train_score, 4),
        ];
        cells.extend(metrics.iter().map(|name| number(point.metrics.get(*name).copied(), 4)));
        cells.push(number(point.norm, 2));
        cells.push(number(point.zeros, 3));
        cells.push(Cell::text(remark(choice, point)));
        table = if is_chosen(choice, point) { table.chosen(cells) } else { table.row(cells) };
    }
    table
}

fn remark(choice: &Choice, point: &GridPoint) -> String {
    let mut remarks = Vec::new();
    if is_chosen(choice, point) {
        remarks.push("chosen".to_owned());
    }
    if point.beaten {
        remarks.push("beaten early".to_owned());
    }
    if point.diverged > 0 {
        remarks.push(format!("diverged on {}", point.diverged));
    }
    remarks.join(", ")
}
