//! Columns that are put together from parts of a file, and everything that is wrong in them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use taper::Complaint;
use taper::table::{Cells, Column, Decimal, MISSING, Numbers, Reading, Table, Wanted, truth};

use super::Left;
use super::cell::{Cell, looks_numeric};
use super::wording::{Fits, Wording, means_nothing};
use crate::{Error, Result};

/// Most complaints about cells that are told at once.
const MOST_COMPLAINTS: usize = 20;
/// Characters of a cell that a message shows.
const MOST_SAMPLE: usize = 60;
/// Words for an empty cell that are named.
const MOST_WORDS: usize = 8;
/// Words among numbers of which a message may say that they could mean an empty cell.
const FEW_WORDS: usize = 3;

/// Cells of one kind: how many, and the first.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) count: usize,
    first: Option<(usize, String)>,
}

impl Seen {
    pub(crate) fn see(&mut self, row: usize, sample: &str) {
        self.count += 1;
        if self.first.is_none() {
            let mut sample: String = sample.chars().take(MOST_SAMPLE + 1).collect();
            if sample.chars().count() > MOST_SAMPLE {
                sample.pop();
                sample.push('…');
            }
            self.first = Some((row, sample));
        }
    }

    /// Adds what was seen in rows that begin at `base`.
    fn merge(&mut self, other: Self, base: usize) {
        self.count += other.count;
        if self.first.is_none() {
            self.first = other.first.map(|(row, sample)| (base + row, sample));
        }
    }

    /// A complaint about the first, if there is one.
    fn complaint(&self, column: &str, expected: &str) -> Option<Complaint> {
        let (row, sample) = self.first.as_ref()?;
        let sample = match sample.as_str() {
            "" => "an empty cell".to_owned(),
            word if word.eq_ignore_ascii_case("nan") => "NaN".to_owned(),
            word => format!("`{}`", word.escape_debug()),
        };
        let place = format!("row {}, column `{column}`", row + 1);
        Some(Complaint::new(place, expected, format!("{sample} ({} in all)", self.count)))
    }
}

/// Names in the order they are met.
#[derive(Debug, Default)]
struct Names {
    levels: Vec<String>,
    known: HashMap<String, u32>,
    codes: Vec<u32>,
}

impl Names {
    fn code(&mut self, name: &str) -> u32 {
        match self.known.get(name) {
            Some(code) => *code,
            None => {
                let code = self.levels.len() as u32;
                self.levels.push(name.to_owned());
                self.known.insert(name.to_owned(), code);
                code
            }
        }
    }
}

/// The cells of one column in some rows.
#[derive(Debug)]
pub(crate) struct Part {
    reading: Reading,
    wording: Arc<Wording>,
    rows: usize,
    numbers: Numbers,
    names: Option<Names>,
    number: Seen,
    text: Seen,
    missing: Seen,
    infinite: Seen,
    nul: Seen,
    lookalike: Seen,
    /// Words that mean 1 or 0, where numbers are wanted.
    truth: Seen,
    /// Which settings would make numbers of all text.
    fits: Fits,
    /// Words that mean an empty cell; a few.
    words: Vec<String>,
    /// The unit of the numbers, where it was first met.
    unit: Option<(usize, String)>,
    /// Numbers in another unit.
    other_unit: Seen,
    /// Numbers without a unit, but for 0.
    bare: Seen,
}

impl Part {
    fn bytes(&self) -> u128 {
        // A name lies in the list and in the table of names.
        const NAME: usize = 96;
        let names = self.names.as_ref().map_or(0, |names| 4 * names.codes.len() + NAME * names.levels.len());
        let numbers = if self.reading == Reading::Names { 0 } else { size_of::<f64>() * self.rows };
        (numbers + names) as u128
    }

    pub(crate) fn new(reading: Reading, wording: &Arc<Wording>) -> Self {
        Self {
            reading,
            wording: Arc::clone(wording),
            rows: 0,
            numbers: Numbers::default(),
            names: (reading == Reading::Names).then(Names::default),
            number: Seen::default(),
            text: Seen::default(),
            missing: Seen::default(),
            infinite: Seen::default(),
            nul: Seen::default(),
            lookalike: Seen::default(),
            truth: Seen::default(),
            fits: Fits::default(),
            words: Vec::new(),
            unit: None,
            other_unit: Seen::default(),
            bare: Seen::default(),
        }
    }

