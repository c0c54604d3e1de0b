//! The report of `taper demo moons`.

use taper::wording::Change;
use taper::{StudyResult, Trial};
use taper_report::{
    Cell, Difference, LambdaCurve, LambdaMark, LambdaScores, Overfitting, PairedDifference, Report, Reproduce, Role,
    Scatter, ScoreVsLambda, Section, Series, Table, WeightNorms, curves_of, lambda_curve, number, scatter_of,
};

use super::moons::{CHOSEN, EXPERIMENT, Findings, mean, std};
use crate::failure::Failure;

/// The finding in a few sentences, honest about how it was found.
pub(crate) fn lede(findings: &Findings) -> String {
    let (none, l2) = (findings.baseline(), findings.chosen());
    let rows = findings.split.test.rows();
    let on_split = told_on_split(
        Change::between(mean(none, "test_accuracy"), mean(l2, "test_accuracy")),
        Change::between(mean(none, "test_data_loss"), mean(l2, "test_data_loss")),
        rows,
    );
    let overfits = match overfitting(findings).is_some_and(|overfitting| overfitting.turn_epoch.is_some()) {
        true => "The network overfits. ",
        false => "",
    };
    let fresh = on_fresh_data(findings).map(|told| format!(" {told}")).unwrap_or_default();
    format!(
        "{overfits}{on_split} Like the tutorial, this study picks λ on the rows it reports, on one split of {} rows that train \
         and {rows} that test.{fresh}",
        findings.split.train.rows(),
    )
}

/// What the tutorial's λ does to the test rows of the tutorial's split.
fn told_on_split(accuracy: Change, data_loss: Change, rows: usize) -> String {
    let verdict = match (data_loss.is_better(false), accuracy.is_better(true)) {
        (Some(true), Some(true) | None) | (None, Some(true)) => "helps",
        (Some(false), Some(false) | None) | (None, Some(false)) => "hurts",
        (Some(true), Some(false)) | (Some(false), Some(true)) => "helps by one score and hurts by the other",
        (None, None) => "changes nothing",
    };
    let moved = number::fixed(accuracy.by().abs() * rows as f64, 1);
    format!(
        "An L2 penalty of 0.001 on its hidden kernel {verdict}: with it, the test accuracy is {} (that is {moved} of {rows} rows), \
         and the test data loss is {}.",
        accuracy.words(),
        data_loss.words(),
    )
}

/// What the same λ, and the best of the grid, do on fresh data sets; nothing below two of them.
fn on_fresh_data(findings: &Findings) -> Option<String> {
    let result = &findings.resampled;
    let lambda = |trial: usize| strengths(&result.trials).get(trial).map(|scores| scores.lambda);
    let tutorial = (1..result.trials.len()).find(|trial| lambda(*trial) == Some(CHOSEN))?;
    let best = result.best("test_data_loss", false)?;
    let change = |trial: usize| {
        let difference = result.difference(trial, 0, "test_data_loss")?;
        Some(difference.change().of(result.trials[0].mean("test_data_loss")?))
    };
    let best = if best == 0 { None } else { Some((lambda(best)?, change(best)?)) };
    Some(told_of_fresh_data(findings.repeats, change(tutorial)?, best))
}

/// The tutorial's λ against no penalty on so many fresh data sets, and the λ with the lowest loss there (none: no penalty has).
fn told_of_fresh_data(repeats: usize, tutorial: Change, best: Option<(f64, Change)>) -> String {
    let best = match best {
        None => "of all strengths, no penalty has the lowest loss there".to_owned(),
        Some((CHOSEN, _)) => "no other strength has a lower loss there".to_owned(),
        Some((lambda, change)) => format!(
            "the lowest loss there is not that of 0.001 but of λ = {}: {}, picked on the rows that it is reported for",
            number::lambda(lambda),
            change.words()
        ),
    };
    format!(
        "On {repeats} fresh data sets, the test data loss with the same λ = 0.001 is {} than without a penalty; {best}.",
        tutorial.words()
    )
}

