//! Dates, and spans of days.

use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::First;
use super::cell::{Moment, Token, tokens};

/// What a cell tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Times of one day, or how long.
    Clock,
    Day,
    Week,
    Month,
    Quarter,
    HalfYear,
}

/// The days from 1970-01-01 to a date or the beginning of a span, and whether they depend on what comes `first`.
pub(crate) fn days(tokens: &[Token<'_>], first: First) -> Option<(i64, Kind, bool)> {
    let parts = parts(tokens)?;
    let open = match parts[..] {
        [Part::Number(a), Part::Number(_), Part::Number(_)] => a.len() <= 2,
        [Part::Month(_), Part::Number(_)] => true,
        _ => false,
    };
    of_parts(&parts, first).map(|(days, kind)| (days, kind, open))
}

fn of_parts(parts: &[Part<'_>], first: First) -> Option<(i64, Kind)> {
    let date = |year: Year, month: i64, day: i64| {
        Some((since(Date::new(year?, month.try_into().ok()?, day.try_into().ok()?).ok()?), Kind::Day))
    };
    let span = |year: Year, months: i64, number: i64, kind| {
        let good = (1..=12 / months).contains(&number);
        let month = good.then_some((number - 1) * months + 1)?;
        date(year, month, 1).map(|(days, _)| (days, kind))
    };
    match *parts {
        [Part::Number(y), Part::Number(m), Part::Number(d)] if y.len() == 4 => date(y.year(), m.small()?, d.small()?),
        [Part::Number(a), Part::Number(b), Part::Number(c)] if a.len() <= 2 => match first {
            First::Day => date(c.year(), b.small()?, a.small()?),
            First::Month => date(c.year(), a.small()?, b.small()?),
            First::Year if a.len() == 2 && c.len() <= 2 => date(a.year(), b.small()?, c.small()?),
            First::Year => None,
        },
        [Part::Number(d), Part::Month(m), Part::Number(y)] if d.len() <= 2 => date(y.year(), m, d.small()?),
        [Part::Month(m), Part::Number(d), Part::Number(y)] => date(y.year(), m, d.small()?),
        [Part::Number(y), Part::Month(m), Part::Number(d)] if y.len() == 4 => date(y.year(), m, d.small()?),
        [Part::Number(y), Part::Month(m)] | [Part::Month(m), Part::Number(y)] if y.len() == 4 => {
            span(y.year(), 1, m, Kind::Month)
        }
        // `Jan-26`: the 26th, or 2026? All cells say together; a day without its year orders nothing.
        [Part::Month(m), Part::Number(y)] if y.len() == 2 => match first {
            First::Day => date(Some(2000), m, y.small()?),
            First::Month | First::Year => span(y.year(), 1, m, Kind::Month),
        },
        [Part::Number(y), Part::Number(m)] if y.len() == 4 && m.len() <= 2 => {
            span(y.year(), 1, m.small()?, Kind::Month)
        }
        [Part::Number(m), Part::Number(y)] if y.len() == 4 => span(y.year(), 1, m.small()?, Kind::Month),
        [Part::Number(y), Part::Number(day)] if y.len() == 4 && day.len() == 3 => {
            let day: i64 = day.0.parse().ok()?;
            let start = Date::new(y.year()?, 1, 1).ok()?;
            (1..=i64::from(start.days_in_year())).contains(&day).then(|| (since(start) + day - 1, Kind::Day))
        }
        [Part::Number(Digits(packed))] if packed.len() == 8 => {
            let (y, m, d) = (Digits(&packed[..4]), Digits(&packed[4..6]), Digits(&packed[6..]));
            date(y.year(), m.small()?, d.small()?)
        }
        [Part::Number(y), Part::Letter(letter), Part::Number(n)]
        | [Part::Letter(letter), Part::Number(n), Part::Number(y)]
        | [Part::Number(n), Part::Letter(letter), Part::Number(y)]
            if matches!(y.len(), 2 | 4) && (n.len() <= 2 || letter == 'w') =>
        {
            match letter {
                'q' if n.len() == 1 => span(y.year(), 3, n.small()?, Kind::Quarter),
                'h' | 's' if n.len() == 1 => span(y.year(), 6, n.small()?, Kind::HalfYear),
                'm' => span(y.year(), 1, n.small()?, Kind::Month),
                'w' => week(y, n, None),
                _ => None,
            }
        }
        [Part::Number(y), Part::Letter('w'), Part::Number(n), Part::Number(day)] => week(y, n, Some(day)),
        _ => None,
    }
}

type Year = Option<i16>;

/// A week of ISO 8601, or a day of one: `05`, `05` and `1`, or `051`.
fn week(year: Digits<'_>, number: Digits<'_>, day: Option<Digits<'_>>) -> Option<(i64, Kind)> {
    let (number, day) = match (number.0.len(), day) {
        (3, None) => (Digits(&number.0[..2]), Some(Digits(&number.0[2..]))),
        (_, day) => (number, day),
    };
    let weekday = match day {
        Some(day) => Weekday::from_monday_one_offset(day.small()?.try_into().ok()?).ok()?,
        None => Weekday::Monday,
    };
    let date = ISOWeekDate::new(year.year()?, number.small()?.try_into().ok()?, weekday).ok()?.date();
    Some((since(date), if day.is_some() { Kind::Day } else { Kind::Week }))
}

fn since(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

#[derive(Debug, Clone, Copy)]
struct Digits<'a>(&'a str);

impl Digits<'_> {
    fn len(self) -> usize {
        self.0.len()
    }

    /// A day, a month, a week.
    fn small(self) -> Option<i64> {
        (self.len() <= 2).then(|| self.0.parse().ok())?
    }

    /// Four digits; or two, those from 69 of the century before, as POSIX has it.
    fn year(self) -> Year {
        let number: i16 = self.0.parse().ok()?;
        match self.len() {
            4 => Some(number),
            2 => Some(number + if number < 69 { 2000 } else { 1900 }),
            _ => None,
        }
    }
}

/// A part of a date that says something.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Number(Digits<'a>),
    Month(i64),
    /// A quarter, a half year, a week, a month.
    Letter(char),
}

