//! How the cells of a table of text are written: what means that there is nothing, and how numbers look.

use std::borrow::Cow;

use taper::DataSpec;

/// The words that mean an empty cell unless something else is said, as pandas has them.
pub const USUAL_WORDS: [&str; 20] = [
    "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "Null", "<NA>", "None", "#N/A", "#N/A N/A", "#NA", "-NaN",
    "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
];
/// Names of currencies that stand beside a number, beside their signs.
const CURRENCIES: [&str; 28] = [
    "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "BRL", "MXN", "ZAR", "RUB", "US$", "A$", "C$", "R$", "kr", "Fr.", "zł", "Kč",
];
/// Signs of currencies.
const SIGNS: [char; 16] = ['$', '€', '£', '¥', '₹', '₩', '₽', '₺', '¢', '฿', '₫', '₪', '₴', '₦', '₱', '₸'];

/// How cells are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wording {
    comma: bool,
    thousands: Option<char>,
    units: bool,
    na: Option<Vec<String>>,
    /// The words of `na` that are numbers.
    none: Vec<f64>,
    /// Whether a comma can be no delimiter, so that one in a number may mean two things.
    pub(crate) free_comma: bool,
}

/// A number as it stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written<'a> {
    /// Digits with a point between them, as programs write them.
    pub(crate) digits: Cow<'a, str>,
    /// `%` or the currency that it is counted in.
    pub(crate) unit: Option<&'a str>,
}

impl Wording {
    /// As the specification says; `free_comma` is whether commas separate no cells.
    pub(crate) fn of(spec: &DataSpec, free_comma: bool) -> Self {
        let none = spec.na.iter().flatten().filter_map(|word| word.parse::<f64>().ok()).collect();
        Self {
            comma: spec.decimal == Some(','),
            thousands: spec.thousands,
            units: spec.units,
            na: spec.na.clone(),
            none,
            free_comma,
        }
    }

    /// Whether a trimmed cell among numbers says that there is nothing: nothing, one of the usual words, or one that was named.
    pub(crate) fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || USUAL_WORDS.contains(&cell) || self.is_named(cell)
    }

    /// Whether a trimmed cell among names says that there is nothing. Where words are named, no others do.
    pub(crate) fn is_missing_name(&self, cell: &str) -> bool {
        cell.is_empty() || self.na.as_ref().map_or_else(|| USUAL_WORDS.contains(&cell), |_| self.is_named(cell))
    }

    /// Whether a cell means nothing among numbers, and itself among names.
    pub(crate) fn is_undecided(&self, cell: &str) -> bool {
        self.na.is_some() && !cell.is_empty() && USUAL_WORDS.contains(&cell) && !self.is_named(cell)
    }

    fn is_named(&self, cell: &str) -> bool {
        self.na.iter().flatten().any(|word| word == cell)
    }

    /// Whether a number stands for nothing.
    #[inline]
    pub(crate) fn is_none(&self, number: f64) -> bool {
        !self.none.is_empty() && self.none.contains(&number)
    }

    /// Whether numbers are written as programs write them, and nothing else.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        !self.comma && self.thousands.is_none() && !self.units
    }

    /// Whether numbers may have units.
    pub(crate) fn has_units(&self) -> bool {
        self.units
    }

    /// The number in a trimmed cell, if it is one. Words like `inf` are none.
    pub(crate) fn number<'a>(&self, cell: &'a str) -> Option<Written<'a>> {
        let (mut body, mut unit, mut negative) = (cell, None, false);
        if self.units {
            (body, unit, negative) = strip(cell)?;
        }
        let first = body.trim_start_matches(['-', '+']).chars().next()?;
        if !(first.is_ascii_digit() || matches!(first, '.' | ',')) || (negative && body.starts_with(['-', '+'])) {
            return None;
        }
        let body = match self.thousands {
            Some(separator) => ungrouped(body, separator, if self.comma { ',' } else { '.' })?,
            None => Cow::Borrowed(body),
        };
        let body = if self.comma { pointed(body)? } else { body };
        let digits = if negative { Cow::Owned(format!("-{body}")) } else { body };
        Some(Written { digits, unit })
    }
}

