//! How a table's cells are written, where that is not how programs write them.

use std::collections::BTreeMap;

use taper::table::{Cells, MISSING, Reading, Table, Wanted};
use taper::{Complaint, DataSpec};
use taper_io::{Left, NumberKeys, TableFile, USUAL_WORDS, means_nothing, number_keys};

use super::role::{self, Chosen};
use crate::args::Init;
use crate::failure::Failure;

/// Of more words than this beside numbers, the others are not looked at.
const MOST_WORDS: usize = 10_000;
/// A share of words among numbers below this is a mistake, which nobody should take for names.
const RARE: f64 = 0.02;

/// A table, how it is to be read, and what was found out about that.
pub(super) struct Read {
    pub(super) table: Table,
    pub(super) spec: DataSpec,
    pub(super) chosen: Chosen,
    pub(super) left: Left,
    pub(super) said: Vec<String>,
}

/// Reads the table; where it cannot be read as it is, its own cells tell what is missing.
pub(super) fn read(args: &Init) -> Result<Read, Failure> {
    let plain = spec_of(args);
    let error = match read_as(args, &plain) {
        Ok((table, chosen, left)) => return Ok(Read { table, spec: plain, chosen, left, said: Vec::new() }),
        Err(error) => error,
    };
    let Some((mut spec, said)) = survey(args, plain)? else { return Err(error) };
    let (table, chosen, left) = read_as(args, &spec)?;
    if args.na.is_empty() {
        // Of the usual words, those that the file has are named beside the others.
        let met = |word: &String| left.words.iter().any(|(_, words)| words.contains(word));
        spec.na.iter_mut().for_each(|na| na.retain(|word| !USUAL_WORDS.contains(&word.as_str()) || met(word)));
    }
    Ok(Read { table, spec, chosen, left, said })
}

/// What the arguments say about how the table is written.
fn spec_of(args: &Init) -> DataSpec {
    DataSpec {
        decimal: args.decimal_comma.then_some(','),
        delimiter: args.delimiter,
        thousands: args.thousands,
        units: args.units,
        na: (!args.na.is_empty()).then(|| args.na.iter().filter(|word| !word.is_empty()).cloned().collect()),
        one_hot: args.one_hot.clone(),
        ..DataSpec::new("")
    }
}

fn read_as(args: &Init, spec: &DataSpec) -> Result<(Table, Chosen, Left), Failure> {
    let file = TableFile::open(&args.data, spec)?;
    let about = |error| taper_io::Error::about(&args.data, error);
    let chosen = role::choose(args, &file, &spec.one_hot).map_err(about)?;
    let (table, left) = file.table(&chosen.wanted, spec)?;
    Ok((table, chosen, left))
}

/// What stands in one column.
#[derive(Default)]
struct Seen {
    numbers: usize,
    texts: BTreeMap<String, usize>,
}

