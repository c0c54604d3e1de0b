//! Which column of a table does what.

use std::collections::HashSet;

use crate::data_spec::{DataSpec, Features, Missing};
use crate::{Complaint, Complaints, Result};

/// The parts that the columns of a table play in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The inputs, in the order of the file.
    pub features: Vec<String>,
    /// What is to be predicted.
    pub target: String,
    /// What says which rows belong together.
    pub group: Option<String>,
    /// What orders the rows.
    pub time: Option<String>,
    /// What every fold holds in the same shares.
    pub stratify: Option<String>,
    /// Columns that number or name the rows, and are left out because nothing asks for them.
    pub index: Vec<String>,
}

/// Whether a column is an index that a program wrote beside the data: the first one without a name (`Unnamed: 0`, as pandas
/// calls it; written and read again it is `Unnamed: 0.1`).
#[must_use]
pub fn is_index(name: &str) -> bool {
    name == "Unnamed: 0" || name.starts_with("Unnamed: 0.") || is_index_level(name)
}

/// What pandas calls an index without a name in a Parquet file.
fn is_index_level(name: &str) -> bool {
    name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__")).is_some()
}

/// Whether a column has no name in its file.
pub(crate) fn is_nameless(name: &str) -> bool {
    name.strip_prefix("Unnamed: ").is_some_and(|place| place.parse::<usize>().is_ok())
}

/// How a column's cells are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As numbers if all of them are, as names if none of them is.
    Auto,
    /// As numbers.
    Numbers,
    /// As names.
    Names,
}

/// A column that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its position in the file.
    pub position: usize,
    /// Its name.
    pub name: String,
    /// How its cells are to be read.
    pub reading: Reading,
    /// Whether an empty cell is a mistake.
    pub complete: bool,
}

impl Roles {
    /// The parts that `spec` gives to the columns of `header`.
    ///
    /// # Errors
    ///
    /// Names that no column has, and columns with two parts that exclude each other; places are keys of the experiment.
    pub fn of(spec: &DataSpec, header: &[String]) -> Result<Self> {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let known: HashSet<&str> = names.iter().copied().collect();
        let excluded: HashSet<&String> = spec.exclude.iter().collect();
        let mut complaints = Complaints::new();
        let check = |place: &str, name: &str, complaints: &mut Complaints| {
            if !known.contains(name) {
                complaints.push(super::no_column(&format!("data.{place}"), name, &names, &[]));
            }
        };
        let target = spec.target.clone().or_else(|| header.last().cloned()).unwrap_or_default();
        let mut taken = vec![("target", target.as_str())];
        for (key, name) in [("group", &spec.group), ("time", &spec.time)] {
            taken.extend(name.iter().map(|name| (key, name.as_str())));
        }
        for (i, (key, name)) in taken.iter().enumerate() {
            check(key, name, &mut complaints);
            if let Some((other, _)) = taken[..i].iter().find(|(_, other)| other == name) {
                let expected = "a column without another part";
                complaints.push(Complaint::new(format!("data.{key}"), expected, format!("`{name}`, the {other}")));
            }
        }
        spec.stratify.iter().for_each(|name| check("stratify", name, &mut complaints));
        for (key, list) in [("exclude", &spec.exclude), ("one_hot", &spec.one_hot)] {
            list.iter().enumerate().for_each(|(i, name)| check(&format!("{key}[{i}]"), name, &mut complaints));
        }
        let mut index = Vec::new();
        let features: Vec<String> = match &spec.features {
            Some(Features::Names(chosen)) => {
                let mut met = HashSet::new();
                for (i, name) in chosen.iter().enumerate() {
                    let place = format!("features[{i}]");
                    check(&place, name, &mut complaints);
                    let again = !met.insert(name);
                    let part = taken.iter().find(|(_, other)| other == name).map(|(key, _)| format!("the {key}"));
                    let part = part.or_else(|| excluded.contains(name).then(|| "which is excluded".to_owned()));
                    let part = part.or_else(|| again.then(|| "a second time".to_owned()));
                    if let Some(part) = part {
                        let expected = "a column without another part";
                        complaints.push(Complaint::new(format!("data.{place}"), expected, format!("`{name}`, {part}")));
                    }
                }
                {
                    let chosen: HashSet<&String> = chosen.iter().collect();
                    header.iter().filter(|name| chosen.contains(name)).cloned().collect()
                }
            }
            _ => {
                let free =
                    |name: &&String| !excluded.contains(name) && taken.iter().all(|(_, other)| other != &name.as_str());
                let (marks, features): (Vec<_>, Vec<_>) =
                    header.iter().filter(free).cloned().partition(|name| is_index(name));
                index = marks;
                features
            }
        };
        complaints.check(
            !features.is_empty(),
            "header",
            "at least one feature beside the target",
            format!("only `{}`", super::list(header)),
        );
        complaints.finish()?;
        Ok(Self {
            features,
            target,
            group: spec.group.clone(),
            time: spec.time.clone(),
            stratify: spec.stratify.clone(),
            index,
        })
    }

