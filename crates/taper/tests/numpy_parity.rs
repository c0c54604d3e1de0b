//! `taper::data` against NumPy and scikit-learn: every array of `golden/numpy` (made by `golden/make_numpy.py`), bit for
//! bit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use taper::data::{
    RandomState, Sample, StandardScaler, make_blobs, make_circles, make_moons, stratified_train_test_split,
    train_test_split,
};

/// Not ours: Taper has no `make_classification`. scikit-learn's multiplies random matrices with BLAS, so its bits depend
/// on the processor and there is nothing to be equal to.
const SKIPPED: [&str; 2] = ["classification_seed1/x", "classification_seed1/y"];

/// Whether this platform's logarithm, sine and cosine are those the arrays were made with. Elsewhere they may differ in
/// the last place; then so may floating-point numbers here, while whole numbers still may not.
const SAME_ELEMENTARY_FUNCTIONS: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// The numbers of an array, without its shape: all are row-major.
#[derive(Debug, PartialEq)]
enum Array {
    Float(Vec<f64>),
    Whole(Vec<i64>),
}

impl Array {
    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Whole(values) => values.len(),
        }
    }

    /// Where the two differ first, and how.
    fn difference(&self, expected: &Self) -> Option<String> {
        if self.len() != expected.len() {
            return Some(format!("has {} numbers instead of {}", self.len(), expected.len()));
        }
        match (self, expected) {
            (Self::Float(got), Self::Float(expected)) => first_difference(got, expected, |&got, &expected| {
                let close = (got - expected).abs() <= 1e-12 * expected.abs().max(1.0);
                got.to_bits() == expected.to_bits() || (!SAME_ELEMENTARY_FUNCTIONS && close)
            }),
            (Self::Whole(got), Self::Whole(expected)) => first_difference(got, expected, PartialEq::eq),
            _ => Some("is of another type".to_owned()),
        }
    }
}

fn first_difference<T: std::fmt::Debug>(got: &[T], expected: &[T], same: impl Fn(&T, &T) -> bool) -> Option<String> {
    let i = got.iter().zip(expected).position(|(got, expected)| !same(got, expected))?;
    Some(format!("[{i}] is {:?} instead of {:?}", got[i], expected[i]))
}

