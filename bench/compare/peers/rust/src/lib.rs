//! What both peers share: the work of `../moons.py` and `../steps.py`, and the JSON line.

use std::time::Instant;

pub const LEARNING_RATE: f64 = 1e-3;
pub const EPSILON: f64 = 1e-7;
pub const MOONS_UNITS: usize = 500;
pub const MOONS_L2: f64 = 1e-3;
pub const TRAIN_ROWS: usize = 30;
pub const MLP: [usize; 4] = [784, 512, 512, 10];
pub const MLP_BATCH: usize = 128;
pub const MLP_L2: f64 = 1e-4;
const EPOCHS: usize = 4000;
const BATCHES: usize = 8;

/// The 100 rows of the moons (`taper data moons --samples 100 --noise 0.2 --random-state 1`): inputs and labels.
pub fn moons() -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for line in include_str!("../moons.csv").lines().skip(1) {
        let cells: Vec<f32> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        x.extend(&cells[..2]);
        y.push(cells[2]);
    }
    (x, y)
}

/// Batches of noise: inputs on [-1, 1) and classes.
pub fn batches() -> Vec<(Vec<f32>, Vec<u32>)> {
    let mut state = 1_u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let batch = |_| {
        let x = (0..MLP_BATCH * MLP[0]).map(|_| 2.0 * draw() - 1.0).collect();
        (x, (0..MLP_BATCH).map(|_| (draw() * 10.0) as u32).collect())
    };
    (0..BATCHES).map(batch).collect()
}

/// Times 4000 epochs of moons, then scores the logits of the 70 other rows.
pub fn moons_line(peer: &str, version: &str, mut epoch: impl FnMut(), labels: &[f32], logits: impl FnOnce() -> Vec<f32>) {
    let start = Instant::now();
    (0..EPOCHS).for_each(|_| epoch());
    let seconds = start.elapsed().as_secs_f64();
    let scored: Vec<(f64, f64)> = logits().into_iter().map(f64::from).zip(labels.iter().copied().map(f64::from)).collect();
    let n = scored.len() as f64;
    let accuracy = scored.iter().filter(|(z, y)| (*z > 0.0) == (*y > 0.5)).count() as f64 / n;
    let loss = scored.iter().map(|(z, y)| z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z).sum::<f64>() / n;
    println!(
        "{}",
        serde_json::json!({
            "peer": peer, "workload": "moons", "epochs": EPOCHS, "us_per_epoch": seconds / EPOCHS as f64 * 1e6,
            "seconds": seconds, "compile_seconds": 0.0, "test_accuracy": accuracy, "test_data_loss": loss,
            "versions": { peer: version },
        })
    );
}

/// Times steps of the MLP for about four seconds; `step(i)` trains on batch `i`.
pub fn mlp_line(peer: &str, version: &str, mut step: impl FnMut(usize)) {
    (0..3).for_each(&mut step);
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs_f64() < 4.0 || times.len() < 5 {
        let start = Instant::now();
        (0..BATCHES).for_each(&mut step);
        times.push(start.elapsed().as_secs_f64() / BATCHES as f64);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{}",
        serde_json::json!({
            "peer": peer, "workload": "mlp", "seconds": times[times.len() / 2], "compile_seconds": 0.0,
            "versions": { peer: version },
        })
    );
}
