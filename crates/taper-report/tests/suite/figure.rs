//! Figures: what they say, that they stay on the page, and that no number can break them.

use proptest::prelude::*;
use taper_report::{
    Calibration, CalibrationCurve, CalibrationPoint, Difference, Figure, Growth, LambdaCurve, LambdaMark, LambdaPoint,
    LearningCurves, MetricCurves, PairedDifference, Role, SampleSize, Scatter, ScatterPoint, ScoreVsLambda, Series,
    SizeCurve, SizePoint, Surface, WeightNorms,
};

use crate::page;

const NAN: f64 = f64::NAN;
const EVIL: &str = "<img src=x onerror=alert(1)>\"'&";

fn curve(role: Role, label: &str, points: &[(f64, f64)]) -> LambdaCurve {
    let points = points.iter().map(|&(lambda, mean)| LambdaPoint::new(lambda, mean, 0.01)).collect();
    LambdaCurve { role, label: label.into(), points }
}

fn score() -> ScoreVsLambda {
    ScoreVsLambda {
        metric: "accuracy".into(),
        interval: "Bars: one standard deviation over 30 splits.".into(),
        curves: vec![
            curve(Role::Train, "train", &[(0.0, 1.0), (1e-4, 0.99), (1e-3, 0.97), (1e-2, 0.93)]),
            curve(Role::Test, "test", &[(0.0, 0.91), (1e-4, 0.92), (1e-3, 0.94), (1e-2, NAN)]),
        ],
        marks: vec![LambdaMark::new(1e-3, "best")],
        ..Default::default()
    }
}

fn learning() -> LearningCurves {
    LearningCurves {
        epoch: vec![1.0, 2.0, 3.0, 4.0],
        data_loss: vec![0.69, 0.4, NAN, NAN],
        penalty: vec![0.0; 4],
        validation_loss: vec![0.7, 0.5, NAN, 0.4],
        metric: Some(MetricCurves { name: "accuracy".into(), train: vec![0.5, 0.8], validation: vec![] }),
        kept_epoch: Some(2.0),
        ..Default::default()
    }
}

fn scatter() -> Scatter {
    let point = |x, y, class, held_out| ScatterPoint { x, y, class, held_out };
    Scatter {
        classes: vec!["inner".into()],
        points: vec![point(0.0, 0.1, 0, false), point(0.9, 0.8, 1, true), point(NAN, 0.0, 1, false)],
        surface: Some(Surface { x: vec![0.0, 1.0], y: vec![0.0, 1.0], probability: vec![vec![0.1, 0.4, 0.6, 0.9]] }),
        ..Default::default()
    }
}

fn norms() -> WeightNorms {
    WeightNorms {
        norm: "L2 norm of the kernel".into(),
        over_epochs: vec![Series { label: "λ = 1e-3".into(), x: vec![1.0, 2.0], y: vec![4.0, 3.0] }],
        against_lambda: vec![curve(Role::Setting(0), "hidden", &[(0.0, 4.0), (1e-2, 3.0), (1e-1, 2.0)])],
        ..Default::default()
    }
}

fn difference() -> PairedDifference {
    let row = |label: &str, mean, lower, upper| Difference { label: label.into(), mean, lower, upper };
    PairedDifference {
        metric: "test accuracy".into(),
        baseline: "no penalty".into(),
        interval: "Bars: 95 % confidence interval.".into(),
        higher_is_better: Some(true),
        rows: vec![row("λ = 1e-3", 0.029, 0.012, 0.046), row("λ = 1", NAN, NAN, NAN), row("one split", 0.01, NAN, NAN)],
    }
}

#[test]
fn figures_say_what_they_show() {
    let figures = [
        ("score_vs_lambda", score().figure()),
        ("learning_curves", learning().figure()),
        ("scatter", scatter().figure()),
        ("weight_norms", norms().figure()),
        ("paired_difference", difference().figure()),
    ];
    for (name, figure) in figures {
        page::check(&figure.svg());
        insta::assert_snapshot!(name, format!("{}\n\n{}", figure.alt(), page::texts(&figure.svg()).join("\n")));
    }
}

#[test]
fn labels_are_text_wherever_they_stand() {
    let mut score = score();
    score.metric = EVIL.into();
    score.lambda = EVIL.into();
    score.interval = EVIL.into();
    score.curves[0].label = EVIL.into();
    score.marks[0].label = EVIL.into();
    let scatter =
        Scatter { classes: vec![EVIL.into(), EVIL.into()], x_label: EVIL.into(), held_out: EVIL.into(), ..scatter() };
    let learning = LearningCurves { held_out: EVIL.into(), ..learning() };
    let norms = WeightNorms { norm: EVIL.into(), ..norms() };
    let difference = PairedDifference { baseline: EVIL.into(), interval: EVIL.into(), ..difference() };
    let all = [score.figure(), scatter.figure(), learning.figure(), norms.figure(), difference.figure()];
    for figure in all.into_iter().map(|figure| figure.with_alt(EVIL)) {
        let svg = figure.svg();
        page::check(&svg);
        assert!(svg.contains("&lt;img"), "{svg}");
    }
}

