//! The report of a choice, with how to get it again.

use taper::{Choice, LayerSparsity};
use taper_report::{Report, Reproduce, Section, at_work, choice_report};

pub(super) fn report(choice: &Choice, layers: &[LayerSparsity], command: &str, experiment: &str) -> Report {
    let how = Reproduce { command: command.to_owned(), experiment: experiment.to_owned() };
    choice_report(choice).section(Section::new("What is at work in the model").table(at_work(layers))).reproduce(how)
}
