//! Times the steps of a training.

use std::time::Instant;

use serde_json::{Value, json};
use taper::{Fitting, Model, Result, Seed, TrainState};

use super::workload::Workload;

/// About how long one workload is measured.
const SECONDS: f64 = 4.0;
/// So many epochs at least: less has no median.
const FEWEST: usize = 3;

/// Median and spread of a step, and the arithmetic in it.
pub(super) fn measure(workload: &Workload) -> Result<Value> {
    let data = workload.data()?;
    let mut model = Model::build(&workload.spec, Seed::new(1))?;
    let mut state = TrainState::new(&model, &workload.config);
    let mut fitting = Fitting::new(&model, &data, None, &workload.config, Seed::new(1))?;
    // One epoch to warm up, which also tells how many there is time for.
    let mut seconds = Vec::new();
    let start = Instant::now();
    epoch(&mut fitting, &mut model, &mut state);
    let epochs = ((SECONDS / start.elapsed().as_secs_f64()) as usize).clamp(FEWEST, 1000);
    for _ in 0..epochs {
        let start = Instant::now();
        epoch(&mut fitting, &mut model, &mut state);
        seconds.push(start.elapsed().as_secs_f64() / workload.steps() as f64);
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[epochs / 2];
    Ok(json!({
        "workload": workload.name, "what": workload.what,
        "epochs": epochs, "steps_per_epoch": workload.steps(), "batch_size": workload.config.batch_size,
        "seconds": median, "seconds_min": seconds[0], "seconds_max": seconds[epochs - 1],
        "quartiles": [seconds[epochs / 4], seconds[epochs * 3 / 4]],
        "gflops": workload.flops() / median / 1e9,
        "data_loss": fitting.row()[1],
    }))
}

/// One epoch. Noise may be learned badly, but not so badly that a number overflows.
fn epoch(fitting: &mut Fitting<'_>, model: &mut Model, state: &mut TrainState) {
    fitting.epoch(model, state).expect("the standard workloads do not diverge");
    state.epoch += 1;
}
