//! Every figure with ordinary and with nasty data, and a report of them, for looking at:
//! `cargo run -p taper-report --example gallery -- DIRECTORY`.
//!
//! The data is made up.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use taper_report::{
    Cell, Difference, Figure, LambdaCurve, LambdaMark, LambdaPoint, LearningCurves, MetricCurves, PairedDifference,
    Report, Reproduce, Role, Scatter, ScatterPoint, ScoreVsLambda, Section, Series, Surface, Table, WeightNorms,
    number,
};

const LONG: &str = "a name that somebody generated from every hyperparameter there is, and that goes on, \
    and_on_without_any_space_in_it_for_so_long_that_no_line_can_hold_it_in_full_width, and does not end here either";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/gallery".to_owned()));
    let report = report();
    fs::create_dir_all(directory.join("figure"))?;
    fs::write(directory.join("report.html"), report.html()?)?;
    fs::write(directory.join("report.md"), report.markdown())?;
    fs::write(directory.join("nasty.html"), nasty_report().html()?)?;
    for (name, figure) in report.figures().into_iter().chain(nasty().iter().map(|(n, f)| ((*n).to_owned(), f))) {
        fs::write(directory.join("figure").join(format!("{name}.svg")), figure.svg())?;
        fs::write(directory.join("figure").join(format!("{name}.png")), figure.png()?)?;
    }
    Ok(())
}

fn report() -> Report {
    let study = Section::new("Which penalty strength")
        .paragraph("Thirty splits of the same 100 rows into 30 for training and 70 for testing; every strength saw the same splits and the same initial weights.")
        .figure("accuracy", score("accuracy", false).figure(), "Accuracy against the strength of the L2 penalty on the hidden layer's kernel. Left of the break: no penalty.")
        .table(table())
        .figure("difference", difference().figure(), "The same scores, split by split: what a penalty gains over no penalty.");
    let inside = Section::new("What the penalty does")
        .paragraph("Without a penalty the network follows single points. With it the boundary is smooth, and the weights are smaller.")
        .figure("boundary", moons(true).figure(), "The decision of one network trained with λ = 1e-3.")
        .figure("curves", curves(4000).figure(), "One run with λ = 1e-3.")
        .figure("norms", norms(5).figure(), "Norm of the hidden layer's kernel.");
    Report::new(
        "Two moons: 500 hidden units, 30 training rows",
        "An L2 penalty of 1e-3 helps: +2.9 points of test accuracy over no penalty (95 % confidence interval +1.2 to +4.6, 30 splits).",
    )
    .section(study)
    .section(inside)
    .reproduce(Reproduce {
        command: "taper study moons.toml --repeats 30 --seed 1".into(),
        experiment: "[data]\nsource = \"moons\"\nsamples = 100\nnoise = 0.2\nrandom_state = 1\ntrain = 30\n\n[model]\ninput_shape = [2]\nlayers = [\n  { layer = \"dense\", units = 500, activation = \"relu\", kernel_regularizer = { l2 = 0.001 } },\n  { layer = \"dense\", units = 1, activation = \"sigmoid\" },\n]\n".into(),
    })
}

fn nasty_report() -> Report {
    let wide = Table::new(vec![LONG; 6]).caption(LONG).row(vec![Cell::text(LONG); 6]).row([Cell::number(1e300, 3)]);
    let empty = Table::new(["λ", "accuracy"]);
    let section = Section::new(LONG).paragraph(LONG).table(wide).table(empty).figure(LONG, long_score().figure(), LONG);
    let how = Reproduce { command: LONG.into(), experiment: String::new() };
    Report::new(LONG, LONG).section(section).section(Section::new("")).reproduce(how)
}

