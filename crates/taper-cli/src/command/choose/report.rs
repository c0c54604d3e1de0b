//! The report of a choice, with how to get it again.

use taper::{Choice, LayerSparsity};
use taper_report::{Report, Reproduce, Section, at_work, choice_report};

pub(super) fn report(
    choice: &Choice,
    layers: &[LayerSparsity],
    unit: Option<&str>,
    command: &str,
    experiment: &str,
) -> Report {
    let how = Reproduce { command: command.to_owned(), experiment: experiment.to_owned() };
    let report = choice_report(choice).section(Section::new("What is at work in the model").table(at_work(layers)));
    let report = match unit {
        Some(unit) => report.section(Section::new("In which unit").paragraph(unit)),
        None => report,
    };
    report.reproduce(how)
}
