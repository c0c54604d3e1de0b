//! Refuses what cannot fit, before anything is allocated.

use taper::{Complaint, FitConfig, ModelSpec};

use crate::failure::Failure;

/// Complains if training this model would need more memory than the machine has free.
pub(crate) fn check(model: &ModelSpec, fit: &FitConfig, rows: usize) -> Result<(), Failure> {
    let need = taper::training_bytes(model, fit, rows).map_err(|error| error.within("model"))?;
    // What the user has set holds for models too, but what is free can be less.
    let free = available().map_or(taper_io::memory_limit(), |free| free.min(taper_io::memory_limit()));
    if need <= u128::from(free) {
        return Ok(());
    }
    let expected = format!("a model that can be trained in the {} that are free", gib(u128::from(free)));
    Err(taper::Error::from(Complaint::new("model", expected, format!("one that needs {}", gib(need)))).into())
}

fn gib(bytes: u128) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Bytes that can be had without swapping, where the system says so.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
