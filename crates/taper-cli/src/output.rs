//! Results on stdout, files in the output folder.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use taper::Warning;
use taper_report::{Figure, Report};

pub(crate) use crate::columns::columns;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::plain;
use crate::terminal::{self, Voice};

/// Prints text, its lines broken between words where a terminal is narrower.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_raw(terminal::wrap(&plain::visible(text), terminal::stdout_width(), "").as_bytes())
}

/// Prints what somebody else reads: a document, a file, code.
pub(crate) fn print_raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Pipe,
        _ => Failure::Run(format!("stdout: writing failed: {error}")),
    })
}

/// Prints one JSON document.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Run(error.to_string()))?;
    print_raw(format!("{}\n", plain::visible(&text)).as_bytes())
}

/// Says something to the person at the terminal that is not a result.
pub(crate) fn note(text: &str) {
    if terminal::voice() != Voice::Quiet {
        tell(text);
    }
}

/// Says what only somebody who asked for it wants to know.
pub(crate) fn detail(text: &str) {
    if terminal::voice() == Voice::Verbose {
        tell(text);
    }
}

/// Says something on stderr. If stderr is gone there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let text = plain::message(text);
    let _ = writeln!(std::io::stderr().lock(), "{}", terminal::wrap(&text, terminal::stderr_width(), "  "));
}

/// Tells what is odd about an experiment, on stderr.
pub(crate) fn warn(warnings: &[Warning]) {
    warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
}

/// The folder that results go to, and the files written so far.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    written: Vec<String>,
    /// Whether it was not there before.
    new: bool,
}

/// Work that was given up leaves no empty folder behind.
impl Drop for Folder {
    fn drop(&mut self) {
        if self.new && self.written.is_empty() {
            Holding::forget(&self.path);
            let _ = std::fs::remove_dir(&self.path); // which takes empty folders only
        }
    }
}

impl Folder {
    /// Makes the folder for these results, or complains before any work is done: also about another's results in it, which are
    /// removed where that is asked for.
    pub(crate) fn prepare(path: &Path, holding: &Holding, replace: bool) -> Result<Self, Failure> {
        let new = !path.exists();
        holding.claim(path, replace)?;
        taper_io::check_writable(path)?;
        // Told before the work, not after.
        taper_io::refuse_link(&path.join("figure"))?;
        let folder = Self { path: path.to_owned(), written: Vec::new(), new };
        holding.note(path)?;
        Ok(folder)
    }

    /// The place of a file in it, which counts as written from now on.
    pub(crate) fn file(&mut self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        detail(&format!("file: {}", path.display()));
        self.written.push(path.display().to_string());
        path
    }

    /// Writes one file.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path.join(name);
        taper_io::write_atomic(&path, bytes)?;
        self.file(name);
        Ok(())
    }

    /// Writes a JSON file.
    pub(crate) fn write_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Run(error.to_string()))?;
        self.write(name, format!("{text}\n").as_bytes())
    }

    /// Writes a report as page and Markdown, and its figures as SVG and PNG.
    pub(crate) fn write_report(&mut self, report: &Report) -> Result<(), Failure> {
        self.write("report.html", plain::visible(&report.html()?).as_bytes())?;
        self.write("report.md", plain::visible(&report.markdown()).as_bytes())?;
        taper_io::check_own_folder(&self.path.join("figure"))?;
        // Drawing takes longer than writing.
        let draw = |(name, figure): (String, &Figure)| Ok((name, figure.svg(), figure.png()?));
        let drawn: Vec<_> =
            report.figures().into_par_iter().with_max_len(1).map(draw).collect::<Result<_, Failure>>()?;
        for (name, svg, png) in drawn {
            self.write(&format!("figure/{name}.svg"), svg.as_bytes())?;
            self.write(&format!("figure/{name}.png"), &png)?;
        }
        self.sweep_figures();
        Ok(())
    }

    /// Removes the figures of an earlier report that this one has not.
    fn sweep_figures(&self) {
        for path in
            std::fs::read_dir(self.path.join("figure")).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            let is_figure = path.extension().is_some_and(|ending| ending == "svg" || ending == "png");
            if is_figure && !self.written.contains(&path.display().to_string()) {
                // What cannot be removed is in nobody's way.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// What has been written, in order.
    pub(crate) fn written(&self) -> &[String] {
        &self.written
    }

    /// Where the report is.
    pub(crate) fn report(&self) -> String {
        self.path.join("report.html").display().to_string()
    }
}
