//! A choice as a report: the verdict, what it rests on, and what it does to the model.

mod gain;
mod inside;
mod strength;

use taper::{Candidate, Choice, Score, wording};

use crate::{Report, Section, number};

/// The report of a choice, without how to get it again.
///
/// Every section stands on numbers of the choice; one for which it has none is left out.
#[must_use]
pub fn choice_report(choice: &Choice) -> Report {
    let mut report = Report::new("Which penalty, how strong, how sure", &choice.verdict.sentence).live();
    let sections = [
        Some(gain::section(choice)),
        Some(strength::section(choice)),
        inside::overfitting(choice),
        inside::weights(choice),
        inside::calibration(choice),
        inside::more_rows(choice),
        Some(method(choice)),
    ];
    for section in sections.into_iter().flatten() {
        report = report.section(section);
    }
    report
}

/// What was done, for those who want to judge it.
fn method(choice: &Choice) -> Section {
    let unseen = match choice.rows.test {
        0 => format!(
            "The gain was measured on {} outer folds: each judged a choice that was made without its rows, by the same rules.",
            choice.outer.len()
        ),
        test => format!("The gain was measured on the {test} declared test rows, which took part in no choice."),
    };
    let mut section = Section::new("How this was found").paragraph(format!(
        "{}. Every setting saw the same divisions with the same seeds, and was compared by its {} on the fold held out. {unseen} \
         {} models were trained for this; racing made {} more needless, by giving no \
         further folds to settings that were clearly beaten.",
        choice.rows.picked,
        score_name(choice),
        choice.runs.done,
        choice.runs.saved_by_racing,
    ));
    for note in &choice.notes {
        section = section.paragraph(note.as_str());
    }
    section
}

/// `data loss`.
fn score_name(choice: &Choice) -> String {
    wording::score(&choice.score)
}

/// The ends of an interval of a gain (more is better) as those of the change in the score.
fn changed(choice: &Choice, (low, high): (f64, f64)) -> (f64, f64) {
    if choice.maximize { (low, high) } else { (-high, -low) }
}

/// `l2 1e-3`, `no penalty`.
fn label(penalty: &str, value: f64) -> String {
    if penalty == "none" { "no penalty".to_owned() } else { format!("{penalty} {}", number::lambda(value)) }
}

fn label_of(candidate: &Candidate) -> String {
    label(&candidate.penalty, candidate.value)
}

/// Mean, and one standard error to each side; not finite where there is none.
fn ends(score: &Score) -> (f64, f64) {
    (score.mean.unwrap_or(f64::NAN), score.se.unwrap_or(f64::NAN))
}