/// The verdict on the unpenalized model.
pub(crate) fn overfitting(findings: &Findings) -> Option<Overfitting> {
    Overfitting::of(findings.baseline().runs.first()?.history.as_ref()?, "test")
}

/// The main settings side by side.
pub(crate) fn table(findings: &Findings) -> Table {
    let mut table = Table::new(["penalty", "train accuracy", "test accuracy", "test data loss", "hidden kernel norm"])
        .caption(format!("Mean ± standard deviation over {} weight seeds, one split of the rows.", findings.repeats));
    let cells = |label: String, trial: &Trial| {
        let cell = |score: &str, digits| Cell::mean_spread(mean(trial, score), std(trial, score), digits);
        [
            Cell::text(label),
            cell("train_accuracy", 3),
            cell("test_accuracy", 3),
            cell("test_data_loss", 3),
            cell("kernel_norm", 2),
        ]
    };
    table = table.row(cells("none".into(), findings.baseline()));
    for (scores, trial) in strengths(findings.grid()).iter().zip(findings.grid()) {
        let label = format!("L2 {}", number::lambda(scores.lambda));
        let chosen = std::ptr::eq(trial, findings.chosen());
        table = if chosen { table.chosen(cells(label, trial)) } else { table.row(cells(label, trial)) };
    }
    table
        .row(cells("L1 1e-3".into(), findings.l1()))
        .row(cells("L1 1e-3 and L2 1e-3".into(), findings.l1_l2()))
        .row(cells("L2 1e-3 on the output kernel".into(), &findings.output_layer.trials[0]))
        .row(cells("L2 1e-3 on the hidden biases".into(), &findings.bias.trials[0]))
        .row(cells("L2 in stages (Neural Smithing)".into(), &findings.staged.trials[0]))
}

fn strengths(trials: &[Trial]) -> Vec<LambdaScores> {
    let lambda = |trial: &Trial| {
        trial.point.values().next().map_or(0.0, |value| value.as_f64().or(value["l2"].as_f64()).unwrap_or(0.0))
    };
    trials.iter().map(|trial| LambdaScores { lambda: lambda(trial), scores: trial.scores.clone() }).collect()
}

pub(crate) fn report(findings: &Findings) -> Result<Report, Failure> {
    let command = format!("taper demo moons --repeats {} --seed {}", findings.repeats, findings.seed);
    Ok(Report::new("Two moons: 500 hidden units, 30 training rows", lede(findings))
        .section(problem(findings)?)
        .section(overfit(findings)?)
        .section(penalized(findings)?)
        .section(grid(findings))
        .section(norms(findings))
        .section(extensions(findings))
        .section(resampled(findings))
        .reproduce(Reproduce { command, experiment: EXPERIMENT.to_owned() }))
}

fn named(scatter: Scatter) -> Scatter {
    Scatter { classes: vec!["upper moon".into(), "lower moon".into()], ..scatter }
}

fn problem(findings: &Findings) -> Result<Section, Failure> {
    let mut section = Section::new("The problem").paragraph(format!(
        "Two half circles with noise, {} points in all. The first {} rows train; the other {} are only measured. A network \
         with 500 hidden units has {} weights for these {} rows.",
        findings.split.train.rows() + findings.split.test.rows(),
        findings.split.train.rows(),
        findings.split.test.rows(),
        findings.models[0].params().data().len(),
        findings.split.train.rows(),
    ));
    if let Some(scatter) = scatter_of(&findings.split, None)? {
        section = section.figure("data", named(scatter).figure(), "The data: training rows filled, test rows hollow.");
    }
    Ok(section)
}

