//! From the columns of a table to a model's inputs: measured in double, rounded at the end.

use taper::table::{Feature, Prepared};
use taper::{Complaint, Result, Unseen};

use super::proto::{Attribute, Element};
use super::writer::Writer;

/// What a missing string is on its way through Python and tables.
const MISSING: [&str; 4] = ["", "nan", "None", "<NA>"];

/// Columns that have become inputs.
pub(super) struct Columns {
    /// The model's inputs, a row for each row.
    pub(super) x: String,
    /// Which rows have no answer, because a value is missing or unknown that must not be: above 0 in `[rows, 1]`.
    pub(super) refused: Option<String>,
}

/// Declares an input for every column, and turns them into the model's.
pub(super) fn columns(writer: &mut Writer, prepared: &Prepared) -> Result<Columns> {
    let of = |feature: &Feature| if is_number(feature) { Element::Double } else { Element::Text };
    let names: Vec<String> =
        prepared.features.iter().map(|feature| writer.input(feature.name(), of(feature), &[1])).collect();
    let mut parts = Parts::default();
    // Of each feature where its numbers stand among those of all parts.
    let mut places: Vec<Vec<usize>> = vec![vec![]; prepared.features.len()];
    let numbers: Vec<usize> = (0..names.len()).filter(|i| is_number(&prepared.features[*i])).collect();
    if !numbers.is_empty() {
        let inputs: Vec<&str> = numbers.iter().map(|i| names[*i].as_str()).collect();
        let features: Vec<&Feature> = numbers.iter().map(|i| &prepared.features[*i]).collect();
        let indicators = parts.numbers(writer, &inputs, &features);
        for (k, i) in numbers.iter().enumerate() {
            let flag = matches!(prepared.features[*i], Feature::Number { indicator: true, .. });
            places[*i] = std::iter::once(k).chain(indicators.filter(|_| flag).map(|start| start + k)).collect();
        }
    }
    for (i, feature) in prepared.features.iter().enumerate() {
        if let Feature::Category { levels, fill, indicator, unseen, .. } = feature {
            let category = Category { levels, fill: *fill, indicator: *indicator, unseen: *unseen };
            let start = parts.category(writer, &names[i], &category);
            places[i] = (start..start + feature.width()).collect();
        }
    }
    let made: Vec<usize> = places.concat();
    let order: Vec<usize> = match &prepared.kept {
        Some(kept) => kept.iter().map(|input| made[*input]).collect(),
        None => made,
    };
    let refused = parts.refused(writer);
    Ok(Columns { x: parts.inputs(writer, &order), refused })
}

fn is_number(feature: &Feature) -> bool {
    matches!(feature, Feature::Number { .. })
}

/// Brings plain numbers to the scale of the training rows.
pub(super) fn scale(writer: &mut Writer, prepared: &Prepared, x: &str, sizes: &[usize]) -> Result<String> {
    let (mut means, mut scales) = (vec![], vec![]);
    for feature in &prepared.features {
        let Feature::Number { mean, scale, indicator: false, .. } = feature else {
            let expected = "a preparation of plain numbers";
            return Err(Complaint::new("preparation", expected, format!("`{}`", feature.name())).into());
        };
        means.push(*mean);
        scales.push(*scale);
    }
    let exact = writer.cast(x, Element::Double);
    let rounded = standardize(writer, &exact, sizes, &means, &scales);
    Ok(writer.cast(&rounded, Element::Float))
}

fn standardize(writer: &mut Writer, x: &str, sizes: &[usize], means: &[f64], scales: &[f64]) -> String {
    if means.iter().all(|mean| *mean == 0.0) && scales.iter().all(|scale| *scale == 1.0) {
        return x.to_owned();
    }
    let sizes: Vec<usize> = std::iter::once(1).chain(sizes.iter().copied()).collect();
    let (means, scales) = (writer.doubles(&sizes, means), writer.doubles(&sizes, scales));
    let centered = writer.node("Sub", &[x, &means], &[]);
    writer.node("Div", &[&centered, &scales], &[])
}

/// Floats that become inputs, side by side, and what says which rows are refused.
#[derive(Default)]
struct Parts {
    floats: Vec<String>,
    width: usize,
    refusals: Vec<String>,
}

/// A column of words.
struct Category<'a> {
    levels: &'a [String],
    fill: Option<usize>,
    indicator: bool,
    unseen: Unseen,
}

impl Parts {
    fn add(&mut self, part: String, width: usize) -> usize {
        self.floats.push(part);
        self.width += width;
        self.width - width
    }