/// A cell without its unit and its parentheses: `(1,206 $)` is 1,206, `$`, negative.
fn strip(cell: &str) -> Option<(&str, Option<&str>, bool)> {
    let (mut body, mut unit, mut negative) = (cell, None, false);
    // A sign before a unit, as in -$5, stands for all of it; after it, as in $-5, it stays with the number.
    for _ in 0..3 {
        if let Some(inner) = body.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (body, negative) = (inner.trim(), true);
        }
        let cut = unit_of(
            body.strip_prefix(['-', '−']).filter(|rest| unit_of(rest).is_some_and(|cut| cut.0)).unwrap_or(body),
        );
        let Some((front, found)) = cut else { break };
        if unit.is_some() {
            return None;
        }
        if front && let Some(rest) = body.strip_prefix(['-', '−']) {
            if negative {
                return None;
            }
            (body, negative) = (rest, true);
        }
        unit = Some(found);
        body = if front { body[found.len()..].trim_start() } else { body[..body.len() - found.len()].trim_end() };
    }
    (!body.is_empty()).then_some((body, unit, negative))
}

/// The unit that a text begins (`true`) or ends with.
fn unit_of(text: &str) -> Option<(bool, &str)> {
    if let Some(sign) = text.chars().next().filter(|first| SIGNS.contains(first)) {
        return Some((true, &text[..sign.len_utf8()]));
    }
    if let Some(name) = CURRENCIES.iter().find(|name| text.starts_with(**name)) {
        return Some((true, &text[..name.len()]));
    }
    if let Some(name) = CURRENCIES.iter().find(|name| text.ends_with(**name)) {
        return Some((false, &text[text.len() - name.len()..]));
    }
    let sign = text.chars().next_back().filter(|last| SIGNS.contains(last) || matches!(last, '%' | '‰'))?;
    Some((false, &text[text.len() - sign.len_utf8()..]))
}

/// A number without the separators between its groups of three digits; `None` if some stand elsewhere.
fn ungrouped(text: &str, separator: char, decimal: char) -> Option<Cow<'_, str>> {
    let is = |c: char| match separator {
        ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        '\'' => matches!(c, '\'' | '’'),
        other => c == other,
    };
    if !text.contains(is) {
        return Some(Cow::Borrowed(text));
    }
    let whole = text.find([decimal, 'e', 'E']).map_or(text, |end| &text[..end]);
    let rest = &text[whole.len()..];
    let groups: Vec<&str> = whole.trim_start_matches(['-', '+']).split(is).collect();
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.first().is_some_and(|first| matches!(first.len(), 1..=3) && !first.starts_with('0'));
    let last = groups.last().is_some_and(|last| last.len() == 3);
    // India writes 1,20,600.
    let middle = groups[1..].iter().all(|group| matches!(group.len(), 2 | 3));
    let good = first && last && middle && groups.iter().all(|group| digits(group)) && !rest.contains(is);
    good.then(|| Cow::Owned(whole.chars().filter(|c| !is(*c)).chain(rest.chars()).collect()))
}

/// A number with a point where it had a comma; a point of its own makes it none.
fn pointed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if text.contains('.') || text.matches(',').count() > 1 {
        return None;
    }
    Some(if text.contains(',') { Cow::Owned(text.replace(',', ".")) } else { text })
}

/// Which settings would make numbers of all the cells that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fits(u16);

/// Decimal comma, separator of thousands, units; the likelier first.
const SETTINGS: [(bool, Option<char>, bool); 12] = [
    (false, Some(','), false),
    (false, None, true),
    (false, Some(','), true),
    (true, None, false),
    (true, Some('.'), false),
    (false, Some(' '), false),
    (true, Some(' '), false),
    (false, Some('\''), false),
    (true, None, true),
    (true, Some('.'), true),
    (false, Some(' '), true),
    (true, Some(' '), true),
];

/// Keys of the specification that would make numbers of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberKeys {
    /// Whether `decimal = ","`.
    pub comma: bool,
    /// What `thousands` would be.
    pub thousands: Option<char>,
    /// Whether `units = true`.
    pub units: bool,
}

impl NumberKeys {
    /// All ways of writing numbers that are known, the likelier first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        SETTINGS.into_iter().map(|(comma, thousands, units)| Self { comma, thousands, units }).collect()
    }
}

