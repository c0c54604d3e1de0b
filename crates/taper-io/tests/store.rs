//! The store of runs: what is in it stays in it, whatever happens to its file.

use std::path::{Path, PathBuf};

use taper_io::{RunStore, STORE, repair_store};

const RUNS: usize = 60;

/// A store with one study and runs of all sizes: in one page, and spread over many.
fn filled(folder: &Path) -> PathBuf {
    let path = folder.join(STORE);
    let store = RunStore::open(&path).unwrap();
    assert_eq!(store.begin("{\"a\":1}").unwrap(), 1);
    for i in 0..RUNS {
        let (key, spec, outcome) = run(i);
        store.put(1, &key, &spec, &outcome).unwrap();
    }
    store.finish(1, "digest").unwrap();
    path
}

fn run(i: usize) -> (String, String, String) {
    (format!("key{i}"), format!("{{\"i\":{i}}}"), format!("\"ä{}\"", "x".repeat(i * i * 7)))
}

/// How many of the runs are there; what is there is right.
fn intact(path: &Path) -> usize {
    let runs = RunStore::read(path).unwrap().runs(1).unwrap();
    for found in &runs {
        let (key, spec, outcome) = run(found.id as usize - 1);
        assert_eq!((&found.key, &found.spec, &found.outcome), (&key, &spec, &outcome));
    }
    runs.len()
}

#[test]
fn runs_come_back_and_the_first_of_a_key_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let store = RunStore::open(&path).unwrap();
    store.put(1, "key3", "{}", "another").unwrap();
    assert_eq!(store.get(1, "key3").unwrap().unwrap().outcome, run(3).2);
    assert_eq!(store.get(2, "key3").unwrap(), None);
    assert_eq!((store.count(1).unwrap(), store.count(2).unwrap()), (RUNS, 0));
    assert_eq!(store.finished(1).unwrap().unwrap().result, "digest");
    assert_eq!(store.begin("{}").unwrap(), 2);
    assert_eq!(store.studies().unwrap().len(), 2);
    drop(store);
    assert_eq!(intact(&path), RUNS);
    assert_eq!(repair_store(&path).unwrap(), None, "nothing to repair");
}

#[test]
fn two_writers_on_one_store_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let store = RunStore::open(path).unwrap();
                for i in 0..20 {
                    store.put(1, &format!("{writer}-{i}"), "{}", "1").unwrap();
                    store.put(1, &format!("shared-{i}"), "{}", "1").unwrap();
                }
            });
        }
    });
    assert_eq!(RunStore::read(&path).unwrap().count(1).unwrap(), RUNS + 4 * 20 + 20);
}

/// A flipped byte is either in no record (free room), or it is noticed; what it did not hit is saved.
#[test]
fn a_flipped_byte_anywhere_is_noticed_and_costs_at_most_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let good = std::fs::read(&path).unwrap();
    let (mut noticed, mut tried) = (0, 0);
    for at in (0..good.len()).step_by(4999).chain([0, 20, 101, 4096, 4100, 8192 + 3]) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        std::fs::write(&path, &bytes).unwrap();
        tried += 1;
        match RunStore::open(&path) {
            Ok(store) => drop(store),
            Err(error) => {
                noticed += 1;
                let text = error.to_string();
                assert!(text.contains("runs.sqlite") && text.contains("taper runs repair"), "byte {at}: {text}");
                let repair = repair_store(&path).unwrap().unwrap();
                assert_eq!(std::fs::read(&repair.kept).unwrap(), bytes, "the old file is kept as it was");
                assert!(repair.runs + 1 >= RUNS, "byte {at}: {repair:?}");
                assert!(repair.lost.len() <= 1);
                std::fs::remove_file(&repair.kept).unwrap();
            }
        }
        assert!(intact(&path) + 1 >= RUNS, "byte {at}");
    }
    assert!(noticed * 2 > tried, "{noticed} of {tried}");
}

#[test]
fn a_file_cut_short_keeps_what_is_left_and_a_stranger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert!(RunStore::open(&path).unwrap_err().is_input());
    let repair = repair_store(&path).unwrap().unwrap();
    assert!(repair.runs > 10 && repair.runs < RUNS, "{repair:?}");
    assert_eq!(intact(&path), repair.runs);

    std::fs::write(&path, "not a database, but long enough to be taken for one").unwrap();
    assert!(RunStore::open(&path).unwrap_err().to_string().contains("intact store"));
    assert!(RunStore::read(&folder.path().join("none")).is_err());
}

/// What a process leaves that is killed while it brings the log into the file: pages half written, and a journal of what they were.
#[test]
fn a_journal_left_behind_is_taken_back_for_readers_and_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let half = rusqlite::Connection::open(&path).unwrap();
    // Too small a cache for the change, so that it reaches the file before it is complete.
    half.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE run SET outcome = outcome || hex(zeroblob(50000));")
        .unwrap();
    let journal = std::fs::read(folder.path().join("runs.sqlite-journal")).unwrap();
    let file = std::fs::read(&path).unwrap();
    let left = |name: &str| {
        let copy = folder.path().join(name);
        std::fs::create_dir(&copy).unwrap();
        std::fs::write(copy.join(STORE), &file).unwrap();
        std::fs::write(copy.join("runs.sqlite-journal"), &journal).unwrap();
        copy.join(STORE)
    };
    assert_eq!(intact(&left("read")), RUNS);
    let written = left("written");
    drop(RunStore::open(&written).unwrap());
    assert_eq!(intact(&written), RUNS);
}

/// What a killed process leaves: a file, and a log that is not yet in it.
#[test]
fn a_torn_or_changed_log_loses_nothing_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live").join(STORE);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let store = RunStore::open(&path).unwrap();
    assert_eq!(store.begin("{}").unwrap(), 1);
    for i in 0..RUNS {
        let (key, spec, outcome) = run(i);
        store.put(1, &key, &spec, &outcome).unwrap();
    }
    // The store is open: its log is still there, as after a kill.
    let log = std::fs::read(folder.path().join("live").join("runs.sqlite-wal")).unwrap();
    let file = std::fs::read(&path).unwrap();
    assert!(log.len() > 10_000, "{}", log.len());
    for (name, cut, flip) in
        [("whole", log.len(), None), ("torn", log.len() - 100, None), ("flipped", log.len(), Some(9000))]
    {
        let copy = folder.path().join(name);
        std::fs::create_dir(&copy).unwrap();
        let mut log = log[..cut].to_vec();
        if let Some(at) = flip {
            log[at] ^= 1;
        }
        std::fs::write(copy.join(STORE), &file).unwrap();
        std::fs::write(copy.join("runs.sqlite-wal"), log).unwrap();
        drop(RunStore::open(&copy.join(STORE)).unwrap());
        let names: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [STORE], "a closed store is one file");
        assert!(intact(&copy.join(STORE)) + 1 >= RUNS, "{name}");
    }
}