/// The parts of a date, without what stands between them and without its day of the week.
fn parts<'a>(tokens: &[Token<'a>]) -> Option<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Number(digits) => parts.push(Part::Number(Digits(digits))),
            Token::Mark(' ' | '-' | '/' | '.' | ',' | ':' | '_' | '\u{a0}') => {}
            Token::Mark(_) => return None,
            Token::Word(word) => {
                let word = word.to_ascii_lowercase();
                let ordinal = at > 0
                    && matches!(tokens[at - 1], Token::Number(_))
                    && matches!(word.as_str(), "st" | "nd" | "rd" | "th");
                if let Some(month) = month(&word) {
                    parts.push(Part::Month(month));
                } else if let [letter @ (b'q' | b'w' | b'h' | b's' | b'm')] = word.as_bytes() {
                    parts.push(Part::Letter(char::from(*letter)));
                } else if !ordinal && !is_weekday(&word) {
                    return None;
                }
            }
        }
    }
    Some(parts)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The number of a month by its name, or the first three letters of it.
fn month(word: &str) -> Option<i64> {
    let is = |name: &&str| word == *name || word == &name[..3] || (word == "sept" && *name == "september");
    MONTHS.iter().position(is).map(|at| at as i64 + 1)
}

fn is_weekday(word: &str) -> bool {
    WEEKDAYS.iter().any(|name| word == *name || word == &name[..3]) || ["tues", "thur", "thurs"].contains(&word)
}

/// Whether a number is a month and its year with a point between them.
pub(crate) fn is_month_and_year(text: &str) -> bool {
    match tokens(text)[..] {
        [Token::Number(month), Token::Mark('.'), Token::Number(year)] => {
            let century = year.len() == 4 && (year.starts_with("19") || year.starts_with("20"));
            century && month.len() <= 2 && (1..=12).contains(&month.parse().unwrap_or(0))
        }
        _ => false,
    }
}

/// A year with a point and a month.
pub(crate) fn year_and_month(text: &str) -> Option<Moment> {
    match tokens(text)[..] {
        [Token::Number(year), Token::Mark('.'), Token::Number(month)] if year.len() == 4 && month.len() <= 2 => {
            super::cell::moment(text, First::Year)
        }
        _ => None,
    }
}

/// Whether points stand between the numbers of a date.
pub(crate) fn has_points(text: &str) -> bool {
    matches!(tokens(text)[..], [Token::Number(_), Token::Mark('.'), Token::Number(_), Token::Mark('.'), ..])
}
