//! The report of a choice, with how to get it again.

use taper::Choice;
use taper_report::{Report, Reproduce, choice_report};

pub(super) fn report(choice: &Choice, command: &str, experiment: &str) -> Report {
    let how = Reproduce { command: command.to_owned(), experiment: experiment.to_owned() };
    choice_report(choice).reproduce(how)
}