/// The stored arrays, by name.
fn golden() -> BTreeMap<String, Array> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/numpy");
    let bytes = fs::read(folder.join("arrays.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let listed: BTreeSet<&str> = index["tensors"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(listed, tensors.names().into_iter().collect(), "index.json and arrays.safetensors list other arrays");

    let words = |data: &[u8]| -> Vec<[u8; 8]> { data.as_chunks().0.to_vec() };
    listed
        .into_iter()
        .map(|name| {
            let tensor = tensors.tensor(name).unwrap();
            let words = words(tensor.data());
            let array = match tensor.dtype() {
                Dtype::F64 => Array::Float(words.into_iter().map(f64::from_le_bytes).collect()),
                Dtype::I64 => Array::Whole(words.into_iter().map(i64::from_le_bytes).collect()),
                other => panic!("{name} is {other:?}"),
            };
            (name.to_owned(), array)
        })
        .collect()
}

/// Our arrays, by the same names.
#[derive(Default)]
struct Ours(BTreeMap<String, Array>);

impl Ours {
    fn floats(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = f64>) {
        assert!(self.0.insert(name.into(), Array::Float(values.into_iter().collect())).is_none());
    }

    fn wholes(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = i64>) {
        assert!(self.0.insert(name.into(), Array::Whole(values.into_iter().collect())).is_none());
    }

    fn indices(&mut self, name: impl Into<String>, values: Vec<usize>) {
        self.wholes(name, values.into_iter().map(|value| value as i64));
    }

    fn sample(&mut self, name: &str, sample: taper::Result<Sample>) {
        let sample = sample.unwrap();
        self.floats(format!("{name}/x"), sample.x);
        self.wholes(format!("{name}/y"), sample.y);
    }

    fn split(&mut self, name: &str, split: taper::Result<(Vec<usize>, Vec<usize>)>) {
        let (train, test) = split.unwrap();
        self.indices(format!("{name}/train"), train);
        self.indices(format!("{name}/test"), test);
    }
}

fn add_samples(ours: &mut Ours) {
    ours.sample("moons_n100_noise0.2_seed1", make_moons(100, 0.2, 1));
    ours.sample("moons_n30_noise0.0_seed3", make_moons(30, 0.0, 3));
    ours.sample("moons_n30_noiseless_seed3", make_moons(30, 0.0, 3));
    ours.sample("moons_n101_noise0.1_seed42", make_moons(101, 0.1, 42));
    ours.sample("moons_n3_noise1.0_seed4294967295", make_moons(3, 1.0, u32::MAX));
    ours.sample("circles_n100_seed1", make_circles(100, 0.1, 0.8, 1));
    ours.sample("circles_n51_factor0_seed2", make_circles(51, 0.0, 0.0, 2));
    ours.sample("blobs_n100_seed1", make_blobs(100, 2, 3, 1.0, 1));
    ours.sample("blobs_n32_f3_c5_seed9", make_blobs(32, 3, 5, 2.5, 9));
}

fn add_splits(ours: &mut Ours) {
    ours.split("split_n100_seed1", train_test_split(100, 0.3, 1));
    ours.split("split_n37_seed5", train_test_split(37, 0.55, 5));
    let labels: Vec<i64> = (0..100).map(|i| i % 3).collect();
    ours.split("split_stratified_n100_seed1", stratified_train_test_split(&labels, 0.3, 1));
    let labels: Vec<i64> = (0..91).map(|i| 5 - i * i % 11).collect();
    ours.split("split_stratified_n91_seed6", stratified_train_test_split(&labels, 0.25, 6));
}

fn add_streams(ours: &mut Ours, seed: u32) {
    let name = |what: &str| format!("stream_seed{seed}/{what}");
    let new = || RandomState::new(seed);
    let floats = |n: usize, draw: fn(&mut RandomState) -> f64| {
        let mut random = new();
        (0..n).map(|_| draw(&mut random)).collect::<Vec<_>>()
    };
    let wholes = |n: usize, draw: fn(&mut RandomState) -> i64| {
        let mut random = new();
        (0..n).map(|_| draw(&mut random)).collect::<Vec<_>>()
    };

    ours.floats(name("normal"), floats(101, RandomState::standard_normal));
    ours.floats(name("normal_loc_scale"), floats(21, |random| random.normal(3.0, 0.25)));
    ours.floats(name("random_sample"), floats(100, RandomState::random_sample));
    ours.floats(name("uniform"), floats(50, |random| random.uniform(-2.0, 5.0)));
    ours.floats(name("exponential"), floats(20, |random| random.exponential(1.0)));
    ours.wholes(name("randint_10"), wholes(100, |random| random.randint(0, 10)));
    ours.wholes(name("randint_1000"), wholes(100, |random| random.randint(-5, 1000)));
    ours.wholes(name("randint_big"), wholes(20, |random| random.randint(0, 1 << 40)));
    ours.wholes(name("raw_uint32"), wholes(20, |random| i64::from(random.next_u32())));
    ours.indices(name("permutation"), new().permutation(100));
    ours.indices(name("permutation_1000"), new().permutation(1000));
    ours.indices(name("choice"), new().choice_without_replacement(50, 20));

    let mut line: Vec<i64> = (0..100).collect();
    new().shuffle(&mut line);
    ours.wholes(name("shuffle"), line);
    let mut table: Vec<i64> = (0..36).collect();
    new().shuffle_rows(&mut table, 3);
    ours.wholes(name("shuffle_rows"), table);

    let mut random = new();
    ours.floats(name("mixed_1_normal3"), (0..3).map(|_| random.standard_normal()));
    ours.floats(name("mixed_2_random2"), (0..2).map(|_| random.random_sample()));
    ours.floats(name("mixed_3_normal2"), (0..2).map(|_| random.standard_normal()));
    ours.indices(name("mixed_4_shuffle10"), random.permutation(10));
    ours.wholes(name("mixed_5_randint5"), (0..5).map(|_| random.randint(0, 7)));
    ours.floats(name("mixed_6_normal4"), (0..4).map(|_| random.standard_normal()));
}

fn add_scaler(ours: &mut Ours) {
    let mut random = RandomState::new(8);
    let columns = [(1.0, 0.0), (1e-3, 7.0), (1e6, -3e8), (0.0, 0.1)];
    let rows: Vec<f64> =
        (0..50).flat_map(|_| columns.map(|(scale, shift)| random.standard_normal() * scale + shift)).collect();
    let scaler = StandardScaler::fit(&rows[..35 * 4], 4).unwrap();
    assert_eq!(scaler.constant_columns(), [3]);
    let (mut transformed, mut inverse) = (rows.clone(), rows.clone());
    scaler.transform(&mut transformed);
    scaler.inverse_transform(&mut inverse);
    ours.floats("scaler/rows", rows);
    ours.floats("scaler/mean", scaler.mean().iter().copied());
    ours.floats("scaler/scale", scaler.scale().iter().copied());
    ours.floats("scaler/transformed", transformed);
    ours.floats("scaler/inverse", inverse);
}

#[test]
fn every_golden_array_is_reproduced() {
    let mut ours = Ours::default();
    add_samples(&mut ours);
    add_splits(&mut ours);
    add_streams(&mut ours, 1);
    add_streams(&mut ours, 42);
    add_scaler(&mut ours);

    let mut golden = golden();
    for name in SKIPPED {
        assert!(golden.remove(name).is_some(), "{name} is skipped but not there");
    }
    let names = |arrays: &BTreeMap<String, Array>| arrays.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours.0), names(&golden));
    let differences: Vec<String> = golden
        .iter()
        .filter_map(|(name, expected)| Some(format!("{name} {}", ours.0[name].difference(expected)?)))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
