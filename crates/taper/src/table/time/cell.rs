//! One cell that says when.

use super::First;
use super::date::{self, Kind};

/// A moment, or the beginning of a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Nanoseconds since 1970 began, where the cell's clock shows or, with an offset, everywhere.
    pub(crate) at: i128,
    pub(crate) kind: Kind,
    /// Whether the cell says how far its clock is from UTC.
    pub(crate) offset: bool,
    /// Whether the cell alone does not say what is day, month and year.
    pub(crate) open: bool,
}

impl Moment {
    /// Whether two moments may stand in one column.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.offset == other.offset
    }
}

/// A piece of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Digits.
    Number(&'a str),
    /// Letters.
    Word(&'a str),
    /// Anything else.
    Mark(char),
}

impl Token<'_> {
    /// The value of at most this many digits.
    pub(crate) fn number(&self, digits: usize) -> Option<i64> {
        match self {
            Self::Number(text) if text.len() <= digits => text.parse().ok(),
            _ => None,
        }
    }

    fn is(&self, mark: char) -> bool {
        *self == Self::Mark(mark)
    }

    pub(crate) fn word(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.to_ascii_lowercase()),
            _ => None,
        }
    }
}

/// A cell in pieces.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(&char) -> bool| rest.chars().take_while(is).map(char::len_utf8).sum();
        let (token, length) = if first.is_ascii_digit() {
            let length = run(char::is_ascii_digit);
            (Token::Number(&rest[..length]), length)
        } else if first.is_alphabetic() {
            let length = run(|c| c.is_alphabetic());
            (Token::Word(&rest[..length]), length)
        } else {
            (Token::Mark(first), first.len_utf8())
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

/// What a cell says, if it is a time.
pub(crate) fn moment(text: &str, first: First) -> Option<Moment> {
    const SECOND: i128 = 1_000_000_000;
    let tokens = tokens(text);
    let begin = clock_begin(&tokens);
    let (mut day, rest) = tokens.split_at(begin.unwrap_or(tokens.len()));
    // `T` between date and time is no part of the date.
    if begin.is_some()
        && let [before @ .., Token::Word("T" | "t")] = day
    {
        day = before;
    }
    let Some(clock) = begin.map(|_| Clock::of(rest)) else {
        let (days, kind, open) = date::days(day, first)?;
        return Some(Moment { at: i128::from(days) * 86_400 * SECOND, kind, offset: false, open });
    };
    let clock = clock?;
    let at = i128::from(clock.nanoseconds) - i128::from(clock.offset.unwrap_or(0)) * SECOND;
    let day = [day, clock.year.as_slice()].concat();
    let offset = clock.offset.is_some();
    if day.iter().all(|token| token.is(' ')) {
        return (!offset).then_some(Moment { at, kind: Kind::Clock, offset, open: false });
    }
    let (days, kind, open) = date::days(&day, first)?;
    let whole_day = clock.nanoseconds <= 86_400_000_000_000;
    (kind == Kind::Day && whole_day).then_some(Moment {
        at: i128::from(days) * 86_400 * SECOND + at,
        kind,
        offset,
        open,
    })
}

/// Where a time of day begins: digits, a colon, two digits; or behind a `T` four or six digits.
fn clock_begin(tokens: &[Token<'_>]) -> Option<usize> {
    let colons = |at: usize| match tokens.get(at..at + 3)? {
        [hour, Token::Mark(':'), Token::Number(minute)] => {
            (minute.len() == 2 && hour.number(if at == 0 { 4 } else { 2 }).is_some()).then_some(())
        }
        _ => None,
    };
    // A date may have colons too.
    let from = match tokens {
        [Token::Number(year), Token::Mark(':'), Token::Number(_), Token::Mark(':'), Token::Number(_), rest @ ..]
            if year.len() == 4 && !rest.is_empty() =>
        {
            5
        }
        [Token::Number(year), Token::Mark(':'), ..] if year.len() == 4 => 2,
        _ => 0,
    };
    (from..tokens.len()).find(|at| {
        let packed = *at > 0
            && matches!(tokens[at - 1], Token::Word("T" | "t"))
            && matches!(tokens[*at], Token::Number(digits) if matches!(digits.len(), 4 | 6));
        packed || colons(*at).is_some()
    })
}

/// A time of day, and what stands behind it.
struct Clock<'a> {
    nanoseconds: i64,
    /// Seconds that the clock is ahead of UTC.
    offset: Option<i64>,
    /// A year behind the time, as `ctime` writes it.
    year: Vec<Token<'a>>,
}

impl<'a> Clock<'a> {
    fn of(tokens: &[Token<'a>]) -> Option<Self> {
        let (mut hour, minute, mut rest) = match tokens {
            [Token::Number(digits), rest @ ..] if !matches!(rest, [Token::Mark(':'), ..]) => {
                let part = |from: usize| digits.get(from..from + 2)?.parse::<i64>().ok();
                let seconds = if digits.len() == 6 { part(4)? } else { 0 };
                return Self { nanoseconds: clock(part(0)?, part(2)?, seconds, 0)?, offset: None, year: vec![] }
                    .behind(rest);
            }
            [hour, _, minute, rest @ ..] => (hour.number(4)?, minute.number(2)?, rest),
            _ => return None,
        };
        let (mut second, mut fraction) = (0, 0);
        if let [Token::Mark(':'), seconds @ Token::Number(digits), more @ ..] = rest
            && digits.len() == 2
        {
            (second, rest) = (seconds.number(2)?, more);
            if let [Token::Mark('.' | ','), Token::Number(digits), more @ ..] = rest {
                fraction = format!("{digits:0<9.9}").parse().ok()?;
                rest = more;
            }
        }
        let blank = rest.iter().take_while(|token| token.is(' ')).count();
        if let Some(half) = rest.get(blank).and_then(Token::word).filter(|word| word == "am" || word == "pm") {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if half == "pm" { 12 } else { 0 };
            rest = &rest[blank + 1..];
        }
        Self { nanoseconds: clock(hour, minute, second, fraction)?, offset: None, year: vec![] }.behind(rest)
    }

    /// Adds what stands behind the time: an offset, a year.
    fn behind(mut self, tokens: &[Token<'a>]) -> Option<Self> {
        let blank = tokens.iter().take_while(|token| token.is(' ')).count();
        let (offset, rest) = match &tokens[blank..] {
            [] => return Some(self),
            [word @ Token::Word(_), rest @ ..] => {
                let utc = matches!(word.word().as_deref(), Some("z" | "utc" | "gmt"));
                (utc.then_some(0), rest)
            }
            [Token::Mark(sign @ ('+' | '-' | '\u{2212}')), Token::Number(hours), rest @ ..] => {
                let (hours, minutes, rest) = match rest {
                    [Token::Mark(':'), Token::Number(minutes), rest @ ..] => (*hours, *minutes, rest),
                    _ if hours.len() == 4 => (&hours[..2], &hours[2..], rest),
                    _ => (*hours, "00", rest),
                };
                let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
                let seconds = hours.checked_mul(3600)?.checked_add(minutes * 60)?;
                let good = hours < 26 && minutes < 60;
                (good.then_some(if *sign == '+' { seconds } else { -seconds }), rest)
            }
            [Token::Number(year), ..] if year.len() == 4 => {
                self.year = vec![Token::Mark(' '), tokens[blank]];
                return (tokens.len() == blank + 1).then_some(self);
            }
            _ => return None,
        };
        self.offset = Some(offset?);
        match rest {
            [] => Some(self),
            [Token::Mark(' '), year @ Token::Number(digits)] if digits.len() == 4 => {
                self.year = vec![Token::Mark(' '), *year];
                Some(self)
            }
            // The zone's name beside its offset says nothing more.
            [Token::Mark('['), .., Token::Mark(']')] | [Token::Mark(' '), Token::Mark('('), .., Token::Mark(')')] => {
                Some(self)
            }
            _ => None,
        }
    }
}

/// Nanoseconds since midnight; hours may go on, as those of a span do.
fn clock(hour: i64, minute: i64, second: i64, fraction: i64) -> Option<i64> {
    // A leap second is the 60th.
    let good = hour < 10_000 && minute < 60 && second <= 60;
    good.then(|| ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)
}