#[test]
fn a_figure_has_at_most_600_points_per_line() {
    let epoch: Vec<f64> = (0..50_000).map(f64::from).collect();
    let data_loss = epoch.iter().map(|e| 1.0 + (e * 0.37).sin()).collect();
    let svg = LearningCurves { epoch, data_loss, ..Default::default() }.figure().svg();
    let longest = svg.lines().filter(|line| line.starts_with("  <path")).map(|line| line.matches('L').count()).max();
    assert!((500..=602).contains(&longest.unwrap_or(0)), "{longest:?}");
}

#[test]
fn the_same_data_gives_the_same_bytes() -> taper_report::Result<()> {
    assert_eq!(score().figure().svg(), score().figure().svg());
    assert_eq!(score().figure().png()?, score().figure().png()?);
    Ok(())
}

/// Every figure from one handful of numbers, whatever they are.
fn figures(numbers: &[f64]) -> Vec<Figure> {
    let at = |i: usize| numbers[i % numbers.len()];
    let count = numbers.len();
    let points: Vec<LambdaPoint> = (0..count)
        .map(|i| LambdaPoint { lambda: at(i), mean: at(i + 1), lower: at(i + 2), upper: at(i + 3), n: Some(i) })
        .collect();
    let curve = |role| LambdaCurve { role, label: "curve".into(), points: points.clone() };
    let marks = vec![LambdaMark::new(at(0), "a"), LambdaMark::new(at(1), "b"), LambdaMark::new(at(2), "c")];
    let series = Series { label: "series".into(), x: numbers.to_vec(), y: numbers.iter().rev().copied().collect() };
    let point = |i| ScatterPoint { x: at(i), y: at(i + 1), class: i * i, held_out: i % 2 == 0 };
    let surface = |classes: usize| {
        let axis: Vec<f64> = (0..3).map(at).collect();
        Surface {
            x: axis.clone(),
            y: axis,
            probability: (0..classes).map(|c| (0..9).map(|i| at(i + c)).collect()).collect(),
        }
    };
    let scatter = |surface| Scatter { points: (0..count).map(point).collect(), surface, ..Default::default() };
    let bin = |i| CalibrationPoint { predicted: at(i), observed: at(i + 1), count: i };
    let calibration = CalibrationCurve { label: "curve".into(), points: (0..count).map(bin).collect() };
    let size = |i| SizePoint { rows: at(i), mean: at(i + 1), lower: at(i + 2), upper: at(i + 3) };
    let sizes = SizeCurve { label: "curve".into(), points: (0..count).map(size).collect() };
    let growth = Series { label: "curve".into(), x: numbers.to_vec(), y: (0..count).map(|i| at(i + 1)).collect() };
    let row = |i| Difference { label: "row".into(), mean: at(i), lower: at(i + 1), upper: at(i + 2) };
    vec![
        ScoreVsLambda {
            curves: vec![curve(Role::Train), curve(Role::Test)],
            marks: marks.clone(),
            ..Default::default()
        }
        .figure(),
        WeightNorms {
            over_epochs: vec![series; 9],
            against_lambda: vec![curve(Role::Setting(9))],
            marks,
            ..Default::default()
        }
        .figure(),
        LearningCurves {
            epoch: numbers.to_vec(),
            data_loss: numbers.to_vec(),
            penalty: numbers[1..].to_vec(),
            validation_loss: numbers.iter().map(|v| -v).collect(),
            metric: Some(MetricCurves { name: "metric".into(), train: numbers.to_vec(), validation: vec![] }),
            kept_epoch: Some(at(1)),
            ..Default::default()
        }
        .figure(),
        scatter(None).figure(),
        scatter(Some(surface(1))).figure(),
        scatter(Some(surface(3))).figure(),
        PairedDifference { rows: (0..count).map(row).collect(), ..Default::default() }.figure(),
        Calibration { curves: vec![calibration; 2] }.figure(),
        SampleSize { curves: vec![sizes; 2], ..Default::default() }.figure(),
        Growth { size: "units".into(), measured: growth, proportional: true }.figure(),
    ]
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    let usual = -2.0..2.0f64;
    let positive = (-9.0..3.0f64).prop_map(|exponent| 10f64.powf(exponent));
    let one = prop_oneof![usual, positive, Just(0.0), Just(1.0), Just(NAN), prop::num::f64::ANY];
    prop::collection::vec(one, 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_make_figures_that_stay_on_the_page(numbers in numbers()) {
        for figure in figures(&numbers) {
            page::check(&figure.svg());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_make_pngs(numbers in numbers()) {
        for figure in figures(&numbers) {
            prop_assert!(figure.png().is_ok_and(|png| png.starts_with(b"\x89PNG")));
        }
    }
}
