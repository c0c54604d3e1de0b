//! Names that files of different kinds spell differently.

use std::collections::HashMap;

/// What a word says that means yes or no, as programs write it: `True`, `false`, `TRUE`.
///
/// # Example
///
/// ```
/// use taper::table::truth;
///
/// assert_eq!((truth("True"), truth("FALSE"), truth("yes")), (Some(true), Some(false), None));
/// ```
#[must_use]
pub fn truth(name: &str) -> Option<bool> {
    match name {
        _ if name.eq_ignore_ascii_case("true") => Some(true),
        _ if name.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// For each name the position of the known name that is the same: as text, else as truth value or as number. A table may come as
/// CSV once and as Parquet the next time, which write `True`, `1` and `1.0` of the same cell.
pub(crate) fn find<'a>(known: &[String], names: impl Iterator<Item = &'a String>) -> Vec<Option<usize>> {
    let exact: HashMap<&str, usize> = known.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let truths = known.iter().all(|name| truth(name).is_some());
    let mut other: HashMap<String, Option<usize>> = HashMap::new();
    for (at, name) in known.iter().enumerate() {
        // Names that differ in spelling alone are told apart by it.
        other.entry(plain(name, truths)).and_modify(|at| *at = None).or_insert(Some(at));
    }
    let bits = !truths && known.iter().all(|name| matches!(plain(name, false).as_str(), "0" | "1"));
    let spelled = |name: &String| {
        let plain = match truth(name) {
            Some(truth) if bits => u8::from(truth).to_string(),
            _ => plain(name, truths),
        };
        other.get(&plain).copied().flatten()
    };
    names.map(|name| exact.get(name.as_str()).copied().or_else(|| spelled(name))).collect()
}

/// One spelling of all that mean the same; numbers are truth values among such.
fn plain(name: &str, truths: bool) -> String {
    if let Some(truth) = truth(name) {
        return truth.to_string();
    }
    let digits = name.strip_prefix(['-', '+']).unwrap_or(name);
    let plain = match digits.split_once('.') {
        Some((whole, fraction)) if is_digits(whole) && is_digits(fraction) => {
            name.trim_end_matches('0').trim_end_matches('.')
        }
        _ => name,
    };
    match plain {
        "0" | "1" if truths => (plain == "1").to_string(),
        _ => plain.to_owned(),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(known: &[&str], names: &[&str]) -> Vec<Option<usize>> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        find(&owned(known), owned(names).iter())
    }

    #[test]
    fn the_same_cell_is_found_in_the_spelling_of_another_program() {
        assert_eq!(
            found(&["False", "True"], &["true", "FALSE", "1", "0.0", "yes"]),
            [Some(1), Some(0), Some(1), Some(0), None]
        );
        assert_eq!(found(&["0", "1"], &["True", "false", "1.0"]), [Some(1), Some(0), Some(1)]);
        assert_eq!(found(&["1.0", "2.0", "10"], &["1", "2.00", "10.0", "3"]), [Some(0), Some(1), Some(2), None]);
        assert_eq!(found(&["1.5", "-2"], &["1.50", "-2.0", "2"]), [Some(0), Some(1), None]);
    }

    #[test]
    fn names_that_differ_stay_different() {
        assert_eq!(found(&["007", "7"], &["7", "7.0", "07"]), [Some(1), Some(1), None]);
        assert_eq!(found(&["True", "true"], &["true", "TRUE"]), [Some(1), None]);
        assert_eq!(found(&["a", "True"], &["1", "A"]), [None, None]);
    }
}