fn overfit(findings: &Findings) -> Result<Section, Failure> {
    let mut section = Section::new("Without a penalty");
    if let Some(verdict) = overfitting(findings) {
        section = section.paragraph(verdict.sentence);
    }
    if let Some(history) = findings.baseline().runs.first().and_then(|run| run.history.as_ref()) {
        let figure = curves_of(history, "test", Some("accuracy")).figure();
        let caption = "One run, every epoch measured in evaluation mode on both kinds of rows.";
        section = section.figure("curves-none", figure, caption);
    }
    if let Some(scatter) = scatter_of(&findings.split, Some(&findings.models[0]))? {
        section = section.figure("boundary-none", named(scatter).figure(), "The boundary bends around single points.");
    }
    Ok(section)
}

fn penalized(findings: &Findings) -> Result<Section, Failure> {
    let mut section = Section::new("With an L2 penalty of 0.001 on the hidden kernel");
    if let Some(history) = findings.chosen().runs.first().and_then(|run| run.history.as_ref()) {
        if let Some(verdict) = Overfitting::of(history, "test") {
            section = section.paragraph(verdict.sentence);
        }
        let figure = curves_of(history, "test", Some("accuracy")).figure();
        let caption = "The loss that is made small is data loss plus penalty; both are shown apart.";
        section = section.figure("curves-l2", figure, caption);
    }
    if let Some(scatter) = scatter_of(&findings.split, Some(&findings.models[1]))? {
        section = section.figure("boundary-l2", named(scatter).figure(), "The same network, penalized.");
    }
    Ok(section)
}

fn grid(findings: &Findings) -> Section {
    let points = with_none(findings);
    let interval = format!("Bars: one standard deviation over {} weight seeds on one split.", findings.repeats);
    let figure = |score: &str, label: &str| {
        ScoreVsLambda {
            metric: label.to_owned(),
            interval: interval.clone(),
            curves: vec![
                lambda_curve(&points, &format!("train_{score}"), Role::Train, "train"),
                lambda_curve(&points, &format!("test_{score}"), Role::Test, "test"),
            ],
            marks: best_mark(findings, score),
            ..ScoreVsLambda::default()
        }
        .figure()
    };
    let mut fine = Table::new(["L2", "test accuracy", "test data loss"])
        .caption("The finer grid: one order of magnitude around the strength with the best test accuracy.");
    for (scores, trial) in strengths(&findings.fine.trials).iter().zip(&findings.fine.trials) {
        fine = fine.row([
            Cell::lambda(scores.lambda),
            Cell::mean_spread(mean(trial, "test_accuracy"), std(trial, "test_accuracy"), 4),
            Cell::mean_spread(mean(trial, "test_data_loss"), std(trial, "test_data_loss"), 4),
        ]);
    }
    let best = |score| best_mark(findings, score).first().map(|mark| mark.lambda);
    Section::new("Which strength")
        .paragraph(format!(
            "Accuracy counts rows and moves in steps of one row; the data loss is a proper score, sees more{}. The spread over \
             weight seeds says nothing about other data: on one split it can be exactly 0.",
            preferred(best("data_loss"), best("accuracy")),
        ))
        .figure("accuracy", figure("accuracy", "accuracy"), "Accuracy against the strength.")
        .figure("data-loss", figure("data_loss", "data loss (binary cross-entropy)"), "Data loss against the strength.")
        .table(table(findings))
        .table(fine)
}

/// Which λ the data loss prefers, beside the one that accuracy does.
fn preferred(data_loss: Option<f64>, accuracy: Option<f64>) -> &'static str {
    match data_loss.partial_cmp(&accuracy) {
        Some(std::cmp::Ordering::Greater) => ", and prefers a stronger penalty",
        Some(std::cmp::Ordering::Less) => ", and prefers a weaker penalty",
        _ => ", and prefers the same penalty",
    }
}

/// No penalty and the grid.
fn with_none(findings: &Findings) -> Vec<LambdaScores> {
    let mut points = strengths(std::slice::from_ref(findings.baseline()));
    points.extend(strengths(findings.grid()));
    points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
    points
}

