//! Where rows come from and what is done to them before a model sees them.

use serde::{Deserialize, Serialize};

use crate::data::{make_blobs, make_circles, make_moons};
use crate::spelling::is_default;
use crate::{Complaint, Complaints, Result, spelling};

/// Where the rows come from and how they are split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `"moons"`, `"circles"`, `"blobs"`, `"utterances"`, `"digits"`, `"sunspots"`, `"sonnets"`, or the path of a file.
    pub source: String,
    /// Rows to generate, by default 100; of what is built in, the first so many, by default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Standard deviation of the noise of moons, circles and utterances. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Inner over outer radius of the circles. Default: 0.8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The columns of a table that are inputs (default: all but those with another part), or how many features blobs have
    /// (default: 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// Centers of the blobs. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centers: Option<usize>,
    /// Standard deviation of the blobs. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_std: Option<f64>,
    /// scikit-learn's seed of generated rows; of others, the seed of the share that `test` draws. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u32>,
    /// Steps of a series (sunspots, sonnets) that the next one is to be told from. Default: 24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// The target column of a table. Default: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Columns of a table that are left alone: neither read nor judged. Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclude: Vec<String>,
    /// Columns of a table whose cells are names of categories although they look like numbers. Columns of text always are. Default: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub one_hot: Vec<String>,
    /// The column of a table that says which rows belong together: they are never divided between training and test. Default:
    /// none, each row is on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The column of a table that orders rows by time (numbers, dates or times, however they are written): no row is then
    /// predicted from later ones. Default: none, rows have no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The column of a table whose values every fold holds in the same shares. Default: the classes, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratify: Option<String>,
    /// What a feature's empty cell means. Default: a mistake.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: Missing,
    /// Whether a column with imputed cells gets a second one that says which they were. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_indicator: bool,
    /// What a category means that no row for development has. Default: a mistake.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unseen: Unseen,
    /// What a row means that is longer or shorter than the header. Default: a mistake.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ragged: Ragged,
    /// What separates the digits of a fraction: `"."` or `","`. Default: a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// What separates the cells of a row. Default: the one of `,`, `;` and tab that the header has, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// What separates groups of three digits, as in `1,206`: `","`, `"."`, `" "`, `"'"` or `"_"`. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Whether numbers may have a percent sign or a currency, and stand in parentheses if they are negative: `60%` is 60, `$182`
    /// is 182, `(80)` is -80. A column has one unit. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub units: bool,
    /// The words that mean an empty cell, as `["?", "-999"]`. Among numbers the usual ones (`NA`, `NaN`, `null`, `None`, `#N/A`
    /// and others of pandas's) always do; among names they do where nothing is given here. Default: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub na: Option<Vec<String>>,
    /// Whether all rows may be of one class. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_one_class: bool,
    /// Rows that take part in no choice: the path of a second file, or a share of the rows from 0 to 1, drawn at random (by
    /// class, whole groups, or the last of an ordered table). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestRows>,
    /// How many rows train, from the first; the rest test. Default: all that `test` does not take; without it 70 of 100, the first
    /// where there is an order of time, else drawn at random by the seed of the training, of every class its share, whole groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Whether inputs are brought to mean 0 and standard deviation 1, as measured on the training rows. Default: no.
    #[serde(default)]
    pub standardize: bool,
    /// The same for the target, if it is a number; predictions are brought back to its own unit. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub standardize_target: bool,
}

/// Inputs by name, or how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected a list of column names, or how many features blobs have")]
pub enum Features {
    /// How many features blobs have.
    Count(usize),
    /// Columns of a table.
    Names(Vec<String>),
}

/// Where rows that take part in no choice come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected the path of a file, or a share of the rows from 0 to 1")]
pub enum TestRows {
    /// A share of the rows, above 0 and below 1.
    Share(f64),
    /// A file of the same columns.
    File(String),
}