fn nasty() -> Vec<(&'static str, Figure)> {
    let nan = f64::NAN;
    let diverged = LearningCurves { validation_loss: Vec::new(), penalty: vec![0.0; 60], ..broken_run() };
    let one = LearningCurves { epoch: vec![1.0], data_loss: vec![0.7], penalty: vec![0.0], ..Default::default() };
    let flat = LambdaCurve { role: Role::Test, label: "test".into(), points: vec![LambdaPoint::new(1e-3, 0.9, 0.0)] };
    let all_nan =
        LambdaCurve { points: vec![LambdaPoint::new(0.0, nan, nan), LambdaPoint::new(1e-3, nan, nan)], ..flat.clone() };
    let none = LambdaCurve { points: vec![LambdaPoint::new(0.0, 0.9, 0.02)], ..flat.clone() };
    vec![
        ("nasty-scatter-three-classes", three_classes().figure()),
        ("nasty-scatter-plain", moons(false).figure()),
        ("nasty-scatter-one-point", Scatter { points: vec![ScatterPoint::default()], ..Default::default() }.figure()),
        ("nasty-scatter-empty", Scatter::default().figure()),
        (
            "nasty-scatter-long",
            Scatter {
                classes: vec![LONG.into(), LONG.into()],
                x_label: LONG.into(),
                y_label: LONG.into(),
                held_out: LONG.into(),
                points: vec![
                    ScatterPoint { x: nan, ..Default::default() },
                    ScatterPoint { held_out: true, ..Default::default() },
                ],
                surface: Some(Surface { x: vec![0.0], y: vec![], probability: vec![] }),
            }
            .figure(),
        ),
        ("nasty-curves-diverged", diverged.figure()),
        ("nasty-curves-one-epoch", one.figure()),
        ("nasty-curves-empty", LearningCurves::default().figure()),
        (
            "nasty-curves-kept",
            LearningCurves { kept_epoch: Some(612.0), held_out: "test".into(), ..curves(20_000) }.figure(),
        ),
        ("nasty-score-loss", score("data loss (nats)", true).figure()),
        ("nasty-score-one", ScoreVsLambda { curves: vec![flat], ..Default::default() }.figure()),
        (
            "nasty-score-none-only",
            ScoreVsLambda { curves: vec![none], marks: vec![LambdaMark::new(0.0, "best")], ..Default::default() }
                .figure(),
        ),
        ("nasty-score-all-diverged", ScoreVsLambda { curves: vec![all_nan], ..Default::default() }.figure()),
        ("nasty-score-empty", ScoreVsLambda::default().figure()),
        ("nasty-score-long", long_score().figure()),
        ("nasty-norms-thirteen", norms(13).figure()),
        ("nasty-norms-empty", WeightNorms::default().figure()),
        ("nasty-difference", nasty_difference().figure()),
        ("nasty-difference-empty", PairedDifference::default().figure()),
    ]
}

fn lambdas() -> Vec<f64> {
    std::iter::once(0.0).chain((0..13).map(|i| 10f64.powf(-6.0 + f64::from(i) * 0.5))).collect()
}

fn height(lambda: f64) -> f64 {
    if lambda == 0.0 { -6.5 } else { lambda.log10() }
}

/// Accuracy, or with `loss` a loss that spans orders of magnitude and diverges at the end.
fn score(metric: &str, loss: bool) -> ScoreVsLambda {
    let curve = |role: Role, label: &str, f: &dyn Fn(f64) -> (f64, f64)| LambdaCurve {
        role,
        label: label.into(),
        points: lambdas()
            .into_iter()
            .map(|lambda| {
                let (mean, half) = f(height(lambda));
                LambdaPoint::new(lambda, mean, half)
            })
            .collect(),
    };
    let (train, test): (LambdaCurve, LambdaCurve) = if loss {
        (
            curve(Role::Train, "train", &|h| (0.002 * 10f64.powf((h + 6.5) * 0.45), 0.0005)),
            curve(Role::Test, "test", &|h| {
                if h > -0.4 { (f64::NAN, f64::NAN) } else { (0.2 + 0.12 * (h + 3.0).powi(2), 0.25) }
            }),
        )
    } else {
        (
            curve(Role::Train, "train", &|h| {
                (1.0 - 0.001 * (h + 6.5).powi(2) - if h > -1.5 { 0.05 * (h + 1.5) } else { 0.0 }, 0.004)
            }),
            curve(Role::Test, "test", &|h| (0.943 - 0.0035 * (h + 3.0).powi(2), 0.012 + 0.002 * (h + 3.0).abs())),
        )
    };
    ScoreVsLambda {
        metric: metric.into(),
        lambda: "L2 penalty strength λ".into(),
        interval: "Points: mean over 30 splits. Bars: one standard deviation.".into(),
        curves: vec![train, test],
        marks: vec![LambdaMark::new(1e-3, "best"), LambdaMark::new(1e-2, "simplest within one standard error")],
    }
}