/// The settings with which every column can be read, and a sentence for each; nothing if none were found.
fn survey(args: &Init, mut spec: DataSpec) -> Result<Option<(DataSpec, Vec<String>)>, Failure> {
    let mut file = TableFile::open(&args.data, &spec)?;
    let about = |error: taper::Error| taper_io::Error::about(&args.data, error);
    let chosen = role::choose(args, &file, &spec.one_hot).map_err(about)?;
    let open = |wanted: &&Wanted| wanted.reading == Reading::Auto;
    let wanted: Vec<Wanted> = chosen.wanted.iter().filter(open).cloned().collect();
    let names: Vec<Wanted> =
        wanted.iter().map(|wanted| Wanted { reading: Reading::Names, complete: false, ..wanted.clone() }).collect();
    let mut columns: Vec<Seen> = wanted.iter().map(|_| Seen::default()).collect();
    while let Some(table) = file.next_table(&names)? {
        for (seen, column) in columns.iter_mut().zip(table.columns()) {
            let Cells::Names { levels, codes } = &column.cells else { continue };
            let mut counts = vec![0; levels.len()];
            codes.iter().filter(|code| **code != MISSING).for_each(|code| counts[*code as usize] += 1);
            for (level, count) in levels.iter().zip(counts) {
                if level.parse::<f64>().is_ok() {
                    seen.numbers += count;
                } else if seen.texts.len() < MOST_WORDS || seen.texts.contains_key(level) {
                    *seen.texts.entry(level.clone()).or_default() += count;
                }
            }
        }
    }
    let mut said = Vec::new();
    let mut nothing: Vec<String> = Vec::new();
    let mut written = Vec::new();
    for (wanted, seen) in wanted.iter().zip(&columns) {
        match seen.verdict() {
            Verdict::Plain => {}
            Verdict::Nothing(words) => {
                let cells: usize = words.iter().map(|word| seen.texts[word]).sum();
                said.push(format!(
                    "`{}` in `{}` means an empty cell ({cells} of them)",
                    words.join("`, `"),
                    wanted.name
                ));
                nothing.extend(words);
            }
            Verdict::Written { nothing: words, keys, example } => {
                nothing.extend(words);
                written.push((wanted.name.clone(), keys, example));
            }
            Verdict::Names => {
                said.push(format!("`{}` holds names beside numbers: all its cells are names", wanted.name));
                spec.one_hot.push(wanted.name.clone());
            }
        }
    }
    if let Some(keys) = common(&written, file.has_free_comma()) {
        for (name, _, example) in &written {
            said.push(format!("`{name}` holds numbers written as `{example}`"));
        }
        spec.decimal = if keys.comma { Some(',') } else { spec.decimal };
        spec.thousands = keys.thousands.or(spec.thousands);
        spec.units |= keys.units;
    }
    if !nothing.is_empty() {
        let usual = USUAL_WORDS.iter().filter(|_| args.na.is_empty()).map(ToString::to_string);
        let mut na: Vec<String> = spec.na.take().unwrap_or_default().into_iter().chain(nothing).chain(usual).collect();
        let mut known = std::collections::HashSet::new();
        na.retain(|word| known.insert(word.clone()));
        spec.na = Some(na);
    }
    Ok((!said.is_empty()).then_some((spec, said)))
}

/// What a column needs to be read.
enum Verdict {
    Plain,
    /// These words mean an empty cell.
    Nothing(Vec<String>),
    /// Numbers, written in one of these ways.
    Written {
        nothing: Vec<String>,
        keys: Vec<NumberKeys>,
        example: String,
    },
    /// All cells are names.
    Names,
}

impl Seen {
    fn verdict(&self) -> Verdict {
        let (nothing, words): (Vec<&String>, Vec<&String>) = self.texts.keys().partition(|word| means_nothing(word));
        let nothing: Vec<String> = nothing.into_iter().cloned().collect();
        let keys = number_keys(words.iter().map(|word| word.as_str()));
        match words.first() {
            None if self.numbers == 0 || nothing.is_empty() => Verdict::Plain,
            None => Verdict::Nothing(nothing),
            Some(example) if !keys.is_empty() => Verdict::Written { nothing, keys, example: (*example).clone() },
            Some(_) if self.numbers > 0 => {
                let texts: usize = self.texts.values().sum();
                if (texts as f64) < RARE * (self.numbers + texts) as f64 { Verdict::Plain } else { Verdict::Names }
            }
            Some(_) if words.iter().any(|word| !number_keys([word.as_str()]).is_empty()) => Verdict::Names,
            Some(_) => Verdict::Plain,
        }
    }
}

/// The one way of writing numbers that suits all these columns, if one does and no other might be meant.
fn common(written: &[(String, Vec<NumberKeys>, String)], free_comma: bool) -> Option<NumberKeys> {
    let suits = |all: &NumberKeys| {
        written.iter().all(|(_, ways, _)| {
            ways.iter().any(|way| {
                let grouped = way.thousands.is_none() || way.thousands == all.thousands;
                way.comma == all.comma && grouped && (!way.units || all.units)
            })
        })
    };
    if written.is_empty() {
        return None;
    }
    let candidates = NumberKeys::all();
    let found = candidates.iter().find(|keys| suits(keys))?;
    let doubtful =
        free_comma && found.thousands == Some(',') && candidates.iter().any(|keys| keys.comma && suits(keys));
    (!doubtful).then_some(*found)
}

/// A complaint about an argument that names no column.
pub(super) fn no_column(option: &str, name: &str, header: &[String]) -> Complaint {
    let expected = format!("one of {}", taper::table::list(header));
    let complaint = Complaint::new(option, expected, format!("`{name}`"));
    match taper::nearest(name, header.iter().map(String::as_str)) {
        Some(near) => complaint.help(format!("did you mean `{near}`?")),
        None => complaint,
    }
}