fn best_mark(findings: &Findings, score: &str) -> Vec<LambdaMark> {
    let grid = StudyResult { trials: findings.grid().to_vec(), ..findings.hidden.clone() };
    let best = grid.best(&format!("test_{score}"), score == "accuracy");
    best.map(|best| LambdaMark::new(strengths(&grid.trials)[best].lambda, "best")).into_iter().collect()
}

fn norms(findings: &Findings) -> Section {
    let series = |label: String, trial: &Trial| {
        let history = trial.runs.first()?.history.as_ref()?;
        let y = history.get("norm/dense/kernel")?.to_vec();
        Some(Series { label, x: (1..=y.len()).map(|epoch| epoch as f64).collect(), y })
    };
    let mut over_epochs: Vec<Series> = series("no penalty".into(), findings.baseline()).into_iter().collect();
    let mut grid: Vec<(f64, &Trial)> =
        strengths(findings.grid()).iter().map(|scores| scores.lambda).zip(findings.grid()).collect();
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    let shown = grid.iter().filter(|(lambda, _)| *lambda >= 1e-4);
    over_epochs.extend(shown.filter_map(|(lambda, trial)| series(format!("λ = {}", number::lambda(*lambda)), trial)));
    let points = with_none(findings);
    let curve: LambdaCurve = lambda_curve(&points, "kernel_norm", Role::Setting(0), "hidden kernel");
    let figure = WeightNorms {
        norm: "L2 norm of the hidden kernel".to_owned(),
        interval: format!("Bars: one standard deviation over {} weight seeds.", findings.repeats),
        over_epochs,
        against_lambda: vec![curve],
        ..WeightNorms::default()
    };
    Section::new("What the penalty does to the weights").figure(
        "norms",
        figure.figure(),
        "Norm over the epochs of one run, and at the end against the strength.",
    )
}

fn extensions(findings: &Findings) -> Section {
    let mut path = Table::new(["λ", "train accuracy", "test accuracy", "test data loss", "hidden kernel norm"]).caption(
        "A rising penalty on one model: the weights trained without penalty go on training with each λ in turn. These are \
         not the models that the same λ gives from the start.",
    );
    for (lambda, trial) in findings.path() {
        path = path.row([
            Cell::lambda(lambda),
            Cell::mean_spread(mean(&trial, "train_accuracy"), std(&trial, "train_accuracy"), 3),
            Cell::mean_spread(mean(&trial, "test_accuracy"), std(&trial, "test_accuracy"), 3),
            Cell::mean_spread(mean(&trial, "test_data_loss"), std(&trial, "test_data_loss"), 3),
            Cell::mean_spread(mean(&trial, "kernel_norm"), std(&trial, "kernel_norm"), 2),
        ]);
    }
    let compared = [
        ("L2 1e-3 on the hidden kernel", findings.chosen()),
        ("L1 1e-3 instead", findings.l1()),
        ("both", findings.l1_l2()),
        ("L2 on the output kernel", &findings.output_layer.trials[0]),
        ("L2 on the hidden biases", &findings.bias.trials[0]),
        ("L2 in stages", &findings.staged.trials[0]),
    ];
    let rows = compared.iter().filter_map(|(label, trial)| {
        let pair =
            StudyResult { trials: vec![findings.baseline().clone(), (*trial).clone()], ..findings.hidden.clone() };
        let difference = pair.difference(1, 0, "test_data_loss")?;
        Some(Difference {
            label: (*label).to_owned(),
            mean: difference.mean,
            lower: difference.ci_low,
            upper: difference.ci_high,
        })
    });
    let figure = PairedDifference {
        metric: "test data loss".to_owned(),
        baseline: "no penalty".to_owned(),
        interval: format!(
            "Bars: 95 % confidence interval over {} weight seeds on one split: how sure for these rows, not for others.",
            findings.repeats
        ),
        higher_is_better: Some(false),
        rows: rows.collect(),
    };
    Section::new("Other penalties, other places, other times")
        .figure("difference", figure.figure(), "Each setting against no penalty, seed by seed.")
        .table(path)
}