/// The ways of writing in which all these texts are numbers, the likelier first; none without texts.
///
/// # Example
///
/// ```
/// use taper_io::number_keys;
///
/// let keys = number_keys(["1,206", "12,400"]);
/// assert_eq!(keys[0].to_string(), "`thousands = \",\"`");
/// assert!(number_keys(["many"]).is_empty() && number_keys([]).is_empty());
/// ```
#[must_use]
pub fn number_keys<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<NumberKeys> {
    let (mut fits, mut some) = (Fits::default(), false);
    texts.into_iter().for_each(|text| {
        fits.see(text);
        some = true;
    });
    if some { fits.keys().collect() } else { Vec::new() }
}

impl Default for Fits {
    fn default() -> Self {
        Self((1 << SETTINGS.len()) - 1)
    }
}

impl Fits {
    /// No setting: the cells are no numbers however numbers are written.
    pub(crate) fn none() -> Self {
        Self(0)
    }

    /// Leaves out the settings under which this cell is no number.
    pub(crate) fn see(&mut self, cell: &str) {
        if self.0 == 0 {
            return;
        }
        if !cell.bytes().any(|byte| byte.is_ascii_digit()) {
            self.0 = 0;
            return;
        }
        for (bit, (comma, thousands, units)) in SETTINGS.into_iter().enumerate() {
            if self.0 >> bit & 1 == 0 {
                continue;
            }
            let wording = Wording { comma, thousands, units, ..Wording::default() };
            let good = wording.number(cell).is_some_and(|written| written.digits.parse::<f64>().is_ok());
            self.0 &= !(u16::from(!good) << bit);
        }
    }

    /// Leaves out the settings under which some of the others' cells is no number.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0 &= other.0;
    }

    /// All the settings that are left, the likeliest first.
    pub(crate) fn keys(self) -> impl Iterator<Item = NumberKeys> {
        let left = SETTINGS.into_iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1);
        left.map(|(_, (comma, thousands, units))| NumberKeys { comma, thousands, units })
    }

    /// Which keys of the specification would read such a cell, and as what.
    pub(crate) fn advice(self, cell: &str, free_comma: bool) -> Option<String> {
        let mut keys = self.keys();
        let first = keys.next()?;
        let told = |keys: NumberKeys| {
            let wording =
                Wording { comma: keys.comma, thousands: keys.thousands, units: keys.units, ..Wording::default() };
            let read = wording.number(cell).map(|written| written.digits.into_owned()).unwrap_or_default();
            format!("{keys} reads `{}` as {read}", cell.escape_debug())
        };
        // Between 1,206 and 1,206 only the rest of the file can decide: where commas separate cells, they group digits.
        let grouped = first == NumberKeys { comma: false, thousands: Some(','), units: false };
        let other = keys.find(|keys| grouped && free_comma && keys.comma && keys.thousands.is_none() && !keys.units);
        Some(match other {
            Some(other) => format!("{}, {}", told(first), told(other)),
            None => told(first),
        })
    }
}

impl std::fmt::Display for NumberKeys {
    /// As they stand in an experiment: `` `decimal = ","` with `units = true` ``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let comma = self.comma.then(|| "`decimal = \",\"`".to_owned());
        let thousands = self.thousands.map(|separator| format!("`thousands = \"{separator}\"`"));
        let units = self.units.then(|| "`units = true`".to_owned());
        f.write_str(&[comma, thousands, units].into_iter().flatten().collect::<Vec<_>>().join(" with "))
    }
}

