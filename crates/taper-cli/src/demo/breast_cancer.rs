//! `taper demo breast-cancer`: `taper choose` on a real table, from the file to the report.

use std::path::Path;

use crate::args::{BreastCancer, Choose, Common};
use crate::command::choose;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::Folder;

const EXPERIMENT: &str = include_str!("breast_cancer.toml");
const TABLE: &str = include_str!("../../../../data/breast_cancer/breast_cancer.csv");

/// Writes table and experiment, and chooses as anybody would on files of their own.
pub(super) fn run(args: &BreastCancer) -> Result<(), Failure> {
    let out = args.common.folder(Path::new("breast-cancer"), "demo");
    let holding = Holding::of("choose", Path::new("breast_cancer.toml"));
    let mut folder = Folder::prepare(&out, &holding, args.common.replace)?;
    folder.write("breast_cancer.csv", TABLE.as_bytes())?;
    folder.write("breast_cancer.toml", EXPERIMENT.as_bytes())?;
    let experiment = out.join("breast_cancer.toml");
    choose::run_command(&Choose {
        experiment,
        rule: None,
        elsewhere: None,
        no_race: false,
        store: args.store,
        // What was in the way is gone.
        common: Common { out: Some(out), replace: false, ..args.common.clone() },
    })
}
