//! What a folder of results holds: one thing, of one command on one experiment.

use std::path::Path;

use serde::{Deserialize, Serialize};
use taper_io::{Locking, STORE, StudyLock};

use crate::command::choose;
use crate::failure::Failure;

/// The file that says what a folder holds.
const FILE: &str = ".taper.json";

/// What the commands leave behind, beside figures.
const RESULTS: [&str; 17] = [
    "model.safetensors",
    "checkpoint.safetensors",
    "history.csv",
    "report.html",
    "report.md",
    "study.json",
    "result.json",
    "results.json",
    "cv_results.csv",
    "cv_results.parquet",
    STORE,
    "runs.sqlite-wal",
    "runs.sqlite-shm",
    "runs.sqlite.damaged",
    "moons.toml",
    "digits.toml",
    "sunspots.toml",
];

/// A command and what it worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    /// The command: `fit`, `study`, `choose`, `demo moons`.
    command: String,
    /// The file name of its experiment; empty where there is none, or none is known.
    experiment: String,
    /// Whether results of the same command on other experiments are let be: the command judges them itself.
    #[serde(skip)]
    any_experiment: bool,
}

impl Holding {
    /// Of a command on this experiment file.
    pub(crate) fn of(command: &str, experiment: &Path) -> Self {
        let experiment = experiment.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        Self { command: command.to_owned(), experiment, any_experiment: false }
    }

    /// The same, where results of the command on other experiments may lie in the folder.
    pub(crate) fn beside_others(self) -> Self {
        Self { any_experiment: true, ..self }
    }

    /// Of a command that brings its own experiment.
    pub(crate) fn alone(command: &str) -> Self {
        Self { command: command.to_owned(), experiment: String::new(), any_experiment: false }
    }

    /// `taper fit wine.toml`.
    fn called(&self) -> String {
        format!("taper {} {}", self.command, self.experiment).trim_end().to_owned()
    }

    /// Whether results of both are the same thing, as far as is known.
    fn is(&self, other: &Self) -> bool {
        let unknown = self.any_experiment || self.experiment.is_empty() || other.experiment.is_empty();
        self.command == other.command && (unknown || self.experiment == other.experiment)
    }

    /// What lies in a folder: as its file says, else as its results tell.
    fn found(folder: &Path) -> Option<Self> {
        let read = taper_io::read_text(&folder.join(FILE), 1 << 16).ok();
        if let Some(holding) = read.and_then(|text| serde_json::from_str(&text).ok()) {
            return Some(holding);
        }
        let marks = [
            (STORE, "choose"),
            ("result.json", "choose"),
            ("study.json", "study"),
            ("history.csv", "fit"),
            ("report.html", ""),
        ];
        let (_, command) = marks.iter().find(|(name, _)| folder.join(name).is_file())?;
        Some(Self { command: (*command).to_owned(), experiment: String::new(), any_experiment: false })
    }

    /// Takes a folder for these results: refuses those of another command or experiment, or removes them if `replace` says so,
    /// and its own too. Removes nothing that no command wrote.
    pub(crate) fn claim(&self, folder: &Path, replace: bool) -> Result<(), Failure> {
        let Some(found) = Self::found(folder) else { return Ok(()) };
        if replace {
            return clear(folder);
        }
        if found.is(self) {
            return Ok(());
        }
        let found =
            if found.command.is_empty() { "another command".to_owned() } else { format!("`{}`", found.called()) };
        Err(Failure::Input(format!(
            "{}: expected an empty folder or results of `{}`, got results of {found} (`--replace` removes them, `--out` names another \
             folder)",
            folder.display(),
            self.called(),
        )))
    }

    /// Writes down what the folder holds from now on.
    pub(crate) fn note(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(|error| Failure::Run(error.to_string()))?;
        Ok(taper_io::write_atomic(&folder.join(FILE), format!("{text}\n").as_bytes())?)
    }

    /// Takes the note back from a folder that holds nothing else.
    pub(crate) fn forget(folder: &Path) {
        if std::fs::read_dir(folder).is_ok_and(|entries| entries.count() == 1) {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_file(folder.join(FILE));
        }
    }
}

/// Removes results, unless another process is working on them.
fn clear(folder: &Path) -> Result<(), Failure> {
    let _lock = match folder.join(STORE).is_file().then(|| StudyLock::ask(folder)).transpose()? {
        Some(Locking::Held(owner)) => return Err(choose::held(folder, owner)),
        other => other,
    };
    // What lies behind a link is not ours.
    taper_io::refuse_link(&folder.join("figure"))?;
    let figures = std::fs::read_dir(folder.join("figure")).into_iter().flatten().flatten().map(|entry| entry.path());
    let figures = figures.filter(|path| path.extension().is_some_and(|ending| ending == "svg" || ending == "png"));
    let results = RESULTS.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
    for path in figures.chain(results) {
        std::fs::remove_file(&path)
            .map_err(|source| Failure::Input(format!("{}: removing failed: {source}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_by_its_note_or_by_what_lies_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (fit, study) = (Holding::of("fit", Path::new("a/e.toml")), Holding::of("study", Path::new("e.toml")));
        assert_eq!(Holding::found(folder.path()), None);
        fit.claim(folder.path(), false).unwrap();
        fit.note(folder.path()).unwrap();
        assert_eq!(Holding::found(folder.path()), Some(fit.clone()));
        fit.claim(folder.path(), false).unwrap();
        let refused = |holding: &Holding| match holding.claim(folder.path(), false) {
            Err(Failure::Input(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(refused(&study).contains("results of `taper study e.toml`, got results of `taper fit e.toml`"));
        assert!(refused(&Holding::of("fit", Path::new("f.toml"))).contains("--replace"));
        // Without the note.
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        std::fs::write(folder.path().join("own.txt"), "").unwrap();
        std::fs::write(folder.path().join("study.json"), "").unwrap();
        study.claim(folder.path(), false).unwrap();
        assert!(refused(&fit).contains("got results of `taper study`"));
        fit.claim(folder.path(), true).unwrap();
        assert!(!folder.path().join("study.json").exists() && folder.path().join("own.txt").exists());
    }
}
