//! The report.

use taper::Trial;
use taper_report::{
    Cell, Difference, LambdaMark, LambdaScores, Overfitting, PairedDifference, Report, Reproduce, Role, ScoreVsLambda,
    Section, Series, Table, WeightNorms, curves_of, lambda_curve, number,
};

use super::super::moons::{mean, std};
use super::{ALONE, Findings, GRID};

/// The finding as a sentence or two: what choosing λ on validation rows was worth on test rows.
pub(super) fn verdict(findings: &Findings) -> String {
    let Some(gain) = findings.gain("test_data_loss") else {
        return "One repeat cannot say whether a penalty helps: it takes at least two to know how sure a difference is."
            .to_owned();
    };
    let verdict = match findings.helps() {
        Some(true) => "A penalty helps",
        Some(false) => "A penalty hurts",
        None => "A penalty does not measurably help",
    };
    let metric = &findings.problem.metric;
    let score = format!("test_{}", metric.name);
    let changed = |name: &str, gain: &taper::Difference| {
        let (before, after) = (mean(findings.baseline(), name), mean(findings.choice(), name));
        let words = gain.change().of(before).words();
        format!("{words}, from {} to {}", number::fixed(before, 3), number::fixed(after, 3))
    };
    let beside = findings
        .gain(&score)
        .map(|gain| format!("; the {} is {}", metric.label, changed(&score, &gain)))
        .unwrap_or_default();
    format!(
        "{verdict}: with λ chosen on validation rows, the data loss on the test rows is {}{beside}, over {} {}. Chosen: {}. {}",
        changed("test_data_loss", &gain),
        findings.repeats,
        findings.problem.repeats,
        choices(findings),
        findings.problem.caveat,
    )
}