    /// Adds a cell of text, trimmed.
    #[inline]
    pub(crate) fn push(&mut self, cell: &str) {
        if self.reading == Reading::Names {
            return self.push_name(cell);
        }
        match Cell::of(cell, &self.wording) {
            Cell::Number(number) => {
                if self.wording.has_units() {
                    self.see_unit(cell, number.value());
                }
                self.push_number(number);
            }
            Cell::Missing if self.reading == Reading::Auto && self.wording.is_undecided(cell) => {
                self.missing.see(self.rows, cell);
                self.put_name(cell);
            }
            Cell::Missing => self.push_missing(cell),
            Cell::Infinite => {
                self.infinite.see(self.rows, cell);
                self.put(Numbers::push_missing, MISSING);
            }
            Cell::Text => self.push_text(cell),
        }
    }

    /// Adds a number.
    #[inline]
    fn push_number(&mut self, number: Decimal) {
        self.see_number(number.value());
        self.put(|numbers| numbers.push(number), MISSING);
    }

    #[inline]
    fn see_number(&mut self, value: f64) {
        if self.number.count == 0 {
            self.number.see(self.rows, &value.to_string());
        } else {
            self.number.count += 1;
        }
    }

    /// Adds a number of a file that has types, with what it is called; NaN is an empty cell.
    pub(crate) fn push_typed(&mut self, number: Decimal, name: impl FnOnce() -> String) {
        let value = number.value();
        if value.is_nan() || self.wording.is_none(value) {
            self.push_missing("NaN");
        } else if self.reading == Reading::Names {
            self.push_name(&name());
        } else if value.abs() > f64::from(f32::MAX) {
            self.infinite.see(self.rows, &format!("{value:e}"));
            self.put(Numbers::push_missing, MISSING);
        } else {
            self.push_number(number);
        }
    }

    /// Adds an `f32` of a file that has types; NaN is an empty cell.
    pub(crate) fn push_f32(&mut self, number: f32) {
        if number.is_finite() && self.reading != Reading::Names {
            self.see_number(f64::from(number));
            self.put(|numbers| numbers.push_f32(number), MISSING);
        } else {
            self.push_typed(Decimal::of(f64::from(number)), || number.to_string());
        }
    }

    /// Adds a truth value of a file that has types: the names that Python writes, or 1 and 0 where numbers are wanted.
    pub(crate) fn push_truth(&mut self, value: bool) {
        match self.reading {
            Reading::Numbers => self.push_number(Decimal::whole(i64::from(value))),
            Reading::Auto | Reading::Names => self.push_typed_text(if value { "True" } else { "False" }),
        }
    }

    /// Adds an empty cell.
    pub(crate) fn push_missing(&mut self, cell: &str) {
        self.missing.see(self.rows, cell);
        if !cell.is_empty() {
            self.add_word(cell);
        }
        self.put(Numbers::push_missing, MISSING);
    }

    fn add_word(&mut self, word: &str) {
        if self.words.len() < MOST_WORDS && self.words.iter().all(|known| known != word) {
            self.words.push(word.to_owned());
        }
    }

    /// Notes what a number is counted in.
    fn see_unit(&mut self, cell: &str, number: f64) {
        let Some(written) = self.wording.number(cell) else { return };
        match (written.unit, &self.unit) {
            (Some(unit), None) => self.unit = Some((self.rows, unit.to_owned())),
            (Some(unit), Some((_, known))) if unit != known => self.other_unit.see(self.rows, cell),
            (None, _) if number != 0.0 => self.bare.see(self.rows, cell),
            _ => {}
        }
    }

    /// Adds a name, or an empty cell.
    pub(crate) fn push_name(&mut self, cell: &str) {
        if self.wording.is_missing_name(cell) {
            return self.push_missing(cell);
        }
        if cell.contains('\0') {
            self.nul.see(self.rows, cell);
        }
        self.put_name(cell);
    }

    fn put_name(&mut self, cell: &str) {
        let rows = self.rows;
        let names = self.names.get_or_insert_with(|| Names { codes: vec![MISSING; rows], ..Names::default() });
        let code = names.code(cell);
        self.put(Numbers::push_missing, code);
    }

    /// Adds text of a file that has types: it is never a number, however it looks.
    pub(crate) fn push_typed_text(&mut self, cell: &str) {
        if self.reading != Reading::Names && !self.wording.is_missing_name(cell) {
            self.text.see(self.rows, cell);
            // What the file itself calls text is not written as a number.
            self.fits = Fits::none();
        }
        if self.reading == Reading::Numbers {
            self.put(Numbers::push_missing, MISSING);
        } else {
            self.push_name(cell);
        }
    }