    /// What is to be read of a file with this header, in its order.
    #[must_use]
    pub fn wanted(&self, spec: &DataSpec, header: &[String]) -> Vec<Wanted> {
        let features: HashSet<&String> = self.features.iter().collect();
        let one_hot: HashSet<&String> = spec.one_hot.iter().collect();
        let wanted = |(position, name): (usize, &String)| {
            let is = |role: &Option<String>| role.as_ref() == Some(name);
            let feature = features.contains(name);
            let keys = is(&self.group) || is(&self.time);
            if !feature && !keys && *name != self.target && !is(&self.stratify) {
                return None;
            }
            // What only marks rows is compared, never counted with: as text, it loses no digit.
            let marks = keys || (is(&self.stratify) && !feature && *name != self.target);
            let reading = if marks || one_hot.contains(name) { Reading::Names } else { Reading::Auto };
            // A row without a target teaches nothing: it is left out, and counted.
            let complete =
                *name != self.target && spec.missing != Missing::Drop && (!feature || spec.missing == Missing::Error);
            Some(Wanted { position, name: name.clone(), reading, complete })
        };
        header.iter().enumerate().filter_map(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["id", "a", "b", "when", "y"].map(String::from).to_vec()
    }

    #[test]
    fn every_column_without_another_part_is_a_feature() {
        let spec = DataSpec { exclude: vec!["id".into()], time: Some("when".into()), ..DataSpec::new("t.csv") };
        let roles = Roles::of(&spec, &header()).unwrap();
        assert_eq!((roles.features.join(" "), roles.target.as_str()), ("a b".into(), "y"));
        let read: Vec<_> = roles.wanted(&spec, &header()).into_iter().map(|w| (w.position, w.reading)).collect();
        assert_eq!(read, [(1, Reading::Auto), (2, Reading::Auto), (3, Reading::Names), (4, Reading::Auto)]);
        let header = ["Unnamed: 0", "a", "Unnamed: 2", "y"].map(String::from);
        let roles = Roles::of(&DataSpec::new("t.csv"), &header).unwrap();
        assert_eq!((roles.features.join(" "), roles.index.join(" ")), ("a Unnamed: 2".into(), "Unnamed: 0".into()));
        let asked = DataSpec { features: Some(Features::Names(vec!["Unnamed: 0".into()])), ..DataSpec::new("t.csv") };
        assert_eq!(Roles::of(&asked, &header).unwrap().features, ["Unnamed: 0"]);
    }

    #[test]
    fn what_no_column_is_called_is_told_at_once() {
        let spec = DataSpec {
            target: Some("z".into()),
            group: Some("idd".into()),
            features: Some(Features::Names(vec!["a".into(), "c".into(), "a".into()])),
            ..DataSpec::new("t.csv")
        };
        let error = Roles::of(&spec, &header()).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 4, "{error}");
        assert!(error.contains("data.group: expected one of id, a, b, when, y, got `idd` (did you mean `id`?)"));
    }
}
