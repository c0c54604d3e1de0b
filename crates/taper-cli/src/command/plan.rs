//! `taper plan`: what a training will do to the weights, before it does.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};
use taper::{
    Axis, Budget, Experiment, Finding, FindingKind, FitConfig, Loss, Model, PlanTensor, Seed, Split, candidates, plan,
};

use super::{folder_of, is_keras, is_model, study_seed};
use crate::args::Plan;
use crate::failure::Failure;
use crate::{output, saved};

/// More points than this are not planned one by one: the ends of the axes tell what the rest would.
const MOST_POINTS: usize = 200;

/// A plan for one point of a study, or one candidate of a choice.
#[derive(Serialize)]
struct Point {
    point: Map<String, Value>,
    tensors: Vec<PlanTensor>,
    findings: Vec<Finding>,
}

pub(crate) fn run(args: &Plan) -> Result<(), Failure> {
    let file = saved::file_or_experiment(&args.file);
    let (made, points) = if is_keras(&file) {
        let file = saved::keras(&file, args.architecture.as_deref(), false)?;
        saved::note_not_compiled(&file);
        let fit = file.fit.or_else(|| file.settings.fit_in_part());
        let mut made = of_model(&file.model, fit, args)?;
        let finding = |note: taper_io::keras::Note| Finding {
            kind: FindingKind::PenaltyNeverComputed,
            path: note.layer,
            message: note.message,
        };
        made.findings.extend(file.notes.into_iter().map(finding));
        (made, vec![])
    } else if is_model(&file)? {
        (of_model(&taper_io::read_model(&file)?, None, args)?, vec![])
    } else {
        refuse_model_options(args)?;
        let mut experiment = taper_io::read_experiment(&file)?;
        let rows = taper_io::read_source(&mut experiment, folder_of(&file))?;
        let split = Split::of(&rows, &experiment.data, study_seed(&experiment))?;
        let made = of_experiment(&experiment, &split)?;
        let points = of_points(&experiment, &split, &made)?;
        (made, points)
    };
    if args.json {
        let mut document = serde_json::to_value(&made).map_err(|error| Failure::Run(error.to_string()))?;
        if !points.is_empty() {
            let all = document["findings"].as_array_mut();
            let told = points.iter().flat_map(|point| point.findings.iter().map(move |finding| (point, finding)));
            all.into_iter().for_each(|all| {
                all.extend(told.clone().map(|(point, finding)| {
                    json!({ "kind": finding.kind, "path": finding.path, "message": finding.message, "point": point.point })
                }));
            });
            document["points"] = json!(points);
        }
        output::print_json(&document)?;
    } else {
        output::print(&text(&made, &points))?;
    }
    match made.findings.len() + points.iter().map(|point| point.findings.len()).sum::<usize>() {
        count if args.strict && count > 0 => {
            Err(Failure::Run(format!("{count} finding{}", if count == 1 { "" } else { "s" })))
        }
        _ => Ok(()),
    }
}

fn of_experiment(experiment: &Experiment, split: &Split) -> Result<taper::Plan, Failure> {
    crate::memory::check(&experiment.model, &experiment.fit, split.train.rows())?;
    let seed = Seed::new(experiment.study.as_ref().map_or(1, |study| study.seed));
    let model = Model::build(&experiment.model, seed).map_err(|error| error.within("model"))?;
    Ok(plan(&model, &experiment.fit, &Budget { rows: None, data: Some(&split.train) })?)
}

/// Every point of the study and every candidate of the choice, with the findings that the experiment as it is written has not.
fn of_points(experiment: &Experiment, split: &Split, made: &taper::Plan) -> Result<Vec<Point>, Failure> {
    let mut points: Vec<(Map<String, Value>, Experiment)> = vec![];
    if let Some(study) = experiment.study.as_ref().filter(|study| !study.axes.is_empty()) {
        let trials = study.points().into_iter().zip(experiment.trials()?);
        let many = study.points().len() > MOST_POINTS;
        let is_end =
            |axis: &Axis, value: &Value| axis.values.first() == Some(value) || axis.values.last() == Some(value);
        let is_corner = |point: &Map<String, Value>| study.axes.iter().all(|axis| is_end(axis, &point[&axis.path]));
        points.extend(trials.filter(|(point, _)| !many || is_corner(point)));
    }
    let found = experiment.choose.as_ref().is_some_and(|choose| choose.grid.is_none());
    for (candidate, applied) in candidates(experiment)? {
        let mut point = Map::from_iter([("penalty".to_owned(), json!(candidate.penalty))]);
        if !found {
            point.insert("value".to_owned(), json!(candidate.value));
        }
        points.push((point, applied));
    }
    let mut planned = vec![];
    for (point, experiment) in points {
        let is_candidate = point.contains_key("penalty") && !point.keys().any(|key| key.contains('.'));
        let plan = of_experiment(&experiment, split)?;
        let of_strength = |kind: FindingKind| matches!(kind, FindingKind::TooWeak | FindingKind::TooStrong);
        let is_new = |finding: &Finding| !made.findings.contains(finding);
        // Strengths that are found from the data begin and end where they matter.
        let holds = |finding: &Finding| !(is_candidate && found && of_strength(finding.kind));
        let findings = plan.findings.into_iter().filter(|finding| is_new(finding) && holds(finding)).collect();
        planned.push(Point { point, tensors: plan.tensors, findings });
    }
    Ok(planned)
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

fn text(plan: &taper::Plan, points: &[Point]) -> String {
    let heads = ["Parameter", "Role", "Shape", "Penalty", "Mode", "Memory", "Left", "Penalty : data"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(plan.tensors.iter().map(line));
    let mut text = output::columns(&lines);
    let length = match plan.steps_per_epoch {
        Some(steps) => format!("{} × {steps} = {} steps", plan.epochs, plan.epochs as u128 * steps as u128),
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
    let mut tell = |finding: &Finding, end: &str| {
        let kind = json!(finding.kind);
        let _ = writeln!(text, "{} ({}): {}{end}", finding.path, kind.as_str().unwrap_or_default(), finding.message);
    };
    plan.findings.iter().for_each(|finding| tell(finding, ""));
    for point in points {
        let of = |(path, value): (&String, &Value)| {
            format!("{} = {}", path.rsplit('.').next().unwrap_or(path), value.to_string().trim_matches('"'))
        };
        let at = format!(" (at {})", point.point.iter().map(of).collect::<Vec<_>>().join(", "));
        point.findings.iter().for_each(|finding| tell(finding, &at));
    }
    if plan.findings.is_empty() && points.iter().all(|point| point.findings.is_empty()) {
        text += "No findings\n";
    }
    if !points.is_empty() {
        let _ =
            writeln!(text, "As written, and at {} points of its study or choice (--json has their rows)", points.len());
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
