//! The answer in words.

use super::candidate::Candidate;
use super::result::{Claim, Gain, Verdict};

/// A number as a sentence has it: three digits.
pub(crate) fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    if (1e-3..1e4).contains(&size) {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.2e}")
    }
}

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
    format!("{} at {strength} = {}", candidate.penalty, plain(candidate.value))
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

/// The verdict on a gain.
pub(crate) fn verdict(chosen: &Candidate, gain: &Gain, score: &str, baseline: Option<f64>) -> Verdict {
    let helps = gain.ci_low > 0.0 && !chosen.is_none();
    let interval = format!("95% interval {} to {}", plain(gain.ci_low), plain(gain.ci_high));
    let share = baseline.filter(|baseline| *baseline > 0.0).map(|baseline| 100.0 * gain.estimate / baseline);
    let amount = match share {
        Some(share) => format!("{} ({share:.0}%)", plain(gain.estimate.abs())),
        None => plain(gain.estimate.abs()),
    };
    let sentence = if chosen.is_none() {
        format!(
            "Regularization does not measurably help here: by {score}, no penalty is as good as any that was tried."
        )
    } else if helps {
        format!(
            "Regularization helps: {} improves {score} on rows that took part in no choice by {amount}, {interval}.",
            named(chosen)
        )
    } else if gain.ci_high < 0.0 {
        format!(
            "Regularization does not help here: {} looked best, but on rows that took part in no choice {score} is worse by \
             {amount}, {interval}.",
            named(chosen)
        )
    } else {
        format!(
            "Regularization does not measurably help here: {} looked best, but on rows that took part in no choice {score} \
             changes by {}, {interval}, which includes 0.",
            named(chosen),
            plain(gain.estimate)
        )
    };
    Verdict { helps, sentence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(estimate: f64, half: f64) -> Gain {
        let claim = Claim::FittedModels;
        let (ci_low, ci_high) = (estimate - half, estimate + half);
        Gain { estimate, se: half / 2.0, ci_low, ci_high, n: 70, claim, statement: statement(claim, 70, false) }
    }

    #[test]
    fn only_an_interval_above_zero_helps() {
        let say =
            |candidate: Candidate, estimate, half| verdict(&candidate, &gain(estimate, half), "data loss", Some(0.5));
        let l2 = || Candidate::new("l2", 0.001);
        let helps = say(l2(), 0.1, 0.05);
        assert!(helps.helps);
        assert_eq!(
            helps.sentence,
            "Regularization helps: l2 at λ = 0.00100 improves data loss on rows that took part in no choice by 0.100 (20%), \
             95% interval 0.0500 to 0.150."
        );
        for (estimate, half, word) in [(0.1, 0.1001, "measurably"), (-0.1, 0.05, "worse"), (0.0, 0.0, "measurably")] {
            let verdict = say(l2(), estimate, half);
            assert!(!verdict.helps && verdict.sentence.contains(word), "{}", verdict.sentence);
        }
        let none = say(Candidate::none(), 0.0, 0.0);
        assert!(!none.helps && none.sentence.starts_with("Regularization does not measurably help here"));
    }

    #[test]
    fn numbers_have_three_digits() {
        let all: Vec<String> = [0.0, 1.0, -0.01234, 123.4, 1e-5, 54321.0].into_iter().map(plain).collect();
        assert_eq!(all, ["0", "1.00", "-0.0123", "123", "1.00e-5", "5.43e4"]);
    }
}
