//! Every example that fuzzing begins with or has found, tried again, and each with its ends cut off and its bits flipped.

#[path = "../../../fuzz/entry.rs"]
mod entry;

use std::path::Path;

use taper::Seed;

#[test]
fn no_example_breaks_a_reader() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, read) in entry::ENTRIES {
        let mut tried = 0;
        for file in std::fs::read_dir(corpus.join(name)).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            read(&bytes);
            let mut rng = Seed::new(1).rng();
            for _ in 0..40 {
                read(&bytes[..rng.below(bytes.len() + 1)]);
                let mut flipped = bytes.clone();
                for _ in 0..=rng.below(4) {
                    let at = rng.below(bytes.len());
                    flipped[at] ^= 1 << rng.below(8);
                }
                read(&flipped);
            }
            tried += 1;
        }
        assert!(tried > 0, "{name}");
    }
}