fn resampled(findings: &Findings) -> Section {
    let rows = |score: &str| -> Vec<Difference> {
        (1..findings.resampled.trials.len())
            .filter_map(|i| {
                let difference = findings.resampled.difference(i, 0, score)?;
                let lambda = strengths(&findings.resampled.trials)[i].lambda;
                Some(Difference {
                    label: format!("λ = {}", number::lambda(lambda)),
                    mean: difference.mean,
                    lower: difference.ci_low,
                    upper: difference.ci_high,
                })
            })
            .collect()
    };
    let figure = |score: &str, label: &str, higher| {
        PairedDifference {
            metric: label.to_owned(),
            baseline: "no penalty".to_owned(),
            interval: format!(
                "Bars: 95 % confidence interval over {} fresh data sets, same rows and seeds for every strength.",
                findings.repeats
            ),
            higher_is_better: Some(higher),
            rows: rows(score),
        }
        .figure()
    };
    let section = Section::new("Would it hold on other data?").paragraph(
        "One split cannot say. Here every repeat draws new data from the same moons, and every strength sees the same draws.",
    );
    let Some(told) = on_fresh_data(findings) else {
        return section.paragraph("It takes at least two repeats to answer.");
    };
    section
        .paragraph(told)
        .figure("fresh-data-loss", figure("test_data_loss", "test data loss", false), "Fresh data, data loss.")
        .figure("fresh-accuracy", figure("test_accuracy", "test accuracy", true), "Fresh data, accuracy.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scores_on_the_split_keep_their_direction() {
        let say = |accuracy: f64, loss: f64| {
            told_on_split(Change::between(0.9, 0.9 + accuracy), Change::between(0.5, 0.5 + loss), 70)
        };
        let helps = say(0.03, -0.2);
        assert!(helps.contains("hidden kernel helps: with it, the test accuracy is higher by 0.030"), "{helps}");
        assert!(helps.contains("(that is 2.1 of 70 rows), and the test data loss is lower by 0.20 (40 %)"), "{helps}");
        let hurts = say(-0.03, 0.2);
        assert!(hurts.contains("hurts: with it, the test accuracy is lower by 0.030"), "{hurts}");
        assert!(hurts.contains("the test data loss is higher by 0.20 (40 %)"), "{hurts}");
        assert!(say(-0.03, -0.2).contains("helps by one score and hurts by the other"));
        assert!(say(0.0, 0.0).contains("changes nothing: with it, the test accuracy is unchanged"));
    }

    #[test]
    fn fresh_data_are_told_at_the_same_strength_first() {
        let change = |by: f64| Change::new(by).within(by - 0.1, by + 0.1).of(1.0);
        let lower = told_of_fresh_data(30, change(-0.3), Some((0.1, change(-0.5))));
        let words = "λ = 0.001 is lower by 0.30 (30 %; 95 % interval from 0.40 lower to 0.20 lower) than without a penalty; the \
                     lowest loss there is not that of 0.001 but of λ = 0.1: lower by 0.50";
        assert!(lower.contains(words), "{lower}");
        let higher = told_of_fresh_data(30, change(0.05), None);
        assert!(
            higher.contains("is higher by 0.050 (5.0 %; 95 % interval from 0.050 lower to 0.15 higher)"),
            "{higher}"
        );
        assert!(higher.ends_with("of all strengths, no penalty has the lowest loss there."), "{higher}");
        assert!(told_of_fresh_data(30, change(-0.3), Some((CHOSEN, change(-0.3)))).contains("no other strength"));
    }

    #[test]
    fn what_the_loss_prefers_is_compared_with_what_accuracy_does() {
        assert_eq!(preferred(Some(0.1), Some(0.001)), ", and prefers a stronger penalty");
        assert_eq!(preferred(Some(1e-4), Some(0.001)), ", and prefers a weaker penalty");
        assert_eq!(preferred(Some(0.1), Some(0.1)), ", and prefers the same penalty");
    }
}
