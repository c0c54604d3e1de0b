//! `taper choose`: which penalty, how strong, how sure.

mod cv_results;
mod elsewhere;
mod identity;
mod progress;
mod report;
mod session;

use std::fmt::Write;

use serde_json::{Value, json};
use taper::{Choice, Rows, Rule};
use taper_io::{Digest, STORE};

use super::{folder_of, on_threads};
use crate::args::Choose;
use crate::failure::Failure;
use crate::output::{self, Folder};
use progress::{ChooseProgress, label};
use session::Session;

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
    let mut folder = Folder::prepare(&args.common.out)?;
    let identity = identity::identity(&experiment, folder_of(&args.experiment))?;
    let session = Session::open(args, &identity)?;
    output::warn(rows.warnings());
    if let Some(trials) = &args.elsewhere {
        let waiting = elsewhere::exchange(trials, &experiment, &rows, &session.store)?;
        if waiting > 0 {
            return wait(args, trials, waiting);
        }
    }

    let progress = ChooseProgress::new(&spec.score, experiment.fit.maximizes(&spec.score));
    let chosen = on_threads(args.common.threads, || taper::choose(&experiment, &rows, &session.store, &progress))?;
    drop(progress);
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(taper::Error::Interrupted) => return Err(Failure::Interrupted(kept(args, &session))),
        Err(taper::Error::Store(error)) => return Err(Failure::Run(format!("{error}\n{}", kept(args, &session)))),
        Err(other) => return Err(other.into()),
    };
    let choice = &chosen.choice;

    let result = serde_json::to_string_pretty(choice).map_err(|error| Failure::Run(error.to_string()))? + "\n";
    let mut write = || {
        folder.write("result.json", result.as_bytes())?;
        let (head, cells) = cv_results::cv_results(choice);
        for name in ["cv_results.csv", "cv_results.parquet"] {
            taper_io::write_results(&folder.file(name), &head, &cells)?;
        }
        let prepared = rows.prepared(&chosen.train)?;
        let provenance = provenance(choice, &identity);
        let (file, model) = (folder.file("model.safetensors"), &chosen.model);
        taper_io::write_chosen_model(&file, model, prepared.as_ref(), &chosen.experiment, &provenance)?;
        let text = std::fs::read_to_string(&args.experiment).unwrap_or_default();
        folder.write_report(&report::report(choice, &model.sparsity()?, &command(args), &text))?;
        folder.file(STORE);
        Ok::<(), Failure>(())
    };
    write().map_err(|failure| match failure {
        Failure::Run(text) => Failure::Run(format!("{text}\n{}", kept(args, &session))),
        other => other,
    })?;
    session.store.store().finish(session.store.study(), &Digest::of(result.as_bytes()).blake3)?;

    if args.common.json {
        let mut document = serde_json::to_value(choice).unwrap_or(Value::Null);
        document["files"] = json!(folder.written());
        output::print_json(&document)
    } else {
        output::print(&told(choice, &folder.report()))
    }
}

/// Says what is to be run elsewhere before the choice can go on.
fn wait(args: &Choose, trials: &std::path::Path, waiting: usize) -> Result<(), Failure> {
    if args.common.json {
        return output::print_json(&json!({ "waiting": waiting, "trials": trials }));
    }
    let (folder, trials) = (folder_of(&args.experiment), trials.display());
    let folder = if folder.as_os_str().is_empty() { std::path::Path::new(".") } else { folder };
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
fn kept(args: &Choose, session: &Session) -> String {
    let runs = session.store.count().map_or("the finished runs".to_owned(), |count| format!("{count} finished runs"));
    let out = args.common.out.display();
    format!(
        "{runs} are kept in {}; go on with: {} --out {out} --resume",
        args.common.out.join(STORE).display(),
        command(args)
    )
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

/// The result for a terminal.
fn told(choice: &Choice, report: &str) -> String {
    let mut text = format!("{}\n\nThe gain is {}.\n\n", choice.verdict.sentence, choice.gain.statement);
    let mut rows = vec![["candidate", choice.score.as_str(), "± se", "folds", ""].map(str::to_owned).to_vec()];
    for point in std::iter::once(&choice.baseline).chain(&choice.grid) {
        let is_chosen = point.penalty == choice.chosen.penalty && point.value == choice.chosen.value;
        let number = |value: Option<f64>| value.map_or("diverged".to_owned(), |value| format!("{value:.4}"));
        let mark = if is_chosen {
            "chosen"
        } else if point.beaten {
            "beaten early"
        } else {
            ""
        };
        rows.push(vec![
            label(&point.penalty, point.value),
            number(point.score.mean),
            number(point.score.se),
            point.score.n.to_string(),
            mark.to_owned(),
        ]);
    }
    text.push_str(&output::columns(&rows));
    let _ = write!(text, "\n{} runs, {} saved by racing.\n", choice.runs.done, choice.runs.saved_by_racing);
    for note in &choice.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    let _ = write!(text, "\nReport: {report}\n");
    text
}
