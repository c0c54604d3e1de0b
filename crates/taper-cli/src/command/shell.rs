//! `taper completions` and `taper man`: what a shell and a reader want to know of the command line.

use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;
use taper::nearest;

use crate::args::{Args, Completions, Man};
use crate::failure::Failure;
use crate::output;

/// The script for a shell, on stdout.
pub(crate) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "taper", &mut script);
    output::print_raw(&script)
}

/// One page on stdout, or all of them as files.
pub(crate) fn man(args: &Man) -> Result<(), Failure> {
    let mut root = Args::command();
    root.build();
    let Some(folder) = &args.out else {
        let command = args.command.iter().try_fold(&root, |command, word| find(command, word))?;
        return output::print_raw(&page(command)?);
    };
    taper_io::check_writable(folder)?;
    let mut pages = 0;
    write_all(&root, &mut |command| {
        pages += 1;
        Ok(taper_io::write_atomic(&folder.join(format!("{}.1", name(command))), &page(command)?)?)
    })?;
    output::note(&format!("{pages} pages: {}", folder.display()));
    Ok(())
}

/// `taper-data-moons`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let written = Page::new(command.clone()).render(&mut page);
    written.map_err(|error| Failure::Run(error.to_string()))?;
    Ok(page)
}

fn inner(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| inner.get_name() != "help")
}

fn write_all(command: &Command, write: &mut dyn FnMut(&Command) -> Result<(), Failure>) -> Result<(), Failure> {
    write(command)?;
    inner(command).try_for_each(|inner| write_all(inner, write))
}

fn find<'a>(command: &'a Command, word: &str) -> Result<&'a Command, Failure> {
    inner(command).find(|inner| inner.get_name() == word).ok_or_else(|| {
        let names: Vec<&str> = inner(command).map(Command::get_name).collect();
        let expected =
            if names.is_empty() { "no word behind it".to_owned() } else { format!("one of {}", names.join(", ")) };
        let complaint = taper::Complaint::new(name(command).replace('-', " "), expected, format!("`{word}`"));
        let complaint = match nearest(word, names) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint,
        };
        taper::Error::from(complaint).into()
    })
}