fn long_score() -> ScoreVsLambda {
    let mut score = score(LONG, false);
    score.lambda = LONG.into();
    score.interval = LONG.into();
    let validation = LambdaCurve { role: Role::Validation, label: LONG.into(), ..score.curves[1].clone() };
    score.curves.push(LambdaCurve {
        points: validation.points.iter().map(|p| LambdaPoint::new(p.lambda, p.mean - 0.03, 0.02)).collect(),
        ..validation
    });
    score.marks = vec![
        LambdaMark::new(1e-3, LONG),
        LambdaMark::new(2e-3, LONG),
        LambdaMark::new(0.0, "as it was"),
        LambdaMark::new(1.0, "strongest that was tried"),
    ];
    score
}

fn difference() -> PairedDifference {
    let rows = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6].map(|lambda: f64| {
        let mean = 0.029 - 0.009 * (lambda.log10() + 3.0).powi(2);
        Difference { label: format!("λ = {}", number::lambda(lambda)), mean, lower: mean - 0.017, upper: mean + 0.017 }
    });
    PairedDifference {
        metric: "test accuracy".into(),
        baseline: "no penalty".into(),
        interval: "Bars: 95 % confidence interval over 30 splits, corrected for overlapping training sets.".into(),
        higher_is_better: Some(true),
        rows: rows.into(),
    }
}

fn nasty_difference() -> PairedDifference {
    let row = |label: &str, mean: f64, half: f64| Difference {
        label: label.into(),
        mean,
        lower: mean - half,
        upper: mean + half,
    };
    PairedDifference {
        higher_is_better: Some(false),
        metric: LONG.into(),
        rows: vec![
            row(LONG, 0.3, 0.2),
            row("diverged", f64::NAN, 0.1),
            row("the same", 0.0, 0.0),
            row("one repeat", -0.2, f64::NAN),
            row("exact", -0.5, 0.00004),
        ],
        ..difference()
    }
}

fn table() -> Table {
    let table =
        Table::new(["λ", "train accuracy", "test accuracy", "test data loss", "difference to no penalty", "verdict"])
            .caption("Mean ± standard deviation over 30 splits; differences with 95 % confidence intervals.");
    let mut table = table.row([
        Cell::lambda(0.0),
        Cell::mean_spread(1.0, 0.0, 3),
        Cell::mean_spread(0.914, 0.02, 3),
        Cell::mean_spread(0.31, 0.05, 3),
        Cell::text(""),
        Cell::text("baseline"),
    ]);
    for lambda in [1e-6, 1e-4, 1e-3, 1e-2] {
        let gain = 0.029 - 0.009 * (f64::log10(lambda) + 3.0).powi(2);
        let cells = [
            Cell::lambda(lambda),
            Cell::mean_spread(0.99, 0.004, 3),
            Cell::mean_spread(0.914 + gain, 0.013, 3),
            Cell::mean_spread(0.2, 0.03, 3),
            Cell::difference(gain, gain - 0.017, gain + 0.017, 3),
            Cell::text(if lambda == 1e-3 { "best" } else { "" }),
        ];
        table = if lambda == 1e-3 { table.chosen(cells) } else { table.row(cells) };
    }
    table.row([
        Cell::lambda(1.0),
        Cell::number(f64::NAN, 3),
        Cell::number(f64::NAN, 3),
        Cell::number(f64::NAN, 3),
        Cell::text(""),
        Cell::text("diverged in 30 of 30 runs"),
    ])
}

fn moons(painted: bool) -> Scatter {
    let mut noise = Noise(7);
    let points = (0..100).map(|i| {
        let (class, angle) = (i % 2, std::f64::consts::PI * f64::from(i / 2) / 49.0);
        let (x, y) = if class == 0 { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) };
        ScatterPoint {
            x: x + 0.2 * noise.next(),
            y: y + 0.2 * noise.next(),
            class: class as usize,
            held_out: i * 7 % 10 > 2,
        }
    });
    let axis = |low: f64, high: f64| (0..100).map(|i| low + (high - low) * f64::from(i) / 99.0).collect::<Vec<f64>>();
    let (x, y) = (axis(-1.6, 2.6), axis(-1.2, 1.7));
    let at = |x: f64, y: f64| 1.0 / (1.0 + (-4.0 * (1.2 * (2.2 * (x - 0.1)).sin().mul_add(0.6, -y) + 0.3 * x)).exp());
    let probability = y.iter().flat_map(|&y| x.iter().map(move |&x| at(x, y))).collect();
    Scatter {
        classes: vec!["upper moon".into(), "lower moon".into()],
        points: points.collect(),
        surface: painted.then_some(Surface { x, y, probability: vec![probability] }),
        ..Default::default()
    }
}

