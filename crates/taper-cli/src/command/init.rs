//! `taper init`: an experiment file for a table, with defaults that suit it.

use std::fmt::Write;
use std::path::Path;

use taper::table::{Cells, Numbers, Reading, Table, Wanted};
use taper::{Complaint, DataSpec, Experiment, nearest};
use taper_io::{TableFile, is_stream};

use crate::args::Init;
use crate::failure::Failure;
use crate::output;

/// From so many rows on, a fifth is set aside as a test set; below, outer folds say more.
const ENOUGH_FOR_A_TEST: usize = 1000;
/// Whole numbers of at most so many kinds are classes.
const MOST_CLASSES: usize = 20;

pub(crate) fn run(args: &Init) -> Result<(), Failure> {
    if args.out.exists() && !args.force {
        let complaint = Complaint::new("--out", "a file that is not there yet", args.out.display());
        return Err(taper::Error::from(complaint.help("--force overwrites it")).into());
    }
    let spec = DataSpec { decimal: args.decimal_comma.then_some(','), ..DataSpec::new("") };
    let file = TableFile::open(&args.data, &spec)?;
    let roles = roles(args, &file).map_err(|error| taper_io::Error::about(&args.data, error))?;
    let found = {
        // Gone before the file is read once more below: a large table fits into memory once.
        let (table, _) = file.table(&roles.wanted, &spec)?;
        Found::of(args, &roles, &table).map_err(|error| taper_io::Error::about(&args.data, error))?
    };
    let text = text(args, &found);

    // What is written is read first, by the readers that `taper choose` uses.
    let folder = super::folder_of(&args.out);
    let mut experiment: Experiment = taper_io::parse_experiment(args.out.with_extension("toml"), &text)?;
    taper_io::read_source(&mut experiment, folder)?;
    if !is_stream(&args.out) {
        taper_io::check_writable(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    }
    taper_io::write_atomic(&args.out, text.as_bytes())?;
    if is_stream(&args.out) {
        output::note(&found.sentence(&args.data));
        return Ok(());
    }
    output::print(&format!("{}\n\nNext: taper choose {}\n", found.sentence(&args.data), args.out.display()))
}

/// The columns that are read.
struct Chosen {
    target: String,
    wanted: Vec<Wanted>,
}

fn roles(args: &Init, file: &TableFile) -> taper::Result<Chosen> {
    let mut complaints = taper::Complaints::new();
    let header = file.header();
    let mut spec = DataSpec { target: args.target.clone(), ..DataSpec::new("") };
    (spec.group, spec.time) = (args.group.clone(), args.time.clone());
    let spec = file.without_index(&spec);
    let target = spec.target.unwrap_or_default();
    let named = [("--target", Some(&target)), ("--group", args.group.as_ref()), ("--time", args.time.as_ref())];
    let named = named.into_iter().filter_map(|(option, name)| Some((option, name?)));
    for (option, name) in named.chain(args.exclude.iter().map(|name| ("--exclude", name))) {
        if !header.contains(name) {
            let expected = format!("one of {}", taper::table::list(header));
            let complaint = Complaint::new(option, expected, format!("`{name}`"));
            complaints.push(match nearest(name, header.iter().map(String::as_str)) {
                Some(near) => complaint.help(format!("did you mean `{near}`?")),
                None => complaint,
            });
        }
    }
    complaints.check(!args.exclude.contains(&target), "--exclude", "not the target", format!("`{target}`"));
    complaints.finish()?;
    let wanted = |(position, name): (usize, &String)| {
        let marks = [&args.group, &args.time].into_iter().flatten().any(|other| other == name);
        let reading = if marks { Reading::Names } else { Reading::Auto };
        let complete = marks || *name == target;
        (!args.exclude.contains(name) && !spec.exclude.contains(name)).then(|| Wanted {
            position,
            name: name.clone(),
            reading,
            complete,
        })
    };
    let wanted = header.iter().enumerate().filter_map(wanted).collect();
    Ok(Chosen { target, wanted })
}

/// What the target is.
#[derive(Debug, Clone, PartialEq)]
enum Task {
    Binary,
    Classes(usize),
    Number,
}

/// What was found in the table.
struct Found {
    rows: usize,
    target: String,
    task: Task,
    /// Rows of the smallest class.
    smallest: usize,
    numbers: usize,
    categories: usize,
    inputs: usize,
    missing: bool,
    /// Columns that are left out, and why.
    excluded: Vec<(String, String)>,
}

impl Found {
    fn of(args: &Init, roles: &Chosen, table: &Table) -> taper::Result<Self> {
        let rows = table.rows();
        let mut found = Self {
            rows,
            target: roles.target.clone(),
            task: Task::Number,
            smallest: rows,
            numbers: 0,
            categories: 0,
            inputs: 0,
            missing: false,
            excluded: args.exclude.iter().map(|name| (name.clone(), "as asked".to_owned())).collect(),
        };
        for column in table.columns() {
            let name = &column.name;
            if *name == found.target {
                (found.task, found.smallest) = task(name, &column.cells, rows)?;
                continue;
            }
            if [&args.group, &args.time].into_iter().flatten().any(|other| other == name) {
                continue;
            }
            let missing = (0..rows).filter(|row| column.is_missing(*row)).count();
            let reason = match &column.cells {
                _ if missing == rows => Some("no cell has a value".to_owned()),
                Cells::Numbers(values) if is_counter(name, values) => Some("it numbers the rows".to_owned()),
                Cells::Names { levels, .. } if levels.len() > 1000.min((rows / 2).max(2)) => {
                    Some(format!("{} names in {rows} rows", levels.len()))
                }
                cells if is_constant(cells) && missing == 0 => Some("the same in every row".to_owned()),
                _ => None,
            };
            if let Some(reason) = reason {
                found.excluded.push((name.clone(), reason));
                continue;
            }
            found.missing |= missing > 0;
            found.inputs += usize::from(missing > 0);
            match &column.cells {
                Cells::Numbers(_) => {
                    found.numbers += 1;
                    found.inputs += 1;
                }
                Cells::Names { levels, .. } => {
                    found.categories += 1;
                    found.inputs += levels.len();
                }
            }
        }
        if found.inputs == 0 {
            return Err(Complaint::new(
                "header",
                "at least one column to predict from",
                "none that differs between rows",
            )
            .into());
        }
        Ok(found)
    }

    /// Units of a hidden layer: more weights than rows, within reason.
    fn units(&self) -> usize {
        [32, 64, 128].into_iter().find(|units| units * (self.inputs + units) >= 4 * self.rows).unwrap_or(256)
    }

    fn batch_size(&self) -> usize {
        match self.rows {
            0..=5_000 => 32,
            5_001..=50_000 => 128,
            _ => 1024,
        }
    }

    /// Passes that make some 2,000 steps.
    fn epochs(&self) -> usize {
        (2000 / self.rows.div_ceil(self.batch_size())).clamp(20, 300)
    }

    fn sentence(&self, path: &Path) -> String {
        let target = self.target.escape_debug();
        let task = match self.task {
            Task::Binary => format!("which of two classes `{target}` is"),
            Task::Classes(count) => format!("which of {count} classes `{target}` is"),
            Task::Number => format!("the number `{target}`"),
        };
        format!(
            "{}: {} rows, {} columns of numbers, {} of categories, {} inputs; to predict: {task}",
            path.display(),
            self.rows,
            self.numbers,
            self.categories,
            self.inputs
        )
    }
}

/// What a target column asks for, and the rows of its smallest class.
fn task(name: &str, cells: &Cells, rows: usize) -> taper::Result<(Task, usize)> {
    let place = format!("column `{name}`");
    let counts: Vec<usize> = match cells {
        Cells::Names { levels, codes } => {
            let mut counts = vec![0; levels.len()];
            codes.iter().for_each(|code| counts[*code as usize] += 1);
            if levels.len() > 1000.min((rows / 2).max(2)) {
                let got = format!("{} names in {rows} rows", levels.len());
                return Err(Complaint::new(place, "classes or numbers", got)
                    .help("--target names another column")
                    .into());
            }
            counts
        }
        Cells::Numbers(values) => {
            let mut sorted: Vec<u64> = (0..values.len()).map(|row| values.key(row)).collect();
            sorted.sort_unstable();
            let counts: Vec<usize> = sorted.chunk_by(|a, b| a == b).map(<[u64]>::len).collect();
            let whole = values.iter().all(|value| value.fract() == 0.0);
            let classes = counts.len() == 2 || (whole && counts.len() <= MOST_CLASSES.min(rows / 5));
            if !classes && counts.len() > 1 {
                return Ok((Task::Number, rows));
            }
            counts
        }
    };
    let smallest = counts.iter().copied().min().unwrap_or(0);
    match counts.len() {
        0 | 1 => Err(Complaint::new(place, "a target that differs between rows", "the same in all").into()),
        2 => Ok((Task::Binary, smallest)),
        count => Ok((Task::Classes(count), smallest)),
    }
}

/// Whether a column counts the rows and is called so.
fn is_counter(name: &str, values: &Numbers) -> bool {
    let name = name.to_lowercase();
    let called = ["id", "index", "row", "nr", "no", "number", "unnamed: 0"].contains(&name.as_str())
        || name.ends_with("_id")
        || name.ends_with(" id");
    called && (1..values.len()).all(|row| values.get(row - 1) < values.get(row))
}

fn is_constant(cells: &Cells) -> bool {
    match cells {
        Cells::Numbers(values) => (1..values.len()).all(|row| values.key(row - 1) == values.key(row)),
        Cells::Names { levels, .. } => levels.len() == 1,
    }
}

/// The experiment file.
fn text(args: &Init, found: &Found) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let Found { rows, .. } = found;
    line(format!("# {}.", comment(&found.sentence(&args.data))));
    line("# Written by `taper init`: every line is a default that may be changed. `taper choose` takes the file as it is.".into());
    line(String::new());
    line("[data]".into());
    line(format!("source = {}", quoted(&source(&args.data, &args.out))));
    line(format!("target = {}", quoted(&found.target)));
    if args.decimal_comma {
        line("decimal = \",\"".into());
    }
    if found.excluded.is_empty() {
        line("# exclude = [\"id\"]         # columns that are left out".into());
    } else {
        for (name, reason) in &found.excluded {
            line(format!("# left out: {}: {}", comment(name), comment(reason)));
        }
        let names: Vec<String> = found.excluded.iter().map(|(name, _)| quoted(name)).collect();
        line(format!("exclude = [{}]", names.join(", ")));
    }
    line("# one_hot = [\"zip\"]        # columns of numbers that are names of categories".into());
    match &args.group {
        Some(name) => line(format!("group = {}", quoted(name))),
        None => line(
            "# group = \"patient\"        # rows that belong together are never divided between training and test"
                .into(),
        ),
    }
    match &args.time {
        Some(name) => line(format!("time = {}", quoted(name))),
        None => {
            line("# time = \"date\"            # rows are ordered by it, and none is predicted from later ones".into());
        }
    }
    line("# What follows is measured on training rows alone, in each fold anew, and saved with the model.".into());
    line("standardize = true".into());
    if found.task == Task::Number {
        line(
            "standardize_target = true  # losses are in squared standard deviations: 1 is what the mean would get"
                .into(),
        );
    }
    if found.missing {
        line("missing = \"median\"         # or \"mean\", \"most_frequent\", \"drop\", \"error\"".into());
        line("missing_indicator = true   # one more input for each such column: whether its cell was empty".into());
    }
    line(
        "# unseen = \"zero\"          # a category that no row had counts as none of the known ones, not as a mistake"
            .into(),
    );
    if *rows >= ENOUGH_FOR_A_TEST {
        line("test = 0.2                 # rows that take part in no choice; or a file: test = \"test.csv\"".into());
    } else {
        line(format!("# {rows} rows are too few to set some aside: outer folds judge the choice."));
        line(
            "# test = \"test.csv\"        # rows that take part in no choice, if there are any, or a share: test = 0.2"
                .into(),
        );
    }
    line(String::new());
    line(format!(
        "# Two hidden layers with more weights than needed, so that a penalty has something to do ({} inputs).",
        found.inputs
    ));
    line("[model]".into());
    line("layers = [".into());
    for _ in 0..2 {
        line(format!("  {{ layer = \"dense\", units = {}, activation = \"relu\" }},", found.units()));
    }
    let (output, loss, metrics) = match found.task {
        Task::Binary => ("units = 1, activation = \"sigmoid\"".to_owned(), "binary_crossentropy", "\"accuracy\""),
        Task::Classes(count) => {
            (format!("units = {count}, activation = \"softmax\""), "sparse_categorical_crossentropy", "\"accuracy\"")
        }
        Task::Number => ("units = 1".to_owned(), "mse", "\"mae\""),
    };
    line(format!("  {{ layer = \"dense\", {output} }},"));
    line("]".into());
    line(String::new());
    line("[fit]".into());
    line(format!("loss = \"{loss}\""));
    line(format!("metrics = [{metrics}]"));
    line("optimizer = { name = \"adam\", learning_rate = 0.001 }".into());
    line(format!("epochs = {}                # long enough that a model without penalty overfits", found.epochs()));
    line(format!("batch_size = {}", found.batch_size()));
    line(String::new());
    line("[choose]".into());
    line("penalties = [\"l2\"]        # families to compare; on which weights: kernels".into());
    let folds = if found.task == Task::Number { 5.min(*rows) } else { found.smallest.clamp(2, 5) };
    line(format!("folds = {folds}"));
    line(format!("repeats = {}", if *rows > 100_000 { 1 } else { 10 }));
    line("score = \"data_loss\"".into());
    line("seed = 1".into());
    line("rule = \"min\"               # or \"1se\": the strongest within one standard error of the best".into());
    text
}