    /// All columns of numbers together. Returns where their indicators begin, if there are any.
    fn numbers(&mut self, writer: &mut Writer, inputs: &[&str], features: &[&Feature]) -> Option<usize> {
        let count = features.len();
        let side_by_side = [("axis", Attribute::Int(1))];
        let x = if count == 1 { inputs[0].to_owned() } else { writer.node("Concat", inputs, &side_by_side) };
        let (mut means, mut scales, mut fills, mut indicators) = (vec![], vec![], vec![], false);
        for feature in features {
            if let Feature::Number { mean, scale, fill, indicator, .. } = feature {
                means.push(*mean);
                scales.push(*scale);
                fills.push(fill.unwrap_or(f64::NAN));
                indicators |= indicator;
            }
        }
        let missing = writer.node("IsNaN", &[&x], &[]);
        let mut full = x;
        if fills.iter().any(|fill| !fill.is_nan()) {
            let constants = writer.doubles(&[1, count], &fills);
            full = writer.node("Where", &[&missing, &constants, &full], &[]);
        }
        if fills.iter().any(|fill| fill.is_nan()) {
            let open = writer.node("IsNaN", &[&full], &[]);
            let open = writer.cast(&open, Element::Float);
            let axes = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
            self.refusals.push(writer.node("ReduceMax", &[&open], &axes));
        }
        let exact = standardize(writer, &full, &[count], &means, &scales);
        let rounded = writer.cast(&exact, Element::Float);
        self.add(rounded, count);
        indicators.then(|| {
            let flags = writer.cast(&missing, Element::Float);
            self.add(flags, count)
        })
    }

    /// A column of words: a row of a table for each of them, one for unknown words and one for missing ones.
    fn category(&mut self, writer: &mut Writer, input: &str, category: &Category<'_>) -> usize {
        let levels = category.levels.len();
        let (unknown, missing) = (levels, levels + 1);
        let words = MISSING.iter().copied().filter(|word| !category.levels.iter().any(|level| level == word));
        let keys: Vec<&str> = category.levels.iter().map(String::as_str).chain(words).collect();
        let codes = (0..keys.len()).map(|i| if i < levels { i } else { missing } as i64).collect();
        let attributes = [
            ("keys_strings", Attribute::Texts(keys)),
            ("values_int64s", Attribute::Ints(codes)),
            ("default_int64", Attribute::Int(unknown as i64)),
        ];
        let code = writer.node("LabelEncoder", &[input], &attributes);
        let width = levels + usize::from(category.indicator);
        let mut table = vec![0.0; (levels + 2) * width];
        (0..levels).for_each(|level| table[level * width + level] = 1.0);
        if let Some(fill) = category.fill {
            table[missing * width + fill] = 1.0;
        }
        if category.indicator {
            table[missing * width + levels] = 1.0;
        }
        let table = writer.floats(&[levels + 2, width], &table);
        let rows = writer.node("Gather", &[&table, &code], &[]);
        let rows = writer.node("Flatten", &[&rows], &[("axis", Attribute::Int(1))]);
        if category.fill.is_none() || category.unseen == Unseen::Error {
            let mut flags = vec![0.0; levels + 2];
            flags[unknown] = f32::from(u8::from(category.unseen == Unseen::Error));
            flags[missing] = f32::from(u8::from(category.fill.is_none()));
            let flags = writer.floats(&[levels + 2], &flags);
            self.refusals.push(writer.node("Gather", &[&flags, &code], &[]));
        }
        self.add(rows, width)
    }

    fn refused(&mut self, writer: &mut Writer) -> Option<String> {
        let flags: Vec<&str> = self.refusals.iter().map(String::as_str).collect();
        let largest = match flags[..] {
            [] => return None,
            [one] => one.to_owned(),
            _ => writer.node("Max", &flags, &[]),
        };
        let zero = writer.number(0.0);
        Some(writer.node("Greater", &[&largest, &zero], &[]))
    }

    /// The columns at these places.
    fn inputs(&self, writer: &mut Writer, order: &[usize]) -> String {
        let parts: Vec<&str> = self.floats.iter().map(String::as_str).collect();
        let side_by_side = [("axis", Attribute::Int(1))];
        let all = if parts.len() == 1 { parts[0].to_owned() } else { writer.node("Concat", &parts, &side_by_side) };
        if order.len() == self.width && order.is_sorted() {
            return all;
        }
        let places: Vec<i64> = order.iter().map(|place| *place as i64).collect();
        let places = writer.ints(&places);
        writer.node("Gather", &[&all, &places], &side_by_side)
    }
}
