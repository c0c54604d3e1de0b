//! The answer in words.

use super::candidate::Candidate;
use super::comparison::Comparison;
use super::result::{Claim, Gain, Verdict};
use crate::wording::{digits, score};

/// How a candidate is called in a sentence.
pub(crate) fn named(candidate: &Candidate) -> String {
    if candidate.is_none() {
        return "no penalty".to_owned();
    }
    let strength = match candidate.penalty.split('+').next() {
        Some("dropout") => "rate",
        Some("early_stopping") => "patience",
        _ => "λ",
    };
    format!("{} at {strength} = {}", candidate.penalty, digits(candidate.value, 3))
}

/// What a claim says, in words.
pub(crate) fn statement(claim: Claim, n: usize, clustered: bool) -> String {
    match claim {
        Claim::FittedModels => {
            let what = if clustered { "independent groups of the declared test rows" } else { "declared test rows" };
            format!(
                "the difference between the two fitted models on the population that the test rows come from, measured on \
                 {n} {what}, which took part in no choice"
            )
        }
        Claim::TrainingSets => format!(
            "the expected difference over training sets of the size that {n} outer folds leave, the choice of the strength \
             included; each outer fold took part in no choice that it judges"
        ),
    }
}

/// The verdict on a gain: what the choice does to the score that models were compared by, the first of the comparisons, and to
/// the first of the others that the training names.
pub(crate) fn verdict(chosen: &Candidate, gain: &Gain, comparisons: &[Comparison]) -> Verdict {
    let helps = gain.ci_low > 0.0 && !chosen.is_none();
    let (first, beside) = (comparisons.first(), comparisons.get(beside(comparisons)));
    if chosen.is_none() {
        let scores: Vec<String> = first.into_iter().chain(beside).map(without_penalty).collect();
        let first = first.map(|first| format!("by {}, ", score(&first.name))).unwrap_or_default();
        let sentence = format!(
            "Regularization does not measurably help here: {first}no penalty is as good as any that was tried ({} on rows that \
             took part in no choice).",
            scores.join(", ")
        );
        return Verdict { helps, sentence };
    }
    let changes: Vec<String> = first.into_iter().chain(beside).map(changed).collect();
    let (changes, named) = (changes.join(", and "), named(chosen));
    let on = "on rows that took part in no choice";
    let sentence = if helps {
        format!("Regularization helps: with {named}, {on}, {changes}.")
    } else if gain.ci_high < 0.0 {
        format!("Regularization does not help here, it hurts: {named} looked best, but {on}, {changes}.")
    } else {
        format!(
            "Regularization does not measurably help here: {named} looked best, and {on}, {changes}; an interval that goes both \
             ways leaves open whether that is more than chance."
        )
    };
    Verdict { helps, sentence }
}

/// The place of the score that is told beside the first: the first metric, or the data loss where a metric is first.
fn beside(comparisons: &[Comparison]) -> usize {
    let metric = |comparison: &Comparison| comparison.name != "data_loss";
    if comparisons.first().is_some_and(metric) {
        return 1;
    }
    comparisons.iter().position(metric).unwrap_or(comparisons.len())
}

/// `the accuracy is higher by 0.012 (1.3 %)`.
fn changed(comparison: &Comparison) -> String {
    format!("the {} is {}", score(&comparison.name), comparison.change().words())
}

