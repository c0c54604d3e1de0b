//! `taper fit`: one model, one training.

use serde_json::json;
use taper::{Division, FitConfig, Model, Rows, Seed, StopReason, evaluate, fit_from};
use taper_io::SavedModel;
use taper_report::{Cell, Overfitting, Report, Reproduce, Section, Table, at_work, curves_of, scatter_of};

use super::{fit_model, folder_of, share_steps, study_seed, text_of, unit};
use crate::args::{Fit, Keras};
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::{self, Folder};
use crate::progress::FitProgress;
use crate::resume::Run;
use crate::saved;

pub(crate) fn run(args: &Fit) -> Result<(), Failure> {
    share_steps(args.common.threads)?;
    let model = saved::file_or_experiment(&args.experiment);
    if super::is_model(&model)? {
        return fit_model::run(args, &model);
    }
    refuse_keras_options(&args.keras)?;
    let mut experiment = taper_io::read_experiment(&args.experiment)?;
    let rows = taper_io::read_source(&mut experiment, folder_of(&args.experiment))?;
    let seed = args.common.seed.map_or_else(|| study_seed(&experiment), Seed::new);
    let division = Division::of(&rows, &experiment.data, seed)?;
    let split = division.split(&rows)?;
    let prepared = rows.prepared(&division.train)?;
    crate::memory::check(&experiment.model, &experiment.fit, split.train.rows())?;
    experiment.study = None; // it may be wrong for all that a single training cares
    let mut model = Model::build(&experiment.model, seed).map_err(|error| error.within("model"))?;
    // Both kinds of rows are shown in one figure, so both are measured after the epoch in evaluation mode.
    experiment.fit.measure_train = true;
    taper::Fitting::new(&model, &split.train, Some(&split.test), &experiment.fit, seed)?;
    let warnings = [rows.warnings(), &experiment.warnings(&split)?].concat();
    let (out, holding) = (args.common.folder(&args.experiment, "fit"), Holding::of("fit", &args.experiment));
    let run = Run::of(&out, &experiment, &split, seed);
    let resumed = args.resume.then(|| run.resume(&mut model)).transpose()?;
    let mut folder = Folder::prepare(&out, &holding, args.common.replace)?;
    output::warn(&warnings);

    let (mut state, earlier, log) = run.begin(resumed, &model, &experiment.fit, &folder.file("history.csv"))?;
    let further = FitConfig { epochs: experiment.fit.epochs - state.epoch, ..experiment.fit.clone() };
    let mut progress = FitProgress::new(experiment.fit.epochs, run.keeper(log));
    let history = fit_from(&mut model, &mut state, &split.train, Some(&split.test), &further, seed, &mut progress)?;
    drop(progress);
    let history = match earlier {
        Some(earlier) => history.after(earlier)?,
        None => history,
    };

    let mut scores = serde_json::Map::new();
    let metrics = experiment.fit.metric_names();
    let metrics = || metrics.iter().map(String::as_str);
    let mut table = Table::new(["rows", "loss", "data loss", "penalty"].into_iter().chain(metrics()));
    for (name, rows) in [("train", &split.train), ("test", &split.test)] {
        let measured = evaluate(&model, rows, &experiment.fit)?;
        let mut cells = vec![Cell::text(name)];
        let values = [measured.loss, measured.data_loss, measured.penalty].into_iter().chain(measured.metrics);
        for (key, value) in ["loss", "data_loss", "penalty"].into_iter().chain(metrics()).zip(values) {
            scores.insert(format!("{name}_{key}"), json!(value));
            cells.push(Cell::number(value, 4));
        }
        table = table.row(cells);
    }
    let model_file = folder.file("model.safetensors");
    let saved = SavedModel { prepared, experiment: Some(experiment.clone()), ..SavedModel::from(model) };
    let saved = saved.trained_on(&split.train)?;
    saved.write(&model_file)?;
    let model = &saved.model;

    let verdict = Overfitting::of(&history, "test");
    let lede = match (&history.stop, &verdict) {
        (StopReason::Diverged { epoch, step }, _) => format!(
            "The training diverged: the loss was no finite number at step {step}, in epoch {}. The weights are those of \
             the epoch before.",
            epoch + 1
        ),
        (_, Some(verdict)) => verdict.sentence.clone(),
        (_, None) => "The model was evaluated, not trained.".to_owned(),
    };
    let divided = format!("{}.", division.words());
    let divided = [divided.as_str()].into_iter().chain(unit(&experiment)).collect::<Vec<_>>().join(" ");
    let mut section = Section::new("The training").paragraph(divided.as_str()).table(table.clone());
    if history.epochs() > 0 {
        let caption = "Measured after each epoch, in evaluation mode.";
        section = section.figure("curves", curves_of(&history, "test", metrics().next()).figure(), caption);
    }
    if let Some(scatter) = scatter_of(&split, Some(model))? {
        section = section.figure("boundary", scatter.figure(), "What the model predicts everywhere in the plane.");
    }
    let text = text_of(&args.experiment, &experiment);
    let command = format!("taper fit {} --seed {}", args.experiment.display(), seed.number());
    let sparsity = model.sparsity()?;
    let report = Report::new("A training", &lede)
        .section(section)
        .section(Section::new("What is at work").table(at_work(&sparsity)))
        .reproduce(Reproduce { command, experiment: text });
    folder.write_report(&report)?;

    if args.common.json {
        output::print_json(&json!({
            "stop": history.stop, "epochs": history.epochs(), "rows": division.counts(), "scores": scores,
            "overfitting": verdict, "sparsity": sparsity, "warnings": warnings, "files": folder.written(),
        }))?;
    } else {
        let mut rows = vec![table.head.clone()];
        rows.extend(table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
        output::print(&format!("{}\n{divided}\n{lede}\n\nReport: {}\n", output::columns(&rows), folder.report()))?;
    }
    match history.stop {
        StopReason::Diverged { .. } => Err(Failure::Run(lede)),
        StopReason::Interrupted => Err(Failure::Interrupted(format!(
            "{} of {} epochs are done; the model as it is after them is kept in {}, and {} tells about them. {}",
            history.epochs(),
            experiment.fit.epochs,
            model_file.display(),
            folder.report(),
            run.advice()
        ))),
        _ => run.done(),
    }
}

/// An experiment says for itself what these options say for a model.
fn refuse_keras_options(keras: &Keras) -> Result<(), Failure> {
    let given = [
        ("--data", keras.data.is_some()),
        ("--architecture", keras.architecture.is_some()),
        ("--loss", keras.loss.is_some()),
        ("--optimizer", keras.optimizer.is_some()),
        ("--metrics", keras.metrics.is_some()),
        ("--epochs", keras.epochs.is_some()),
        ("--batch-size", keras.batch_size.is_some()),
        ("--validation-batch-size", keras.validation_batch_size.is_some()),
        ("--no-shuffle", keras.no_shuffle),
        ("--regularization", keras.regularization.is_some()),
        ("--override", keras.r#override),
        ("--drop-penalties", keras.drop_penalties),
        ("--allow-nan", keras.allow_nan),
        ("--history", keras.history.is_some()),
        ("--save", keras.save.is_some()),
        ("--weights", keras.weights.is_some()),
        ("--predictions", keras.predictions.is_some()),
        ("--gradients", keras.gradients.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::Input(format!(
            "{option}: expected only with a model; an experiment file says this itself, and --out names the folder"
        ))),
        None => Ok(()),
    }
}
