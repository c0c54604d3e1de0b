//! Rows that cannot be learned from: targets, tables, and what is none.

use super::Change::{Csv, Text};
use super::{FIT, GENERATED, check};
use crate::bench::Bench;

#[test]
fn targets() {
    check(&[
        (Csv(b"a,b,y\n1,2,1\n2,3,1\n3,4,1\n"), FIT, &["rows.csv", "column `y`", "at least two classes", "class `1`"]),
        (Csv(b"a,b,y\n1,2,\n2,3,\n3,4,NA\n"), FIT, &["rows.csv: data: expected at least one row with a target `y`"]),
        (Csv(b"a,b,y\n1,2,1\n2,3,1\n3,4,1\n4,5,0\n"), FIT, &["train.y", "at least two classes", "only class 1"]),
        (
            Csv(b"a,b,y\n1,2,0\n2,3,1\n3,4,1\n4,5,7\n"),
            FIT,
            &["rows.csv", "column `y`", "two classes", "got 3: `0`, `1`, `7`"],
        ),
    ]);
    for (y, words) in [
        ("2", "train.y, row 2: expected a class id from 0 to 1, because the model has 2 outputs"),
        ("-1", "validation.y, row 1: expected a class id from 0 to 1, because the model has 2 outputs"),
        ("0.5", "rows.csv: row 2, column `y`: expected a class: a whole number or text, got 0.5"),
    ] {
        let bench = Bench::new(&[
            (GENERATED, "source = \"rows.csv\"\ntrain = 2"),
            ("units = 1, activation = \"sigmoid\"", "units = 2, activation = \"softmax\""),
            ("binary_crossentropy", "sparse_categorical_crossentropy"),
        ]);
        bench.write("rows.csv", format!("a,b,y\n1,2,0\n2,3,{y}\n3,4,1\n4,5,1\n"));
        let outcome = bench.taper(FIT);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{outcome:?}");
        assert!(!bench.path("out").exists());
    }
}

#[test]
fn tables() {
    check(&[
        (Csv(b""), FIT, &["rows.csv", "an empty file"]),
        (Csv(b"a,b,y\n"), FIT, &["rows.csv", "at least one row"]),
        (Csv(b"a,b,y\n1,2,0\n"), FIT, &["data: ", "at least 2 rows", "got 1"]),
        (Csv(b"a,b,y\n1,2,0\n1,2\n"), FIT, &["rows.csv: row 2: expected 3 cells", "got 2 (", "ragged"]),
        (Csv(b"a,b,y\n1,2,0\n1,2,3,4\n"), FIT, &["rows.csv: row 2: expected 3 cells"]),
        (Csv(b"a,b,y\n1,2,0\n1,two,0\n"), FIT, &["row 2, column `b`", "a number", "`two`"]),
        (Csv(b"a,b,y\n1,,0\n"), FIT, &["row 1, column `b`", "an empty cell"]),
        (Csv(b"a,b,y\nnan,2,0\n1,2,inf\n"), FIT, &["row 1, column `a`", "NaN", "row 2, column `y`", "inf"]),
        (Csv(b"a,b,y\n1e39,2,0\n"), FIT, &["row 1, column `a`", "f32"]),
        (Csv(b"a,b,y\n\"1,5\",2,0\n"), FIT, &["row 1, column `a`", "`1,5`", "decimal = \",\""]),
        (Csv(b"a,b,y\n\"1,206\",2,0\n995,2,1\n"), FIT, &["`1,206`", "`thousands = \",\"` reads `1,206` as 1206"]),
        (Csv(b"a,b,y\n60%,2,0\n6%,2,1\n"), FIT, &["row 1, column `a`", "`units = true` reads `60%` as 60"]),
        (Csv(b"a,b,y\n(80),2,0\n(8),2,1\n"), FIT, &["row 1, column `a`", "`units = true` reads `(80)` as -80"]),
        (Csv(b"a,b,y\n1,2,0\n?,2,1\n"), FIT, &["row 2, column `a`", "`na = [\"?\"]` reads such cells as empty"]),
        (
            Csv(b"a,b,y\n1,2,0\n\"1.234,5\",2,0\n"),
            FIT,
            &["row 2, column `a`: expected a number, as `1` in row 1", "1.234,5"],
        ),
        (Csv(b"a,b,y\n1,NA,0\n3,4,1\n5,null,1\n"), FIT, &["row 1, column `b`", "`NA` (2 in all)", "`missing`"]),
        (Csv(b"a,b,y\n,1,0\n,2,1\n"), FIT, &["row 1, column `a`", "an empty cell (2 in all)"]),
        (
            Csv(b"a,b,y\nu,1,0\nv,2,1\nw,3,1\n"),
            FIT,
            &["column `a`", "at most 2 categories in 3 rows", "exclude = [\"a\"]"],
        ),
        (Csv(b"a,a,y\n1,2,0\n"), FIT, &["header, column 2", "no other column", "`a`"]),
        (Csv(b",,\n1,2,0\n"), FIT, &["header: expected names of columns"]),
        (Csv(b"a,b,y\n1,2,0\n1,\xff,0\n"), FIT, &["rows.csv", "row 2", "UTF-8"]),
        (Csv(b"\xff\xfea\0,\0y\0\n\0"), FIT, &["rows.csv", "UTF-8"]),
        (Csv(b"a,b,y\n1,\0,0\n"), FIT, &["row 1, column `b`", "without NUL"]),
        (Csv(b"a,b,y\n1,2,0\n1,2,\xff\n"), FIT, &["rows.csv: row 2, column `y`: expected text in UTF-8"]),
        (Csv(b"a,b,y\n1,\"2,0\n3,4,1\n"), FIT, &["rows.csv: row 1: expected 3 cells"]),
        (Csv(b"a,y,a\n1,0,2\n2,1,2\n"), FIT, &["header, column 3", "`a`, as column 1"]),
        (Text(GENERATED, "source = \"e.csv\""), FIT, &["e.csv", "reading failed"]),
        (Text(GENERATED, "source = \".\""), FIT, &["data.source"]),
        (Text(GENERATED, "source = \"no.safetensors\""), FIT, &["no.safetensors", "reading failed"]),
    ]);
}

#[test]
fn sources_that_are_no_tables() {
    let bench = Bench::new(&[(GENERATED, "source = \"rows.csv\"\ntarget = \"labl\"")]);
    bench.write("rows.csv", "a,b,label\n1,2,0\n2,3,1\n3,3,1\n");
    let outcome = bench.taper(FIT);
    assert!(outcome.stderr.contains("data.target") && outcome.stderr.contains("did you mean `label`?"), "{outcome:?}");
    std::fs::remove_file(bench.path("rows.csv")).unwrap();
    std::fs::create_dir(bench.path("rows.csv")).unwrap();
    let folder = bench.taper(FIT);
    assert!(folder.stderr.contains("rows.csv: expected a file, got a folder"), "{folder:?}");
    let tensors = Bench::new(&[(GENERATED, "source = \"rows.safetensors\"")]);
    tensors.write("rows.safetensors", b"not a tensor file");
    let broken = tensors.taper(FIT);
    assert!(broken.stderr.contains("rows.safetensors: header"), "{broken:?}");
    for (bench, outcome) in [(&bench, outcome), (&bench, folder), (&tensors, broken)] {
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(!bench.path("out").exists());
    }
}
