//! Columns of dates and times, in the order of time however they are written.

mod cell;
mod date;

use self::cell::Moment;
use super::Decimal;

/// Which number of a date comes first, where the numbers alone do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Day,
    Month,
    Year,
}

/// Why texts have no order in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unordered {
    /// These positions: no times, or of another kind than the others.
    Unknown(Vec<usize>),
    /// These positions: they change places with what comes first, day, month or year.
    Ambiguous(Vec<usize>),
}

/// For each text its place in the order of time; equal times share one.
///
/// Numbers are ordered by size. Dates are known in ISO's forms (with weeks, quarters and months, padded or not), with the year last, with
/// English names of months; times of day with or without seconds, fractions, AM or PM, and offset. What the numbers of one
/// cell do not say, all cells say together; a date with points has its day first unless that cannot be.
pub(crate) fn order(texts: &[&str]) -> Result<Vec<u32>, Unordered> {
    let numbers: Option<Vec<Decimal>> = texts.iter().map(|text| Decimal::parse(text)).collect();
    let by_size = numbers.map(|numbers| ranks(&numbers, |a, b| by_size(*a, *b)));
    if let Some(by_size) = by_size.filter(|_| !texts.iter().all(|text| date::is_month_and_year(text))) {
        return month_of_year(texts, by_size);
    }
    let mut found: Vec<(First, Vec<u32>)> = Vec::new();
    for first in [First::Day, First::Month, First::Year] {
        let moments: Option<Vec<Moment>> = texts.iter().map(|text| cell::moment(text, first)).collect();
        if let Some(moments) = moments.filter(|moments| moments.iter().all(|one| one.is_like(&moments[0]))) {
            let ranks = ranks(&moments, |a, b| a.at.cmp(&b.at));
            if moments.iter().all(|moment| !moment.open) {
                return Ok(ranks);
            }
            if found.iter().all(|(_, other)| *other != ranks) {
                found.push((first, ranks));
            }
        }
    }
    let points = texts.iter().all(|text| date::has_points(text));
    match &mut found[..] {
        [] => Err(Unordered::Unknown(strangers(texts))),
        [(_, ranks)] => Ok(std::mem::take(ranks)),
        [(First::Day, ranks), ..] if points => Ok(std::mem::take(ranks)),
        [(_, one), (_, other), ..] => {
            let moved = (0..texts.len()).filter(|i| one[*i] != other[*i]);
            Err(Unordered::Ambiguous(moved.take(2).collect()))
        }
    }
}

/// Numbers like `2026.9` and `2026.10`: years with a fraction, or months of a year?
fn month_of_year(texts: &[&str], by_size: Vec<u32>) -> Result<Vec<u32>, Unordered> {
    let months: Option<Vec<Moment>> = texts.iter().map(|text| date::year_and_month(text)).collect();
    let Some(months) = months else { return Ok(by_size) };
    let by_month = ranks(&months, |a, b| a.at.cmp(&b.at));
    let mut moved = (0..texts.len()).filter(|i| by_month[*i] != by_size[*i]).peekable();
    match moved.peek() {
        None => Ok(by_size),
        // No fraction is written with a nought at its end beside others without.
        Some(_) if texts.iter().any(|text| text.ends_with('0')) => Ok(by_month),
        Some(_) => Err(Unordered::Ambiguous(moved.take(2).collect())),
    }
}

fn by_size(a: Decimal, b: Decimal) -> std::cmp::Ordering {
    match (a.exact(), b.exact()) {
        (Some((a, 0)), Some((b, 0))) => a.cmp(&b),
        _ => a.value().total_cmp(&b.value()),
    }
}

/// For each item its place among the distinct ones.
fn ranks<T>(items: &[T], compare: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<u32> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| compare(&items[*a], &items[*b]));
    let (mut ranks, mut rank) = (vec![0; items.len()], 0);
    for (place, item) in order.iter().enumerate() {
        rank += u32::from(place > 0 && compare(&items[order[place - 1]], &items[*item]).is_ne());
        ranks[*item] = rank;
    }
    ranks
}

/// Two texts that show what is wrong: such that are no times, else such that are of two kinds.
fn strangers(texts: &[&str]) -> Vec<usize> {
    let orders = [First::Day, First::Month, First::Year];
    let known = |text: &str| orders.into_iter().find_map(|first| cell::moment(text, first));
    let mut unknown: Vec<usize> = (0..texts.len()).filter(|i| known(texts[*i]).is_none()).take(2).collect();
    if let [only] = unknown[..] {
        unknown.extend((0..texts.len()).find(|i| *i != only));
    }
    if unknown.is_empty() {
        let kind = known(texts[0]);
        let unlike = |i: &usize| known(texts[*i]).zip(kind).is_none_or(|(one, other)| !one.is_like(&other));
        // If all are of one kind, no order of day and month suits them all.
        let other = (1..texts.len()).find(unlike);
        let clash = || (1..texts.len()).find(|i| cell::moment(texts[*i], First::Day).is_none());
        let clash = |start| other.or_else(clash).or(Some(start)).filter(|other| *other != 0);
        unknown = std::iter::once(0).chain(clash(texts.len().saturating_sub(1))).collect();
    }
    unknown
}

#[cfg(test)]
mod tests;
