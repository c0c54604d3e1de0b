//! `taper choose`: which penalty, how strong, how sure.

mod cv_results;
mod elsewhere;
mod identity;
mod progress;
mod report;
mod session;
mod told;
mod tried;

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use taper::{Choice, Rows, Rule};
use taper_io::{Digest, STORE, TrainingRows};
use taper_report::{Report, Reproduce, Section, Table};

use super::{folder_of, on_threads, text_of, unit};
use crate::args::Choose;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::{self, Folder};
use progress::ChooseProgress;
use session::Session;
use tried::Tried;

pub(crate) use progress::label;
pub(crate) use session::held;

pub(crate) fn run_command(args: &Choose) -> Result<(), Failure> {
    let mut experiment = taper_io::read_experiment(&args.experiment)?;
    experiment.study = None;
    let mut spec = experiment.choose.take().unwrap_or_default();
    spec.seed = args.common.seed.unwrap_or(spec.seed);
    spec.race &= !args.no_race;
    spec.rule = match args.rule.as_deref() {
        Some("min") => Rule::Min,
        Some("1se") => Rule::OneSe,
        _ => spec.rule,
    };
    experiment.choose = Some(spec.clone());

    let rows = taper_io::read_source(&mut experiment, folder_of(&args.experiment))?.for_choice(&experiment.data)?;
    crate::memory::check(&experiment.model, &experiment.fit, rows.rows())?;
    taper::check_choose(&experiment, &rows)?;
    let out = args.common.folder(&args.experiment, "choose");
    let mut folder = prepare(args, &out)?;
    let identity = identity::identity(&experiment, folder_of(&args.experiment))?;
    let session = Session::open(args, &out, &identity)?;
    output::warn(rows.warnings());
    if let Some(trials) = &args.elsewhere {
        let waiting = elsewhere::exchange(trials, &args.experiment, &experiment, &rows, &session.store)?;
        if waiting > 0 {
            return wait(args, trials, waiting);
        }
    }

    let progress = Tried::new(ChooseProgress::new(&spec.score, experiment.fit.maximizes(&spec.score)));
    let chosen = on_threads(args.common.threads, || taper::choose(&experiment, &rows, &session.store, &progress))?;
    let tried = progress.into_table();
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(taper::Error::Interrupted) => return Err(Failure::Interrupted(kept(args, &out, &session))),
        Err(taper::Error::Store(error)) => {
            return Err(Failure::Run(format!("{error}\n{}", kept(args, &out, &session))));
        }
        Err(taper::Error::Diverged(text)) => {
            let how = Reproduce { command: command(args), experiment: text_of(&args.experiment, &experiment) };
            return lost(args, &mut folder, &text, &tried, how);
        }
        Err(other) => return Err(other.into()),
    };
    let choice = &chosen.choice;

    let result = serde_json::to_string_pretty(choice).map_err(|error| Failure::Run(error.to_string()))? + "\n";
    let mut write = || {
        folder.write("result.json", result.as_bytes())?;
        let (head, cells) = cv_results::cv_results(choice);
        for name in ["cv_results.csv", "cv_results.parquet"] {
            taper_io::write_results(&folder.file(name), &head, &cells, taper_io::Audience::Program)?;
        }
        let prepared = rows.prepared(&chosen.train)?;
        let provenance = provenance(choice, &identity);
        let (file, model) = (folder.file("model.safetensors"), &chosen.model);
        // As the model saw them; what is scored beside them does not matter.
        let trained = TrainingRows::of(&rows.split(&chosen.train, &chosen.train[..1])?.train);
        taper_io::write_chosen_model(&file, model, prepared.as_ref(), &chosen.experiment, &trained, &provenance)?;
        let text = text_of(&args.experiment, &experiment);
        folder.write_report(&report::report(choice, &model.sparsity()?, unit(&experiment), &command(args), &text))?;
        folder.file(STORE);
        Ok::<(), Failure>(())
    };
    write().map_err(|failure| match failure {
        Failure::Run(text) => Failure::Run(format!("{text}\n{}", kept(args, &out, &session))),
        other => other,
    })?;
    session.store.store().finish(session.store.study(), &Digest::of(result.as_bytes()).blake3)?;

    if args.common.json {
        let mut document = serde_json::to_value(choice).unwrap_or(Value::Null);
        document["files"] = json!(folder.written());
        output::print_json(&document)
    } else {
        output::print(&told::told(choice, unit(&experiment), &folder.report()))
    }
}

