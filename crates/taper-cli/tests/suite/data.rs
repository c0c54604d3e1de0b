//! `taper data`: the same numbers as scikit-learn's, bit for bit, in both formats.

use std::path::Path;

use taper_io::{Tensor, TensorData, read_tensors};

use crate::bench::Bench;

const CASES: [(&str, &str); 5] = [
    ("moons_n100_noise0.2_seed1", "moons --samples 100 --noise 0.2 --random-state 1"),
    ("moons_n3_noise1.0_seed4294967295", "moons --samples 3 --noise 1 --random-state 4294967295"),
    ("circles_n100_seed1", "circles --samples 100 --noise 0.1 --random-state 1"),
    ("circles_n51_factor0_seed2", "circles --samples 51 --factor 0 --random-state 2"),
    ("blobs_n32_f3_c5_seed9", "blobs --samples 32 --features 3 --centers 5 --cluster-std 2.5 --random-state 9"),
];

fn bits(tensor: &Tensor) -> Vec<u64> {
    match &tensor.data {
        TensorData::F64(numbers) => numbers.iter().map(|number| number.to_bits()).collect(),
        TensorData::I64(numbers) => numbers.iter().map(|number| (*number as f64).to_bits()).collect(),
        TensorData::F32(_) => panic!("rows are written as f64"),
    }
}

#[test]
fn tensors_and_tables_hold_scikit_learns_bits() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../taper/tests/golden/numpy/arrays.safetensors");
    let golden = read_tensors(&golden).unwrap().tensors;
    let bench = Bench::new(&[]);
    for (name, line) in CASES {
        for file in ["rows.safetensors", "rows.csv"] {
            let outcome = bench.taper(&format!("data {line} --out {file}"));
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
            assert!(outcome.stderr.contains(file), "{outcome:?}");
        }
        let (x, y) = (&golden[&format!("{name}/x")], &golden[&format!("{name}/y")]);
        let tensors = read_tensors(&bench.path("rows.safetensors")).unwrap().tensors;
        assert_eq!((bits(&tensors["x"]), bits(&tensors["y"])), (bits(x), bits(y)), "{name}");
        assert_eq!((&tensors["x"].shape, &tensors["y"].shape), (&x.shape, &y.shape), "{name}");

        let text = bench.text("rows.csv");
        let mut lines = text.lines();
        let header: Vec<String> = (0..x.shape[1]).map(|i| format!("x{i}")).chain(["y".to_owned()]).collect();
        assert_eq!(lines.next(), Some(header.join(",").as_str()));
        let numbers: Vec<Vec<u64>> =
            lines.map(|line| line.split(',').map(|cell| cell.parse::<f64>().unwrap().to_bits()).collect()).collect();
        let features: Vec<u64> = numbers.iter().flat_map(|row| &row[..row.len() - 1]).copied().collect();
        let targets: Vec<u64> = numbers.iter().map(|row| row[row.len() - 1]).collect();
        assert_eq!((features, targets), (bits(x), bits(y)), "{name}");
    }
}
