//! The program `taper`: arguments, progress, exit codes. Everything else is in the libraries.
//!
//! Exit status: 0 done, 1 the run failed, 2 the input or the command line is wrong, 130 interrupted.

mod args;
mod bench;
mod columns;
mod command;
mod demo;
mod failure;
mod holding;
mod interrupt;
mod memory;
mod output;
mod plain;
mod progress;
mod recipe;
mod reference;
mod resume;
mod saved;
mod terminal;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;

fn main() -> ExitCode {
    let start = Instant::now();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return answer(&error),
    };
    terminal::set_voice(args.quiet, args.verbose);
    interrupt::listen();
    if let Some(bytes) = args.max_memory {
        taper_io::limit_memory(bytes);
    }
    let done = choose_isa().and_then(|()| {
        output::detail(&format!("taper {}, instructions: {}", env!("CARGO_PKG_VERSION"), taper::isa().name()));
        run(&args)
    });
    output::detail(&format!("time: {:.2} s", start.elapsed().as_secs_f64()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}

/// What is said to a command line that is wrong, or that asks for help.
fn answer(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    // What was typed can be of any length, and hold anything.
    if error.use_stderr() && plain::message(&text) != text.trim_end_matches('\n') {
        output::tell(&text);
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// `TAPER_ISA` names an instruction set to keep to: to compare paths, or for the same bits on unequal machines.
fn choose_isa() -> Result<(), Failure> {
    let Some(name) = std::env::var_os("TAPER_ISA") else { return Ok(()) };
    let Some(wanted) = name.to_str().and_then(taper::Isa::named) else {
        let names = taper::Isa::ALL.map(taper::Isa::name).join(", ");
        return Err(Failure::Input(format!("TAPER_ISA: expected one of {names}, got `{}`", name.display())));
    };
    let chosen = taper::force_isa(wanted);
    if chosen != wanted {
        output::note(&format!("note: this machine has no {}; using {}", wanted.name(), chosen.name()));
    }
    Ok(())
}

fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Demo(demo) => demo::run(demo),
        Command::Fit(fit) => command::fit::run(fit),
        Command::Study(study) => command::study::run_command(study),
        Command::Convert(convert) => command::convert::run(convert),
        Command::Choose(choose) => command::choose::run_command(choose),
        Command::Init(init) => command::init::run(init),
        Command::Evaluate(evaluate) => command::evaluate::run(evaluate),
        Command::Predict(predict) => command::predict::run(predict),
        Command::Inspect(inspect) => command::inspect::run(inspect),
        Command::Plan(plan) => command::plan::run(plan),
        Command::Compact(compact) => command::compact::run(compact),
        Command::Lambda(lambda) => command::lambda::run(lambda),
        Command::Data(data) => command::data::run(data),
        Command::Bench(bench) => bench::run(bench),
        Command::Recipe(recipe) => command::recipe::run(recipe),
        Command::Runs(runs) => command::runs::run(runs),
        Command::Trial(trial) => command::trial::run(trial),
        Command::Reference(reference) => command::shell::reference(reference),
        Command::Completions(completions) => command::shell::completions(completions),
        Command::Man(man) => command::shell::man(man),
    }
}
