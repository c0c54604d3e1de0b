//! `taper runs`: what lies in a study's store.

mod list;

use std::path::Path;

use serde_json::{Map, Value, json};
use taper::Complaint;
use taper::table::list as some_of;
use taper_io::{Format, Locking, RunRecord, RunStore, STORE, StudyLock, is_stream};

use crate::args::{Runs, Store};
use crate::failure::Failure;
use crate::output;
use list::list;

pub(crate) fn run(runs: &Runs) -> Result<(), Failure> {
    match runs {
        Runs::List { store, limit, json } => list(&RunStore::read(&folder_of_store(store).join(STORE))?, *limit, *json),
        Runs::Show { key, store } => show(folder_of_store(store), key),
        Runs::Export { file, spreadsheet, store } => export(folder_of_store(store), file, *spreadsheet),
        Runs::Repair { store, json } => repair(folder_of_store(store), *json),
    }
}

/// All runs of all studies, as flat rows with the same columns.
struct RunTable {
    /// The columns' names, as they were first seen.
    names: Vec<String>,
    rows: Vec<Map<String, Value>>,
}

impl RunTable {
    fn read(store: &RunStore) -> Result<Self, Failure> {
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for study in store.studies()? {
            for run in store.runs(study.id)? {
                let cells = flat(&run)?;
                for (name, _) in &cells {
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                }
                rows.push(cells.into_iter().collect::<Map<String, Value>>());
            }
        }
        for row in &mut rows {
            for name in &names {
                row.entry(name.as_str()).or_insert(Value::Null);
            }
        }
        Ok(Self { names, rows })
    }
}

/// What a row of a table can hold of a run: its setting and its numbers.
fn flat(run: &RunRecord) -> Result<Vec<(String, Value)>, Failure> {
    let (spec, outcome) = contents(run)?;
    let mut row = Vec::new();
    let mut put = |name: &str, value: &Value| row.push((name.to_owned(), value.clone()));
    put("run", &json!(run.id));
    put("study", &json!(run.study));
    put("key", &json!(run.key));
    put("penalty", &spec["candidate"]["penalty"]);
    put("value", &spec["candidate"]["value"]);
    put("seed", &spec["seed"]);
    put("rows", &json!(spec["rows"].to_string()));
    put("quarters", &spec["quarters"]);
    put("stop", &outcome["stop"]["reason"]);
    for name in ["epochs", "train_rows", "norm", "zeros", "spread"] {
        put(name, &outcome[name]);
    }
    for (prefix, scores) in [("test", &outcome["scores"]), ("train", &outcome["train"])] {
        for (name, value) in scores.as_object().into_iter().flatten() {
            put(&format!("{prefix}_{name}"), value);
        }
    }
    Ok(row)
}

fn contents(run: &RunRecord) -> Result<(Value, Value), Failure> {
    let read =
        |text: &str| serde_json::from_str(text).map_err(|error| Failure::Run(format!("run {}: {error}", run.id)));
    Ok((read(&run.spec)?, read(&run.outcome)?))
}

/// The folder of a store: itself, or that of the store's file.
fn folder_of_store(store: &Store) -> &Path {
    match store.folder.file_name() {
        Some(name) if name == STORE && !store.folder.is_dir() => super::folder_of(&store.folder),
        _ => &store.folder,
    }
}

fn show(folder: &Path, key: &str) -> Result<(), Failure> {
    if Path::new(key).exists() {
        let complaint =
            Complaint::new("KEY", "the number of a run, or the beginning of its key", format!("the path `{key}`"));
        return Err(taper::Error::from(complaint.help(format!("`taper runs show 1 {key}`"))).into());
    }
    let path = folder.join(STORE);
    let store = RunStore::read(&path)?;
    let mut found = Vec::new();
    for study in store.studies()? {
        found.extend(store.runs(study.id)?);
    }
    // A number is a run's number, even if keys begin with it.
    match key.parse::<i64>().ok().filter(|id| found.iter().any(|run| run.id == *id)) {
        Some(id) => found.retain(|run| run.id == id),
        None => found.retain(|run| run.key.starts_with(key)),
    }
    let wrong = |what: String| Failure::Input(format!("{}: expected a run named `{key}`, got {what}", path.display()));
    match found.as_slice() {
        [run] => {
            let (spec, outcome) = contents(run)?;
            output::print_json(&json!({
                "run": run.id, "study": run.study, "key": run.key, "spec": spec, "outcome": outcome
            }))
        }
        [] => Err(wrong("none (`taper runs list` names all)".to_owned())),
        _ => {
            let names: Vec<String> = found.iter().map(|run| run.id.to_string()).collect();
            Err(wrong(format!("{}: runs {}", found.len(), some_of(&names))))
        }
    }
}

fn export(folder: &Path, file: &Path, spreadsheet: bool) -> Result<(), Failure> {
    if !is_stream(file) {
        Format::one_of("FILE", file, Format::TABLES)?;
    }
    let RunTable { names, rows } = RunTable::read(&RunStore::read(&folder.join(STORE))?)?;
    let cells =
        |row: &Map<String, Value>| names.iter().map(|name| row.get(name).map_or_else(String::new, plain)).collect();
    taper_io::write_results(file, &names, &rows.iter().map(cells).collect::<Vec<_>>(), super::audience(spreadsheet))?;
    output::note(&format!("{} runs: {}", rows.len(), file.display()));
    Ok(())
}

/// A value as the text of a cell; nothing is an empty one.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn repair(folder: &Path, json: bool) -> Result<(), Failure> {
    let path = folder.join(STORE);
    if let Err(source) = std::fs::metadata(&path) {
        return Err(Failure::Input(format!("{}: reading failed: {source}", path.display())));
    }
    let _lock = match StudyLock::ask(folder)? {
        Locking::Taken(lock) => lock,
        Locking::Held(owner) => return Err(super::choose::held(folder, owner)),
    };
    let repair = taper_io::repair_store(&path)?;
    if json {
        return output::print_json(&match &repair {
            None => json!({ "repaired": false }),
            Some(repair) => json!({
                "repaired": true, "runs": repair.runs, "studies": repair.studies, "lost": repair.lost, "kept": repair.kept,
            }),
        });
    }
    let text = match repair {
        None => "Nothing is damaged.\n".to_owned(),
        Some(repair) => {
            let lost = match repair.lost.as_slice() {
                [] => "no run is known to be missing".to_owned(),
                lost => {
                    let names: Vec<String> = lost.iter().map(ToString::to_string).collect();
                    format!("missing: {} (number {})", lost.len(), some_of(&names))
                }
            };
            format!(
                "{} runs of {} studies are saved; {lost}.\nThe damaged file: {}\n`taper choose … --resume` runs what is missing again.\n",
                repair.runs,
                repair.studies,
                repair.kept.display()
            )
        }
    };
    output::print(&text)
}