/// Where the table is, seen from the experiment file.
fn source(data: &Path, out: &Path) -> String {
    let folder = super::folder_of(out);
    let near = match data.strip_prefix(folder) {
        Ok(rest) if !data.is_absolute() || folder.is_absolute() => Some(rest.to_owned()),
        _ => None,
    };
    let path = near.unwrap_or_else(|| data.canonicalize().unwrap_or_else(|_| data.to_owned()));
    path.display().to_string()
}

/// A text of TOML. JSON's escapes are TOML's, but for one character that TOML wants escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A text that ends no comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_where_the_experiment_lies() {
        assert_eq!(source(Path::new("a/b.csv"), Path::new("a/e.toml")), "b.csv");
        assert_eq!(source(Path::new("a/b.csv"), Path::new("e.toml")), "a/b.csv");
        assert_eq!(source(Path::new("/a/b.csv"), Path::new("e.toml")), "/a/b.csv");
    }

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        for name in ["a\"b", "a\\", "a\nb = 1", "\u{7f}\u{1}", "]\n[fit]", "'''", "é\u{2028}"] {
            let table: toml::Table =
                toml::from_str(&format!("name = {}\n# {}\n", quoted(name), comment(name))).unwrap();
            assert_eq!((table.len(), table["name"].as_str()), (1, Some(name)));
        }
    }
}