    fn push_text(&mut self, cell: &str) {
        if self.reading == Reading::Numbers
            && let Some(value) = truth(cell)
        {
            self.truth.see(self.rows, cell);
            return self.put(|numbers| numbers.push(Decimal::whole(i64::from(value))), MISSING);
        }
        self.text.see(self.rows, cell);
        self.fits.see(cell);
        if self.reading == Reading::Auto {
            if looks_numeric(cell) {
                self.lookalike.see(self.rows, cell);
            }
            self.push_name(cell);
        } else {
            self.put(Numbers::push_missing, MISSING);
        }
    }

    #[inline]
    fn put(&mut self, add: impl FnOnce(&mut Numbers), code: u32) {
        if self.reading != Reading::Names {
            add(&mut self.numbers);
        }
        if let Some(names) = &mut self.names {
            names.codes.push(code);
        }
        self.rows += 1;
    }
}

/// Columns that grow part by part.
#[derive(Debug)]
pub(crate) struct Gather {
    wanted: Vec<Wanted>,
    wording: Arc<Wording>,
    columns: Vec<Part>,
    rows: usize,
    ragged: Seen,
    cells: usize,
}

impl Gather {
    /// For rows of this many cells.
    pub(crate) fn new(wanted: Vec<Wanted>, cells: usize, wording: &Arc<Wording>) -> Self {
        let columns = wanted.iter().map(|wanted| Part::new(wanted.reading, wording)).collect();
        Self { wanted, wording: Arc::clone(wording), columns, rows: 0, ragged: Seen::default(), cells }
    }

    /// Parts to fill, one per column.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.wanted.iter().map(|wanted| Part::new(wanted.reading, &self.wording)).collect()
    }

    /// Adds the next rows. `ragged` ones were left out; `base` is how many rows stand before in the file.
    pub(crate) fn add(&mut self, parts: Vec<Part>, ragged: Seen, base: usize) {
        self.ragged.merge(ragged, base);
        let rows = parts.first().map_or(0, |part| part.rows);
        for (column, part) in self.columns.iter_mut().zip(parts) {
            column.take(part, base);
        }
        self.rows += rows;
    }

    /// Bytes that the cells take so far.
    pub(crate) fn bytes(&self) -> u128 {
        self.columns.iter().map(Part::bytes).sum()
    }

    /// What is left out.
    pub(crate) fn left(&self) -> Left {
        let named = self.wanted.iter().zip(&self.columns).filter(|(_, part)| !part.words.is_empty());
        let words = named.map(|(wanted, part)| (wanted.name.clone(), part.words.clone())).collect();
        Left { ragged: self.ragged(), words }
    }

    /// How many ragged rows there were.
    pub(crate) fn ragged(&self) -> usize {
        self.ragged.count
    }

    /// The table, or everything that is wrong.
    pub(crate) fn finish(self, path: &Path, skip_ragged: bool) -> Result<Table> {
        let mut complaints = Vec::new();
        if !skip_ragged && let Some((row, got)) = &self.ragged.first {
            let place = format!("row {}", row + 1);
            let got = format!("{got} ({} such rows in all)", self.ragged.count);
            let complaint = Complaint::new(place, format!("{} cells, as the header has", self.cells), got);
            complaints.push(complaint.help("`ragged = \"skip\"` leaves such rows out"));
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (wanted, part) in self.wanted.iter().zip(self.columns) {
            complaints.extend(part.complaints(wanted));
            columns.push(Column { name: wanted.name.clone(), cells: part.cells() });
        }
        if !complaints.is_empty() {
            complaints.truncate(MOST_COMPLAINTS);
            return Err(Error::Content { path: path.to_owned(), complaints });
        }
        if self.rows == 0 {
            return Err(Error::content(path, Complaint::new("", "at least one row below the header", "none")));
        }
        Table::new(columns).map_err(|error| Error::within(path, error))
    }
}