/// `accuracy 0.972`.
fn without_penalty(comparison: &Comparison) -> String {
    format!("{} {}", score(&comparison.name), digits(comparison.baseline, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(estimate: f64, half: f64) -> Gain {
        let claim = Claim::FittedModels;
        let (ci_low, ci_high) = (estimate - half, estimate + half);
        Gain { estimate, se: half / 2.0, ci_low, ci_high, n: 70, claim, statement: statement(claim, 70, false) }
    }

    /// A score that was 0.5, and changes by so much.
    fn comparison(name: &str, maximize: bool, change: f64, half: f64) -> Comparison {
        let (ci_low, ci_high) = (Some(change - half), Some(change + half));
        Comparison { name: name.into(), maximize, baseline: 0.5, chosen: 0.5 + change, change, ci_low, ci_high }
    }

    /// The verdict on a gain in the data loss or, with `maximize`, in the accuracy; the other one gets worse by a little.
    fn said(gained: f64, half: f64, maximize: bool) -> Verdict {
        let (name, other) = if maximize { ("accuracy", "data_loss") } else { ("data_loss", "accuracy") };
        let sign = if maximize { 1.0 } else { -1.0 };
        let beside = Comparison { ci_low: None, ci_high: None, ..comparison(other, !maximize, sign * 0.02, 0.0) };
        let all = [comparison(name, maximize, sign * gained, half), beside];
        verdict(&Candidate::new("l2", 0.001), &gain(gained, half), &all)
    }

    #[test]
    fn a_loss_that_falls_and_an_accuracy_that_rises_are_gains() {
        let loss = said(0.1, 0.05, false);
        assert!(loss.helps);
        assert_eq!(
            loss.sentence,
            "Regularization helps: with l2 at λ = 0.00100, on rows that took part in no choice, the data loss is lower by 0.10 \
             (20 %; 95 % interval from 0.15 lower to 0.050 lower), and the accuracy is lower by 0.020 (4.0 %)."
        );
        let accuracy = said(0.1, 0.05, true);
        assert!(accuracy.helps);
        assert!(
            accuracy
                .sentence
                .contains("the accuracy is higher by 0.10 (20 %; 95 % interval from 0.050 higher to 0.15 higher)"),
            "{}",
            accuracy.sentence
        );
        assert!(accuracy.sentence.ends_with("and the data loss is higher by 0.020 (4.0 %)."), "{}", accuracy.sentence);
    }

    #[test]
    fn a_loss_that_rises_and_an_accuracy_that_falls_are_told_as_such() {
        for (maximize, words) in [
            (false, "the data loss is higher by 0.10 (20 %; 95 % interval from 0.050 higher to 0.15 higher)"),
            (true, "the accuracy is lower by 0.10 (20 %; 95 % interval from 0.15 lower to 0.050 lower)"),
        ] {
            let verdict = said(-0.1, 0.05, maximize);
            assert!(!verdict.helps && verdict.sentence.contains("it hurts"), "{}", verdict.sentence);
            assert!(verdict.sentence.contains(words), "{}", verdict.sentence);
        }
    }

    #[test]
    fn what_an_interval_leaves_open_keeps_its_direction() {
        for (gained, maximize, words) in [
            (0.012, false, "the data loss is lower by 0.012 (2.4 %; 95 % interval from 0.032 lower to 0.0080 higher)"),
            (
                -0.012,
                false,
                "the data loss is higher by 0.012 (2.4 %; 95 % interval from 0.0080 lower to 0.032 higher)",
            ),
            (0.012, true, "the accuracy is higher by 0.012 (2.4 %; 95 % interval from 0.0080 lower to 0.032 higher)"),
            (-0.012, true, "the accuracy is lower by 0.012 (2.4 %; 95 % interval from 0.032 lower to 0.0080 higher)"),
        ] {
            let verdict = said(gained, 0.02, maximize);
            assert!(!verdict.helps && verdict.sentence.contains("not measurably"), "{}", verdict.sentence);
            assert!(verdict.sentence.contains(words), "{}", verdict.sentence);
        }
        let unchanged = said(0.0, 0.0, false);
        assert!(
            !unchanged.helps && unchanged.sentence.contains("the data loss is unchanged"),
            "{}",
            unchanged.sentence
        );
    }

    #[test]
    fn no_penalty_is_told_with_its_scores() {
        let all = [comparison("data_loss", false, 0.0, 0.0), comparison("accuracy", true, 0.1, 0.2)];
        let none = verdict(&Candidate::none(), &gain(0.1, 0.01), &all);
        assert!(!none.helps && none.sentence.starts_with("Regularization does not measurably help here: by data loss"));
        assert!(none.sentence.contains("(data loss 0.500, accuracy 0.500 on rows"), "{}", none.sentence);
    }
}