/// What a feature's empty cell means. What is put in its place is measured on training rows alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// A mistake.
    #[default]
    Error,
    /// The row is left out.
    Drop,
    /// The mean of the column; for categories the most frequent one.
    Mean,
    /// The median of the column; for categories the most frequent one.
    Median,
    /// The most frequent value of the column, the smallest of several such.
    MostFrequent,
}

/// What a category means that no row for development has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// A mistake.
    #[default]
    Error,
    /// None of the known ones: zeros.
    Zero,
}

/// What a row means that is longer or shorter than the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ragged {
    /// A mistake.
    #[default]
    Error,
    /// It is left out, and counted.
    Skip,
}

/// The generators, by name.
pub(crate) const GENERATORS: [&str; 4] = ["moons", "circles", "blobs", "utterances"];

impl DataSpec {
    /// Rows from this source, everything else by default.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            samples: None,
            noise: None,
            factor: None,
            features: None,
            centers: None,
            cluster_std: None,
            random_state: None,
            window: None,
            target: None,
            exclude: Vec::new(),
            one_hot: Vec::new(),
            group: None,
            time: None,
            stratify: None,
            missing: Missing::Error,
            missing_indicator: false,
            unseen: Unseen::Error,
            ragged: Ragged::Error,
            decimal: None,
            delimiter: None,
            thousands: None,
            units: false,
            na: None,
            allow_one_class: false,
            test: None,
            train: None,
            standardize: false,
            standardize_target: false,
        }
    }

    /// The sources that need no file.
    pub const SOURCES: [&'static str; 7] = ["moons", "circles", "blobs", "utterances", "digits", "sunspots", "sonnets"];

    /// The endings of tables' files.
    const TABLES: [&'static str; 5] = [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"];

    /// Whether the rows lie in a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        !Self::SOURCES.contains(&self.source.as_str())
    }

    /// Whether the file is a table with named columns, by its ending.
    #[must_use]
    pub fn is_table(&self) -> bool {
        self.is_file() && Self::TABLES.iter().any(|ending| self.source.to_lowercase().ends_with(ending))
    }

    /// Whether something stands for a feature's empty cell.
    pub(crate) fn fills(&self) -> bool {
        !matches!(self.missing, Missing::Error | Missing::Drop)
    }

    /// Whether the rows are stretches of one series, in the order of time.
    #[must_use]
    pub fn is_series(&self) -> bool {
        matches!(self.source.as_str(), "sunspots" | "sonnets")
    }

    /// Whether the rows are generated, not read.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        GENERATORS.contains(&self.source.as_str())
    }

    /// Generates rows in the plane or in space; [`rows`](Self::rows) knows all sources.
    ///
    /// # Errors
    ///
    /// A source that is not moons, circles or blobs, and settings that it cannot use.
    pub fn generate(&self) -> Result<crate::data::Sample> {
        let samples = self.samples.unwrap_or(100);
        let noise = self.noise.unwrap_or(0.0);
        let random_state = self.random_state.unwrap_or(0);
        match self.source.as_str() {
            "moons" => make_moons(samples, noise, random_state),
            "circles" => make_circles(samples, noise, self.factor.unwrap_or(0.8), random_state),
            "blobs" => make_blobs(
                samples,
                match &self.features {
                    None => 2,
                    Some(Features::Count(count)) => *count,
                    Some(Features::Names(_)) => {
                        return Err(Complaint::new("data.features", "how many features", "a list of names").into());
                    }
                },
                self.centers.unwrap_or(3),
                self.cluster_std.unwrap_or(1.0),
                random_state,
            ),
            other => Err(spelling::unknown("source", other, &GENERATORS[..3]).into()),
        }
        .map_err(|error| error.within("data"))
    }

    /// Complains about settings that this source has no use for.
    pub(crate) fn validate(&self) -> Result<()> {
        // A file's name has an ending; what has none was meant as a generator, whose settings cannot be judged.
        let built_in = !self.is_file();
        if !built_in && !self.is_generated() && !self.source.contains('.') {
            return Err(spelling::unknown("source", &self.source, &Self::SOURCES).into());
        }
        let mut complaints = Complaints::new();
        let (generated, table) = (self.is_generated(), self.is_table());
        let noisy = matches!(self.source.as_str(), "moons" | "circles" | "utterances");
        let draws = matches!(self.test, Some(TestRows::Share(_)));
        for (key, given, useful) in [
            ("samples", self.samples.is_some(), built_in),
            ("random_state", self.random_state.is_some(), generated || draws),
            ("noise", self.noise.is_some(), noisy),
            ("factor", self.factor.is_some(), self.source == "circles"),
            ("features", self.features.is_some(), self.source == "blobs" || table),
            ("centers", self.centers.is_some(), self.source == "blobs"),
            ("cluster_std", self.cluster_std.is_some(), self.source == "blobs"),
            ("window", self.window.is_some(), self.is_series()),
            ("target", self.target.is_some(), table),
            ("exclude", !self.exclude.is_empty(), table),
            ("one_hot", !self.one_hot.is_empty(), table),
            ("group", self.group.is_some(), table),
            ("time", self.time.is_some(), table),
            ("stratify", self.stratify.is_some(), table),
            ("missing", self.missing != Missing::Error, table),
            ("missing_indicator", self.missing_indicator, table),
            ("unseen", self.unseen != Unseen::Error, table),
            ("ragged", self.ragged != Ragged::Error, table),
            ("decimal", self.decimal.is_some(), table),
            ("delimiter", self.delimiter.is_some(), table),
            ("thousands", self.thousands.is_some(), table),
            ("units", self.units, table),
            ("na", self.na.is_some(), table),
            ("allow_one_class", self.allow_one_class, table),
            ("standardize_target", self.standardize_target, table),
        ] {
            complaints.check(!given || useful, key, format!("nothing, for the source `{}`", self.source), "a value");
        }
        if table && let Some(Features::Count(count)) = self.features {
            complaints.push(Complaint::new("features", "a list of column names", count));
        }
        if let Some(decimal) = self.decimal {
            complaints.check(matches!(decimal, '.' | ','), "decimal", "`.` or `,`", format!("`{decimal}`"));
        }
        if let Some(delimiter) = self.delimiter {
            let good = delimiter.is_ascii() && !delimiter.is_alphanumeric() && !"\"\r\n.-+\0".contains(delimiter);
            complaints.check(good, "delimiter", "one of `,`, `;`, `|`, a tab or a space", format!("{delimiter:?}"));
        }
        if let Some(thousands) = self.thousands {
            let good = matches!(thousands, ',' | '.' | ' ' | '\'' | '_') && thousands != self.decimal.unwrap_or('.');
            let expected = "`,`, `.`, a space, `'` or `_`, and not the decimal separator";
            complaints.check(good, "thousands", expected, format!("`{thousands}`"));
        }
        match &self.test {
            Some(TestRows::Share(share)) => {
                let good = *share > 0.0 && *share < 1.0;
                complaints.check(good, "test", "a share above 0 and below 1, or a file", share);
                let series = self.is_series();
                complaints.check(!series, "test", format!("nothing, for the source `{}`", self.source), "a share");
            }
            Some(TestRows::File(_)) if built_in => {
                complaints.push(Complaint::new("test", "a share of the rows, for rows that need no file", "a file"));
            }
            _ => {}
        }
        complaints.check(
            self.train.is_none() || self.test.is_none(),
            "train",
            "nothing beside `test`: what does not test trains",
            "a value",
        );
        complaints.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_another_source_are_refused() {
        let data = DataSpec { noise: Some(0.1), factor: Some(0.5), ..DataSpec::new("blobs") };
        let error = data.validate().unwrap_err().to_string();
        assert!(error.contains("noise") && error.contains("factor"), "{error}");
    }
}