/// Says what is to be run elsewhere before the choice can go on.
fn wait(args: &Choose, trials: &Path, waiting: usize) -> Result<(), Failure> {
    if args.common.json {
        return output::print_json(&json!({ "waiting": waiting, "trials": trials }));
    }
    let (folder, trials) = (folder_of(&args.experiment), trials.display());
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    output::print(&format!(
        "{waiting} trials wait in {trials}. Run each, anywhere, and then this command again:\n  \
         taper trial run --folder {} --spec {trials}/KEY.json --out {trials}/KEY.outcome\n",
        folder.display()
    ))
}

/// Where a model comes from: what was asked, of which data, by which engine, and what was found.
fn provenance(choice: &Choice, identity: &Value) -> Value {
    json!({
        "identity": identity,
        "verdict": choice.verdict,
        "chosen": choice.chosen,
        "rule": choice.rule,
        "gain": choice.gain,
        "runs": choice.runs,
        "rows": choice.rows,
    })
}

/// What is safe when a choice ends early, and how to go on.
fn kept(args: &Choose, out: &Path, session: &Session) -> String {
    let runs = session.store.count().map_or("the finished runs".to_owned(), |count| format!("{count} finished runs"));
    let (store, command) = (out.join(STORE), command(args));
    format!("{runs} are kept in {}; go on with: {command} --out {} --resume", store.display(), out.display())
}

/// The folder for the results. A study that is to go on, or beside which another begins, is judged by the store.
fn prepare(args: &Choose, out: &Path) -> Result<Folder, Failure> {
    let goes_on = args.store.resume || args.store.fork || args.elsewhere.is_some();
    let holding = Holding::of("choose", &args.experiment);
    let holding = if goes_on { holding.beside_others() } else { holding };
    Folder::prepare(out, &holding, args.common.replace)
}

/// The end of a choice that has nothing left to choose from: a report of what was tried, and a failure.
fn lost(args: &Choose, folder: &mut Folder, text: &str, tried: &Table, how: Reproduce) -> Result<(), Failure> {
    let lede = format!("There is no choice: {text}. A lower learning rate or standardized inputs may help.");
    let section = Section::new("What was tried").table(tried.clone());
    folder.write_report(&Report::new("A choice without a result", &lede).section(section).reproduce(how))?;
    folder.file(STORE);
    if args.common.json {
        let rows: Vec<Vec<&str>> = tried.rows.iter().map(|row| row.iter().map(|cell| &*cell.text).collect()).collect();
        output::print_json(&json!({ "diverged": text, "tried": rows, "files": folder.written() }))?;
    } else {
        let mut rows = vec![tried.head.clone()];
        rows.extend(tried.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
        output::print(&format!("{}\n{lede}\n\nReport: {}\n", output::columns(&rows), folder.report()))?;
    }
    Err(Failure::Run(lede))
}

/// The command that gives the same result, wherever it is written to.
fn command(args: &Choose) -> String {
    let mut text = format!("taper choose {}", args.experiment.display());
    if let Some(seed) = args.common.seed {
        let _ = write!(text, " --seed {seed}");
    }
    if let Some(rule) = &args.rule {
        let _ = write!(text, " --rule {rule}");
    }
    if args.no_race {
        text.push_str(" --no-race");
    }
    text
}
