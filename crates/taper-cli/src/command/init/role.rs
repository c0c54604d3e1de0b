//! Which column of the table does what.

use taper::table::{Reading, Wanted, is_index};
use taper::{Complaint, DataSpec};
use taper_io::TableFile;

use super::survey::no_column;
use crate::args::Init;

/// The columns that are read, and those that are not.
pub(super) struct Chosen {
    pub(super) target: String,
    pub(super) wanted: Vec<Wanted>,
    /// Columns that are left out, and why.
    pub(super) excluded: Vec<(String, String)>,
}

impl Chosen {
    /// Whether a column says which rows belong together, or orders them.
    pub(super) fn is_mark(args: &Init, name: &str) -> bool {
        [&args.group, &args.time].into_iter().flatten().any(|other| other == name)
    }
}

/// What the arguments, and the names of the columns, say.
pub(super) fn choose(args: &Init, file: &TableFile, one_hot: &[String]) -> taper::Result<Chosen> {
    let header = file.header();
    let mut spec = DataSpec { target: args.target.clone(), ..DataSpec::new("") };
    (spec.group, spec.time) = (args.group.clone(), args.time.clone());
    let index = file.without_index(&spec).exclude;
    let is_index = |name: &String| is_index(name) || index.contains(name);
    let mut complaints = taper::Complaints::new();
    let last = header.iter().rfind(|name| !is_index(name));
    let target = args.target.clone().or_else(|| last.cloned()).unwrap_or_default();
    let named = [("--target", Some(&target)), ("--group", args.group.as_ref()), ("--time", args.time.as_ref())];
    let named = named.into_iter().filter_map(|(option, name)| Some((option, name?)));
    let lists = [("--exclude", &args.exclude), ("--one-hot", &args.one_hot)];
    let listed = lists.into_iter().flat_map(|(option, names)| names.iter().map(move |name| (option, name)));
    for (option, name) in named.chain(listed) {
        if !header.contains(name) {
            complaints.push(no_column(option, name, header));
        }
    }
    complaints.check(!args.exclude.contains(&target), "--exclude", "not the target", format!("`{target}`"));
    complaints.finish()?;
    let mut excluded: Vec<(String, String)> =
        args.exclude.iter().map(|name| (name.clone(), "as asked".to_owned())).collect();
    let mut wanted = Vec::new();
    for (position, name) in header.iter().enumerate() {
        let marks = Chosen::is_mark(args, name);
        if args.exclude.contains(name) {
            continue;
        }
        if is_index(name) && !marks && *name != target {
            excluded.push((name.clone(), "it numbers or names the rows".to_owned()));
            continue;
        }
        let reading = if marks || one_hot.contains(name) { Reading::Names } else { Reading::Auto };
        wanted.push(Wanted { position, name: name.clone(), reading, complete: marks });
    }
    if wanted.is_empty() {
        return Err(Complaint::new("header", "a column to predict", "none").into());
    }
    Ok(Chosen { target, wanted, excluded })
}