/// `λ = 1e-3 (4 times), no penalty (once)`.
fn choices(findings: &Findings) -> String {
    let lambdas = std::iter::once(0.0).chain(GRID);
    let counted = lambdas.filter_map(|lambda| {
        let times = findings.chosen.iter().filter(|chosen| **chosen == lambda).count();
        let what = if lambda == 0.0 { "no penalty".to_owned() } else { format!("λ = {}", number::lambda(lambda)) };
        match times {
            0 => None,
            1 => Some(format!("{what} (once)")),
            times => Some(format!("{what} ({times} times)")),
        }
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// The verdict on the unpenalized model.
pub(super) fn overfitting(findings: &Findings) -> Option<Overfitting> {
    Overfitting::of(findings.baseline().runs.first()?.history.as_ref()?, "test")
}

/// All settings side by side.
pub(super) fn table(findings: &Findings) -> Table {
    let metric = findings.problem.metric.name;
    let scores = [
        "train_data_loss".to_owned(),
        "val_data_loss".to_owned(),
        "test_data_loss".to_owned(),
        format!("test_{metric}"),
    ];
    let heads = ["penalty", "train data loss", "validation data loss", "test data loss"].map(str::to_owned);
    let heads = heads.into_iter().chain([format!("test {metric}"), "kernel norm".to_owned()]);
    let mut table = Table::new(heads)
        .caption(format!("Mean ± standard deviation over {} {}.", findings.repeats, findings.problem.repeats));
    let norm = format!("norm/{}", findings.problem.kernel);
    let cells = |label: String, trial: &Trial| -> Vec<Cell> {
        let cell = |score: &str, digits| Cell::mean_spread(mean(trial, score), std(trial, score), digits);
        let scores = scores.iter().map(|score| cell(score, 3));
        std::iter::once(Cell::text(label)).chain(scores).chain([cell(&norm, 2)]).collect()
    };
    table = table.row(cells("none".into(), findings.baseline()));
    for (i, trial) in findings.grid().iter().enumerate() {
        let cells = cells(format!("L2 {}", number::lambda(GRID[i])), trial);
        table = if findings.best() == Some(i) { table.chosen(cells) } else { table.row(cells) };
    }
    for (place, trial) in findings.problem.places.iter().zip(findings.alone()) {
        table = table.row(cells(format!("L2 {} on the {} only", number::lambda(ALONE), place.label), trial));
    }
    table.row(cells("chosen in each repeat".into(), findings.choice()))
}

pub(super) fn report(findings: &Findings) -> Report {
    let problem = findings.problem;
    let [train, validation, test] = findings.rows;
    let rows = format!("{train} rows train, {validation} choose λ, {test} measure.");
    let command = format!("taper demo {} --repeats {} --seed {}", problem.name, findings.repeats, findings.seed);
    Report::new(problem.title, verdict(findings))
        .section(Section::new("The problem").paragraph(problem.about).paragraph(rows))
        .section(baseline(findings))
        .section(strengths(findings))
        .section(norms(findings))
        .section(differences(findings))
        .reproduce(Reproduce { command, experiment: problem.experiment.to_owned() })
}

fn baseline(findings: &Findings) -> Section {
    let mut section = Section::new("Without a penalty");
    if let Some(verdict) = overfitting(findings) {
        section = section.paragraph(verdict.sentence);
    }
    if let Some(history) = findings.baseline().runs.first().and_then(|run| run.history.as_ref()) {
        let figure = curves_of(history, "test", Some(findings.problem.metric.name)).figure();
        section = section.figure(
            "curves-none",
            figure,
            "One run, every epoch measured in evaluation mode on both kinds of rows.",
        );
    }
    section
}

/// No penalty and the grid.
fn points(findings: &Findings) -> Vec<LambdaScores> {
    let lambdas = std::iter::once(0.0).chain(GRID);
    lambdas
        .zip(&findings.result.trials)
        .map(|(lambda, trial)| LambdaScores { lambda, scores: trial.scores.clone() })
        .collect()
}

fn strengths(findings: &Findings) -> Section {
    let points = points(findings);
    let problem = findings.problem;
    let best = findings.best().map(|best| LambdaMark::new(GRID[best], "lowest validation data loss"));
    let figure = |score: &str, label: &str| {
        let curve = |part: &str, role, label| lambda_curve(&points, &format!("{part}_{score}"), role, label);
        ScoreVsLambda {
            metric: label.to_owned(),
            interval: format!("Bars: one standard deviation over {} {}.", findings.repeats, problem.repeats),
            curves: vec![
                curve("train", Role::Train, "train"),
                curve("val", Role::Validation, "validation"),
                curve("test", Role::Test, "test"),
            ],
            marks: best.iter().cloned().collect(),
            ..ScoreVsLambda::default()
        }
        .figure()
    };
    let section = Section::new("Which strength")
        .paragraph(
            "Each repeat takes the strength with the lowest data loss on its validation rows, no penalty among them; what the \
             test rows say took no part in that.",
        )
        .figure("data-loss", figure("data_loss", problem.loss), "Data loss against the strength.");
    let metric = &problem.metric;
    section
        .figure(metric.name, figure(metric.name, metric.label), format!("The {} against the strength.", metric.label))
        .table(table(findings))
}

fn norms(findings: &Findings) -> Section {
    let name = format!("norm/{}", findings.problem.kernel);
    let series = |label: String, trial: &Trial| {
        let y = trial.runs.first()?.history.as_ref()?.get(&name)?.to_vec();
        Some(Series { label, x: (1..=y.len()).map(|epoch| epoch as f64).collect(), y })
    };
    let labels = GRID.iter().map(|lambda| format!("λ = {}", number::lambda(*lambda)));
    let labels = std::iter::once("no penalty".to_owned()).chain(labels);
    let figure = WeightNorms {
        norm: format!("L2 norm of {}", findings.problem.kernel),
        interval: format!("Bars: one standard deviation over {} {}.", findings.repeats, findings.problem.repeats),
        over_epochs: labels.zip(&findings.result.trials).filter_map(|(label, trial)| series(label, trial)).collect(),
        against_lambda: vec![lambda_curve(&points(findings), &name, Role::Setting(0), findings.problem.kernel)],
        ..WeightNorms::default()
    };
    Section::new("What the penalty does to the weights").figure(
        "norms",
        figure.figure(),
        "Norm over the epochs of one run, and at the end against the strength.",
    )
}

fn differences(findings: &Findings) -> Section {
    let section = Section::new("Does it help, and how sure is that?").paragraph(findings.problem.caveat);
    let grid = GRID.iter().map(|lambda| format!("λ = {}", number::lambda(*lambda)));
    let places = findings.problem.places.iter().map(|place| format!("{}, {}", number::lambda(ALONE), place.label));
    let labels: Vec<String> = grid.chain(places).chain(["chosen in each repeat".to_owned()]).collect();
    let figure = |score: &str, label: String, higher| {
        let row = |(i, label): (usize, &String)| {
            let difference = findings.difference(i + 1, score)?;
            let (mean, lower, upper) = (difference.mean, difference.ci_low, difference.ci_high);
            Some(Difference { label: label.clone(), mean, lower, upper })
        };
        PairedDifference {
            metric: label,
            baseline: "no penalty".to_owned(),
            interval: format!("Bars: 95 % confidence interval over {} {}.", findings.repeats, findings.problem.repeats),
            higher_is_better: Some(higher),
            rows: labels.iter().enumerate().filter_map(row).collect(),
        }
        .figure()
    };
    if findings.gain("test_data_loss").is_none() {
        return section.paragraph("It takes at least two repeats to answer.");
    }
    let metric = &findings.problem.metric;
    section
        .figure(
            "difference",
            figure("test_data_loss", "test data loss".to_owned(), false),
            "Each setting against no penalty, repeat by repeat: data loss.",
        )
        .figure(
            "metric-difference",
            figure(&format!("test_{}", metric.name), format!("test {}", metric.label), metric.maximize),
            format!("The same for the {}.", metric.label),
        )
}
