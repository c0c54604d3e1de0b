//! How long a table takes to load, and how much memory: see bench/table.py.
#![allow(clippy::print_stdout)] // a program that prints what it measured

use std::time::Instant;

use taper::{Experiment, Rows};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("FILE.csv")?;
    let mut experiment = Experiment::from_value(serde_json::json!({
        "data": { "source": path, "test": 0.2, "standardize": true },
        "model": { "layers": [{ "layer": "dense", "units": 1, "activation": "sigmoid" }] },
        "fit": { "loss": "binary_crossentropy" },
    }))?;
    let start = Instant::now();
    let rows = taper_io::read_source(&mut experiment, std::path::Path::new(""))?;
    let read = start.elapsed().as_secs_f64();
    let read_peak = peak();
    let all: Vec<usize> = (0..rows.rows()).collect();
    let (train, test) = all.split_at(rows.development());
    let split = rows.split(train, test)?;
    let matrix = (rows.rows() * (split.train.input_shape().len() + 1) * 4) as f64;
    println!(
        "{} rows: read in {read:.2} s, ready to train in {:.2} s; peak {:.2} and {:.2} times the matrix of {:.0} MB",
        rows.rows(),
        start.elapsed().as_secs_f64(),
        read_peak / matrix,
        peak() / matrix,
        matrix / 1e6,
    );
    Ok(())
}

/// The most bytes that were resident so far.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
}
