//! `taper plan`: what a training will do to the weights, before it does.

use std::fmt::Write;

use serde_json::json;
use taper::{Budget, FitConfig, Loss, Model, PlanTensor, Seed, Split, plan};

use super::{folder_of, is_keras};
use crate::args::Plan;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Plan) -> Result<(), Failure> {
    let is_model = args.file.extension().is_some_and(|extension| extension == "safetensors");
    let made = if is_keras(&args.file) {
        let file = taper_io::keras::read_keras(&args.file, &taper_io::keras::ReadOptions::default())?;
        of_model(&file.model, file.fit, args)?
    } else if is_model {
        of_model(&taper_io::read_model(&args.file)?, None, args)?
    } else {
        refuse_model_options(args)?;
        let mut experiment = taper_io::read_experiment(&args.file)?;
        let rows = taper_io::read_source(&mut experiment, folder_of(&args.file))?;
        let split = Split::first(&rows, &experiment.data)?;
        crate::memory::check(&experiment.model, &experiment.fit, split.train.rows())?;
        let seed = Seed::new(experiment.study.as_ref().map_or(1, |study| study.seed));
        let model = Model::build(&experiment.model, seed).map_err(|error| error.within("model"))?;
        plan(&model, &experiment.fit, &Budget { rows: None, data: Some(&split.train) })?
    };
    if args.json {
        output::print_json(&made)?;
    } else {
        output::print(&text(&made))?;
    }
    match made.findings.len() {
        count if args.strict && count > 0 => {
            Err(Failure::Run(format!("{count} finding{}", if count == 1 { "" } else { "s" })))
        }
        _ => Ok(()),
    }
}

/// An experiment says for itself what these options say for a model.
fn refuse_model_options(args: &Plan) -> Result<(), Failure> {
    let given = [
        ("--rows", args.rows.is_some()),
        ("--epochs", args.epochs.is_some()),
        ("--batch-size", args.batch_size.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => {
            Err(Failure::Input(format!("{option}: expected only with a model; an experiment file says this itself")))
        }
        None => Ok(()),
    }
}

/// The plan of a model file, whose compilation says the optimizer, if it is compiled.
fn of_model(model: &Model, fit: Option<FitConfig>, args: &Plan) -> Result<taper::Plan, Failure> {
    let mut fit = fit.unwrap_or_else(|| FitConfig::new(Loss::Mse));
    fit.epochs = args.epochs.unwrap_or(1);
    fit.batch_size = args.batch_size.unwrap_or(fit.batch_size);
    Ok(plan(model, &fit, &Budget { rows: args.rows, data: None })?)
}

fn text(plan: &taper::Plan) -> String {
    let heads = ["Parameter", "Role", "Shape", "Penalty", "Mode", "Memory", "Left", "Penalty : data"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(plan.tensors.iter().map(line));
    let mut text = output::columns(&lines);
    let length = match plan.steps_per_epoch {
        Some(steps) => format!("{} × {steps} = {} steps", plan.epochs, plan.epochs * steps),
        None => "steps of an unknown number; --rows and --epochs tell".to_owned(),
    };
    let _ = writeln!(text, "{} at learning rate {}: {length}", plan.optimizer, plan.learning_rate);
    let _ = writeln!(
        text,
        "Memory: epochs until a weight that the data leave alone is down to 1/e. Left: what remains of it in the end. Penalty : \
         data: the ratio of the gradients' norms before training."
    );
    let unknown = plan.tensors.iter().filter(|tensor| !tensor.penalty.is_empty() && tensor.fraction_left.is_none());
    for tensor in unknown {
        let _ = writeln!(text, "{}: {}", tensor.path, tensor.effect);
    }
    text.push('\n');
    if plan.findings.is_empty() {
        text += "No findings\n";
    }
    for finding in &plan.findings {
        let kind = json!(finding.kind);
        let _ = writeln!(text, "{} ({}): {}", finding.path, kind.as_str().unwrap_or_default(), finding.message);
    }
    text
}

fn line(tensor: &PlanTensor) -> Vec<String> {
    let terms = tensor.penalty.iter().map(|term| match term.lambda_last {
        Some(last) if last == term.lambda => format!("{} {}", term.term, number(last)),
        Some(last) => format!("{} {} → {}", term.term, number(term.lambda), number(last)),
        None => format!("{} from {}", term.term, number(term.lambda)),
    });
    let role = json!(tensor.role).as_str().unwrap_or_default().to_owned();
    let or_dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "–".to_owned());
    let carries = !tensor.penalty.is_empty();
    vec![
        tensor.path.clone(),
        if tensor.trainable { role } else { format!("{role}, frozen") },
        tensor.shape.to_string(),
        or_dash(Some(terms.collect::<Vec<_>>().join(", "))),
        or_dash(tensor.mode.clone()),
        or_dash(tensor.memory_epochs.map(|epochs| format!("{} epochs", number(epochs)))),
        or_dash(tensor.fraction_left.filter(|_| carries).map(|left| format!("{:.1} %", 100.0 * left))),
        or_dash(tensor.gradient_share.map(number)),
    ]
}

/// Three significant digits.
fn number(x: f64) -> String {
    let rounded: f64 = format!("{x:.2e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-3..1e5).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}
