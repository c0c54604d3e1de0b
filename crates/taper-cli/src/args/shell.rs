//! `taper completions`, `taper man` and `taper reference`.

use std::path::PathBuf;

use clap_complete::Shell;

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "For this session of bash" => "taper completions bash > taper.bash && source taper.bash",
    "For every session of fish" => "taper completions fish > ~/.config/fish/completions/taper.fish",
])]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Read about a command" => "taper man choose | man -l -",
    "Install all pages for oneself" => "taper man --out ~/.local/share/man/man1",
])]
pub(crate) struct Man {
    /// The command whose page is printed, as in `data moons` [default: taper itself]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Everything, page by page" => "taper reference | less",
    "The sections about a layer" => "taper reference lstm",
])]
pub(crate) struct Reference {
    /// Only sections with this word in their heading [default: all]
    pub(crate) word: Option<String>,
}