/// Whether a word among numbers most likely means that there is nothing: it has no letter and no digit, as `?`, or is what a
/// spreadsheet writes for a mistake, as `#DIV/0!`.
#[must_use]
pub fn means_nothing(word: &str) -> bool {
    let sheet = ["#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#ERROR!", "#N/V", "#NV"];
    let others = ["na", "n.a.", "N.A.", "none", "missing", "Missing", "unknown", "Unknown", "UNKNOWN", "nil", "n.d."];
    !word.chars().any(char::is_alphanumeric) || sheet.contains(&word) || others.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wording: &Wording, cell: &str) -> Option<f64> {
        wording.number(cell)?.digits.parse().ok()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let wording = |comma, thousands, units| Wording { comma, thousands, units, ..Wording::default() };
        for (wording, cases) in [
            (
                wording(false, Some(','), false),
                &[
                    ("1,206", Some(1206.0)),
                    ("-1,234,567.5", Some(-1_234_567.5)),
                    ("12,34,567", Some(1_234_567.0)),
                    ("995", Some(995.0)),
                    ("1,20", None),
                    ("0,125", None),
                    ("1,2345", None),
                    ("1.5,000", None),
                    (",500", None),
                ][..],
            ),
            (
                wording(true, Some('.'), false),
                &[("1.234,5", Some(1234.5)), ("1,5", Some(1.5)), ("1.5", None), ("-1.234", Some(-1234.0))],
            ),
            (
                wording(false, Some(' '), false),
                &[("1 206", Some(1206.0)), ("1\u{202f}206\u{a0}000", Some(1_206_000.0)), ("1 2", None)],
            ),
            (wording(false, Some('\''), false), &[("1'206.5", Some(1206.5)), ("1’206", Some(1206.0))]),
            (
                wording(true, None, false),
                &[("1,5", Some(1.5)), ("1.5", None), ("1,5,5", None), ("1,5e3", Some(1500.0))],
            ),
            (
                wording(false, Some(','), true),
                &[
                    ("60%", Some(60.0)),
                    ("60 %", Some(60.0)),
                    ("-6.5%", Some(-6.5)),
                    ("$182", Some(182.0)),
                    ("-$1,182.50", Some(-1182.5)),
                    ("$-5", Some(-5.0)),
                    ("(80)", Some(-80.0)),
                    ("($80)", Some(-80.0)),
                    ("$(80)", Some(-80.0)),
                    ("12 €", Some(12.0)),
                    ("EUR 12", Some(12.0)),
                    ("US$ 12", Some(12.0)),
                    ("12 kr", Some(12.0)),
                    ("7", Some(7.0)),
                    ("(-5)", None),
                    ("($)", None),
                    ("%", None),
                    ("$5%", None),
                    ("5 kg", None),
                    ("()", None),
                ],
            ),
        ] {
            for (cell, expected) in cases {
                assert_eq!(read(&wording, cell), *expected, "{cell}");
            }
        }
    }

    #[test]
    fn advice_is_what_reads_all_cells() {
        let advice = |cells: &[&str], free| {
            let mut fits = Fits::default();
            cells.iter().for_each(|cell| fits.see(cell));
            fits.advice(cells[0], free)
        };
        assert_eq!(advice(&["1,206", "1,840"], false).unwrap(), "`thousands = \",\"` reads `1,206` as 1206");
        let both = advice(&["1,206", "1,840"], true).unwrap();
        assert!(both.ends_with("1206, `decimal = \",\"` reads `1,206` as 1.206"), "{both}");
        assert_eq!(advice(&["1,206", "1,84"], false).unwrap(), "`decimal = \",\"` reads `1,206` as 1.206");
        assert_eq!(
            advice(&["1.234,5", "2,5"], false).unwrap(),
            "`decimal = \",\"` with `thousands = \".\"` reads `1.234,5` as 1234.5"
        );
        assert_eq!(advice(&["60%", "5%"], false).unwrap(), "`units = true` reads `60%` as 60");
        assert_eq!(advice(&["(80)", "(8)"], false).unwrap(), "`units = true` reads `(80)` as -80");
        assert_eq!(
            advice(&["$1,206", "$5"], false).unwrap(),
            "`thousands = \",\"` with `units = true` reads `$1,206` as 1206"
        );
        assert_eq!(advice(&["60%", "many"], false), None);
    }

    #[test]
    fn words_for_nothing_are_the_usual_ones_or_those_that_are_named() {
        let usual = Wording::default();
        assert!(
            ["", "NA", "#N/A", "null", "None"]
                .into_iter()
                .all(|cell| usual.is_missing(cell) && usual.is_missing_name(cell))
        );
        assert!(!usual.is_missing("?") && !usual.is_missing("#DIV/0!"));
        let named = Wording { na: Some(vec!["?".into()]), ..Wording::default() };
        assert!(named.is_missing("?") && named.is_missing_name("?") && named.is_missing("NA"));
        assert!(!named.is_missing_name("NA") && named.is_undecided("NA"));
        assert!(["?", "-", "--", ".", "#DIV/0!"].into_iter().all(means_nothing));
        assert!(!["a", "3+", "-1", "x?"].into_iter().any(means_nothing));
    }
}
