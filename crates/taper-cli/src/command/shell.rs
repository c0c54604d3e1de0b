//! `taper completions`, `taper man` and `taper reference`: what a shell and a reader want to know.

use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;
use taper::nearest;

use crate::args::{Args, Completions, Man, Reference};
use crate::failure::Failure;
use crate::output;
use crate::reference::{INTRODUCTION, sections};

/// The script for a shell, on stdout.
pub(crate) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "taper", &mut script);
    output::print_raw(&script)
}

/// The reference of the experiment file, whole or of one word.
pub(crate) fn reference(args: &Reference) -> Result<(), Failure> {
    let all = sections();
    let Some(word) = &args.word else {
        let text: String =
            all.iter().map(|section| format!("\n## {}\n\n{}\n", section.title, section.body.trim())).collect();
        return output::print_raw(format!("{INTRODUCTION}{text}").as_bytes());
    };
    let word = word.to_lowercase();
    let found: Vec<String> = all
        .iter()
        .filter(|section| section.title.to_lowercase().contains(&word))
        .map(|section| format!("## {}\n\n{}\n", section.title, section.body.trim()))
        .collect();
    if found.is_empty() {
        let words: Vec<String> =
            all.iter().map(|section| section.title.replace(['`', '[', ']'], "").replace("Layer ", "")).collect();
        let expected = format!("a word of a heading, {}", taper::table::list(&words));
        let complaint = taper::Complaint::new("WORD", expected, format!("`{word}`"));
        let complaint = match nearest(&word, words.iter().map(String::as_str)) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint,
        };
        return Err(taper::Error::from(complaint).into());
    }
    output::print_raw(found.join("\n").as_bytes())
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
    // What stands behind the help is examples, and pages have a section for them.
    let page = String::from_utf8(page).map_err(|error| Failure::Run(error.to_string()))?;
    Ok(page.replacen(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n", 1).into_bytes())
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
