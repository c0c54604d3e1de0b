//! `taper demo breast-cancer`: `taper choose` on a real table, from the file to the report.

use std::path::PathBuf;

use crate::args::{BreastCancer, Choose};
use crate::command::choose;
use crate::failure::Failure;
use crate::output::Folder;

const EXPERIMENT: &str = include_str!("breast_cancer.toml");
const TABLE: &str = include_str!("../../../../data/breast_cancer/breast_cancer.csv");

/// Writes table and experiment, and chooses as anybody would on files of their own.
pub(super) fn run(args: &BreastCancer) -> Result<(), Failure> {
    let mut folder = Folder::prepare(&args.common.out)?;
    folder.write("breast_cancer.csv", TABLE.as_bytes())?;
    folder.write("breast_cancer.toml", EXPERIMENT.as_bytes())?;
    let experiment: PathBuf = args.common.out.join("breast_cancer.toml");
    choose::run_command(&Choose {
        experiment,
        rule: None,
        elsewhere: None,
        no_race: false,
        store: args.store,
        common: args.common.clone(),
    })
}
