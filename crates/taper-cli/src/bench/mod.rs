//! `taper bench`: how fast this machine trains the standard workloads.

mod denormal;
mod growth;
mod moons;
mod peak;
mod step;
mod workload;

use serde_json::{Value, json};
use workload::Workload;

use crate::args;
use crate::command::share_steps;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &args::Bench) -> Result<(), Failure> {
    if args.out.is_some() && !matches!(args.workload, Some(args::Workload::Growth)) {
        let complaint = taper::Complaint::new("--out", "the workload `growth`, which has curves", "another");
        return Err(taper::Error::from(complaint).into());
    }
    share_steps(args.threads)?;
    let peak = peak::gflops();
    let workloads = match args.workload {
        Some(workload) => vec![workload],
        None => args::Workload::STANDARD.to_vec(),
    };
    let mut documents = Vec::new();
    for workload in workloads {
        let mut document = measure(workload)?;
        document["isa"] = json!(taper::isa().name());
        document["threads"] = json!(rayon::current_num_threads());
        document["peak_gflops"] = json!(peak);
        if let Some(gflops) = document["gflops"].as_f64() {
            document["share_of_peak"] = json!(gflops / peak);
        }
        if !args.json {
            output::print(&line(&document))?;
        }
        if let (Some(out), Some(args::Workload::Growth)) = (&args.out, args.workload) {
            let machine = format!("{} threads with {} kernels", document["threads"], taper::isa().name());
            growth::write(&document, &machine, out)?;
        }
        documents.push(document);
    }
    match &documents[..] {
        _ if !args.json => Ok(()),
        [document] => output::print_json(document),
        documents => output::print_json(&documents),
    }
}

fn measure(workload: args::Workload) -> Result<Value, Failure> {
    use args::Workload as Name;
    let steps = match workload {
        Name::Moons => return Ok(moons::one(false)?),
        Name::MoonsHistory => return Ok(moons::one(true)?),
        Name::MoonsGrid => return Ok(moons::grid()?),
        Name::Denormals => return Ok(denormal::measure()?),
        Name::Growth => return Ok(growth::measure()?),
        Name::Mlp => Workload::mlp(),
        Name::Cnn => Workload::cnn(),
        Name::Lstm => Workload::lstm(),
        Name::Gru => Workload::gru(),
        Name::Conv1d => Workload::conv1d(),
        Name::Tabular => Workload::tabular(),
    };
    Ok(step::measure(&steps)?)
}

/// One document in one line.
fn line(document: &Value) -> String {
    let number = |key: &str| document[key].as_f64().unwrap_or(f64::NAN);
    let name = document["workload"].as_str().unwrap_or_default();
    let isa = document["isa"].as_str().unwrap_or_default();
    if name == "growth" {
        return growth::lines(document);
    }
    if name == "denormals" {
        let of = |key: &str| {
            let value = &document[key];
            let number = |key: &str| value[key].as_f64().unwrap_or(f64::NAN);
            format!(
                "{key}: {} epochs to data loss {:.1e}, {:.1} µs per epoch at first, {:.1} at last, slowest / fastest {:.2}",
                value["epochs"],
                number("data_loss"),
                number("us_first"),
                number("us_last"),
                number("worst_to_best"),
            )
        };
        return format!("{}\n{}\n", of("moons_l2_0.1"), of("mlp_to_loss_0"));
    }
    if name.starts_with("moons") {
        return format!(
            "{name}: {:.3} s, {:.2} µs per epoch; test accuracy {:.4}, test data loss {:.4}; kernels: {isa}\n",
            number("seconds"),
            number("us_per_epoch"),
            number("test_accuracy"),
            number("test_data_loss"),
        );
    }
    let mut text = format!(
        "{name}: {:.3} ms per step ({:.3} to {:.3}), {:.0} GFLOP/s, {:.0}% of one core's peak of {:.0}; kernels: {isa}",
        number("seconds") * 1e3,
        number("seconds_min") * 1e3,
        number("seconds_max") * 1e3,
        number("gflops"),
        number("share_of_peak") * 100.0,
        number("peak_gflops"),
    );
    if name == "tabular" {
        text += &format!("; {:.2} s per epoch", number("seconds") * number("steps_per_epoch"));
    }
    text + "\n"
}