impl Part {
    /// Takes in the cells of the next rows, which begin at `base` in the file.
    fn take(&mut self, other: Self, base: usize) {
        for (seen, more) in [
            (&mut self.number, other.number),
            (&mut self.text, other.text),
            (&mut self.missing, other.missing),
            (&mut self.infinite, other.infinite),
            (&mut self.nul, other.nul),
            (&mut self.lookalike, other.lookalike),
            (&mut self.truth, other.truth),
            (&mut self.other_unit, other.other_unit),
            (&mut self.bare, other.bare),
        ] {
            seen.merge(more, base);
        }
        self.fits.merge(other.fits);
        other.words.iter().for_each(|word| self.add_word(word));
        match (&self.unit, other.unit) {
            (Some((_, known)), Some((row, unit))) if *known != unit => self.other_unit.see(base + row, &unit),
            (None, Some((row, unit))) => self.unit = Some((base + row, unit)),
            _ => {}
        }
        if self.reading != Reading::Names && self.text.count > 0 {
            // Numbers beside text are a mistake, and without any there is nothing to keep of them.
            self.numbers = Numbers::default();
        } else {
            self.numbers.append(other.numbers);
        }
        if let Some(names) = other.names {
            let rows = self.rows;
            let all = self.names.get_or_insert_with(|| Names { codes: vec![MISSING; rows], ..Names::default() });
            let places: Vec<u32> = names.levels.iter().map(|name| all.code(name)).collect();
            let place = |code: &u32| places.get(*code as usize).copied().unwrap_or(MISSING);
            all.codes.extend(names.codes.iter().map(place));
        } else if let Some(names) = &mut self.names {
            names.codes.resize(self.rows + other.rows, MISSING);
        }
        self.rows += other.rows;
    }

    fn complaints(&self, wanted: &Wanted) -> Vec<Complaint> {
        let name = &wanted.name;
        let declare = format!("`one_hot = [\"{name}\"]` takes all cells of the column as names");
        let mut complaints = Vec::new();
        if wanted.complete && !(name.starts_with("Unnamed: ") && self.missing.count == self.rows) {
            let help = "`missing` says what an empty cell means: \"drop\", \"mean\", \"median\" or \"most_frequent\"";
            complaints.extend(self.missing.complaint(name, "a value").map(|complaint| complaint.help(help)));
        }
        complaints.extend(self.infinite.complaint(name, "a finite number that f32 can hold"));
        complaints.extend(self.nul.complaint(name, "text without NUL"));
        if let Some((row, unit)) = &self.unit {
            let expected = format!("a number in `{unit}`, as in row {}", row + 1);
            complaints.extend(self.other_unit.complaint(name, &expected));
            let counts = matches!(unit.as_str(), "%" | "‰");
            complaints.extend(counts.then(|| self.bare.complaint(name, &expected)).flatten());
        }
        // A column of truth values is one of 1 and 0; among numbers they are a mistake.
        if self.reading == Reading::Numbers && self.number.count > 0 {
            complaints.extend(self.truth.complaint(name, "a number"));
        }
        let text = self.text.first.as_ref().map_or("", |(_, text)| text);
        let advice = self.fits.advice(text, self.wording.free_comma);
        let expected = match (self.reading, &self.number.first) {
            (Reading::Names, _) => return complaints,
            (Reading::Auto, Some((row, number))) => format!("a number, as `{number}` in row {}", row + 1),
            (Reading::Auto, None) if advice.is_none() && self.lookalike.count == 0 => return complaints,
            (Reading::Auto, None) => "a number or text that does not look like one".to_owned(),
            (Reading::Numbers, _) => "a number".to_owned(),
        };
        let seen = if self.number.count == 0 && advice.is_none() && self.reading == Reading::Auto {
            &self.lookalike
        } else {
            &self.text
        };
        let advice = advice.or_else(|| self.few().map(|words| format!("`na = [{words}]` reads such cells as empty")));
        let declare = (self.reading == Reading::Auto).then_some(declare);
        let help: Vec<String> = advice.into_iter().chain(declare).collect();
        complaints.extend(seen.complaint(name, &expected).map(|complaint| match help.is_empty() {
            true => complaint,
            false => complaint.help(help.join("; ")),
        }));
        complaints
    }

    /// The few words that stand among numbers, quoted, the usual ones that are met too.
    fn few(&self) -> Option<String> {
        let names = self.names.as_ref().filter(|_| self.number.count > 0)?;
        let few = names.levels.len() <= FEW_WORDS || names.levels.iter().all(|word| means_nothing(word));
        let quoted = |word: &String| serde_json::Value::from(word.as_str()).to_string();
        few.then(|| names.levels.iter().map(quoted).collect::<Vec<_>>().join(", "))
    }

    fn cells(self) -> Cells {
        // Words that mean nothing among numbers are names where there are no numbers.
        let numbers = self.reading != Reading::Names && self.text.count == 0 && self.number.count > 0;
        match self.names.filter(|_| !numbers) {
            Some(names) => Cells::sorted(names.levels, names.codes),
            None => Cells::Numbers(self.numbers.settled()),
        }
    }
}
