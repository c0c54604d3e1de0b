//! How much memory the contents of a file may take, decided by its header before anything is decoded.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use taper::Complaint;

use crate::{Error, Result};

/// What [`limit_memory`] has set; 0: nothing.
static LIMIT: AtomicU64 = AtomicU64::new(0);

/// Sets how many bytes the decoded contents of a file may take, for every file that this process reads from now on.
pub fn limit_memory(bytes: u64) {
    LIMIT.store(bytes.max(1), Ordering::Relaxed);
}

/// How many bytes the decoded contents of a file may take: what [`limit_memory`] has set, else three quarters of what the machine,
/// or the container that this process runs in, has.
#[must_use]
pub fn memory_limit() -> u64 {
    static MACHINE: OnceLock<u64> = OnceLock::new();
    match LIMIT.load(Ordering::Relaxed) {
        0 => *MACHINE.get_or_init(|| machine().map_or(u64::MAX, |bytes| bytes / 4 * 3)),
        set => set,
    }
}

/// Bytes of memory of the machine or the container, where the system says so.
fn machine() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").as_deref().and_then(total_of);
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let groups = groups.into_iter().filter_map(|path| read(path)?.trim().parse().ok());
    groups.chain(total).min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

/// Complains about contents that would take more memory than they may.
pub(crate) fn check(path: &Path, place: &str, bytes: u128) -> Result<()> {
    over(place, bytes).map_or(Ok(()), |complaint| Err(Error::content(path, complaint)))
}

/// The complaint, if there is one.
pub(crate) fn over(place: &str, bytes: u128) -> Option<Complaint> {
    let limit = memory_limit();
    (bytes > u128::from(limit)).then(|| {
        let expected = format!("contents that take at most {} of memory", size(u128::from(limit)));
        Complaint::new(place, expected, size(bytes)).help("`--max-memory` says how much they may take")
    })
}

fn size(bytes: u128) -> String {
    match bytes as f64 {
        bytes if bytes < f64::from(1 << 20) => format!("{bytes} bytes"),
        bytes if bytes < f64::from(1 << 30) => format!("{:.1} MiB", bytes / f64::from(1 << 20)),
        bytes => format!("{:.1} GiB", bytes / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_three_quarters_of_the_machine_and_told() {
        assert_eq!(total_of("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(total_of("nothing"), None);
        let limit = memory_limit();
        assert!(limit > 1 << 28, "{limit}");
        assert!(over("x", u128::from(limit)).is_none());
        let text = over("x", u128::MAX).unwrap().to_string();
        assert!(text.starts_with("x: expected contents that take at most") && text.contains("--max-memory"), "{text}");
    }
}
