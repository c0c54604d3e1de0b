//! `taper init`: an experiment file for a table, with defaults that suit it.

mod found;
mod role;
mod survey;
mod text;

use std::path::Path;

use taper::{Complaint, Experiment, check_choose};
use taper_io::is_stream;

use self::found::Found;
use self::text::Folds;
use crate::args::Init;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Init) -> Result<(), Failure> {
    if args.out.exists() && !args.force {
        let complaint = Complaint::new("--out", "a file that is not there yet", args.out.display());
        return Err(taper::Error::from(complaint.help("--force overwrites it")).into());
    }
    // The table is gone before the file is read once more below: a large one fits into memory once.
    let read = survey::read(args)?;
    let found = Found::of(args, read).map_err(|error| taper_io::Error::about(&args.data, error))?;
    let folds = folds(args, &found)?;
    let folder = super::folder_of(&args.out);
    if !is_stream(&args.out) {
        taper_io::check_writable(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    }
    taper_io::write_atomic(&args.out, text::text(args, &found, folds).as_bytes())?;
    let said: String = found.said.iter().map(|said| format!("\n{said}")).collect();
    let told = format!("{}{said}", found.sentence(&args.data));
    if is_stream(&args.out) {
        output::note(&told);
        return Ok(());
    }
    output::print(&format!("{told}\n\nNext: taper choose {}\n", args.out.display()))
}

/// As many folds as `taper choose` takes for these rows, up to the usual ones: what is written is read and checked as it does.
fn folds(args: &Init, found: &Found) -> Result<Folds, Failure> {
    let text = text::text(args, found, Folds::USUAL);
    let mut experiment: Experiment = taper_io::parse_experiment(args.out.with_extension("toml"), &text)?;
    let source = taper_io::read_source(&mut experiment, super::folder_of(&args.out))?;
    let about = |error| Failure::from(taper_io::Error::about(&args.data, error));
    let Err(error) = check_choose(&experiment, &source) else { return Ok(Folds::USUAL) };
    for (inner, outer) in Folds::FEWER {
        if let Some(spec) = &mut experiment.choose {
            (spec.folds, spec.outer_folds) = (inner, outer);
        }
        if check_choose(&experiment, &source).is_ok() {
            return Ok(Folds { inner, outer });
        }
    }
    Err(about(error))
}