fn three_classes() -> Scatter {
    let mut noise = Noise(3);
    let centers = [(0.0, 0.0), (2.0, 0.4), (0.8, 1.9)];
    let points = (0..90).map(|i| {
        let (x, y) = centers[i % 3];
        ScatterPoint { x: x + 0.5 * noise.next(), y: y + 0.5 * noise.next(), class: i % 3, held_out: i % 2 == 0 }
    });
    let axis: Vec<f64> = (0..60).map(|i| -2.0 + f64::from(i) * 0.1).collect();
    let weight = |c: (f64, f64), x: f64, y: f64| (-(x - c.0).powi(2) - (y - c.1).powi(2)).exp();
    let likelihood =
        |c: (f64, f64), x: f64, y: f64| weight(c, x, y) / centers.iter().map(|&o| weight(o, x, y)).sum::<f64>();
    let grid = |c: (f64, f64)| axis.iter().flat_map(|&y| axis.iter().map(move |&x| likelihood(c, x, y))).collect();
    let surface = Surface { x: axis.clone(), y: axis.clone(), probability: centers.map(grid).into() };
    Scatter {
        classes: vec!["setosa".into(), "versicolor".into()],
        points: points.collect(),
        surface: Some(surface),
        x_label: "petal length (cm)".into(),
        y_label: "petal width (cm)".into(),
        ..Default::default()
    }
}

fn curves(epochs: usize) -> LearningCurves {
    let mut noise = Noise(1);
    let epoch: Vec<f64> = (1..=epochs).map(|e| e as f64).collect();
    let column = |f: &mut dyn FnMut(f64) -> f64| epoch.iter().map(|&e| f(e)).collect::<Vec<f64>>();
    LearningCurves {
        data_loss: column(&mut |e| 0.02 + 0.67 * (-e / 400.0).exp() + 0.004 * noise.next()),
        penalty: column(&mut |e| 0.05 * (1.0 - (-e / 300.0).exp()) + 0.012 * (-e / 2000.0).exp()),
        validation_loss: column(&mut |e| 0.18 + 0.52 * (-e / 380.0).exp() + e * 2e-6),
        metric: Some(MetricCurves {
            name: "accuracy".into(),
            train: column(&mut |e| ((1.0 - 0.5 * (-e / 300.0).exp()) * 30.0).round() / 30.0),
            validation: column(&mut |e| ((0.94 - 0.44 * (-e / 320.0).exp()) * 70.0).round() / 70.0),
        }),
        epoch,
        ..Default::default()
    }
}

fn broken_run() -> LearningCurves {
    let loss = (0..60).map(|e| if e < 37 { 0.7 * 1.9f64.powi(e) } else { f64::NAN }).collect();
    let accuracy = (0..60).map(|e| if e % 9 == 4 { f64::NAN } else { 0.5 }).collect();
    LearningCurves {
        epoch: (1..=60).map(f64::from).collect(),
        data_loss: loss,
        metric: Some(MetricCurves { name: "accuracy".into(), train: accuracy, validation: vec![f64::NAN; 60] }),
        ..Default::default()
    }
}

fn norms(settings: usize) -> WeightNorms {
    let strengths: Vec<f64> = lambdas().into_iter().take(settings).collect();
    let over_epochs = strengths.iter().map(|&lambda| {
        let end = 9.0 / (1.0 + 10f64.powf((height(lambda) + 3.5) * 0.6));
        let x: Vec<f64> = (0..2000).map(f64::from).collect();
        let y = x.iter().map(|e| end + (5.0 - end) * (-e / 300.0).exp()).collect();
        let label = if lambda == 0.0 { "no penalty".to_owned() } else { format!("λ = {}", number::lambda(lambda)) };
        Series { label, x, y }
    });
    let against = |role: Role, label: &str, scale: f64| LambdaCurve {
        role,
        label: label.into(),
        points: lambdas()
            .into_iter()
            .map(|l| LambdaPoint::new(l, scale * 9.0 / (1.0 + 10f64.powf((height(l) + 3.5) * 0.6)), scale * 0.4))
            .collect(),
    };
    WeightNorms {
        norm: "L2 norm of the kernel".into(),
        interval: "Bars: one standard deviation over 30 splits.".into(),
        over_epochs: over_epochs.collect(),
        against_lambda: vec![
            against(Role::Setting(0), "hidden layer", 1.0),
            against(Role::Setting(1), "output layer", 0.4),
        ],
        marks: vec![LambdaMark::new(1e-3, "best")],
        ..Default::default()
    }
}

/// Roughly normal numbers, always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        }
        sum - 6.0
    }
}
