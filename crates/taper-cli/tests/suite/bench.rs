//! Where a test works: a folder of its own with an experiment in it, and what the program did there.

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A small experiment that takes a fraction of a second; tests replace parts of it.
pub(crate) const EXPERIMENT: &str = r#"[data]
source = "moons"
noise = 0.2
random_state = 1
train = 30

[model]
input_shape = [2]
layers = [
  { layer = "dense", units = 5, activation = "relu", kernel_regularizer = { l2 = 0.001 } },
  { layer = "dense", units = 1, activation = "sigmoid" },
]

[fit]
loss = "binary_crossentropy"
optimizer = { name = "adam" }
metrics = ["accuracy"]
epochs = 20

[study]
axes = [{ path = "model.layers.0.kernel_regularizer.l2", values = [0.1, 0.01] }]
repeats = 2
seed = 1
"#;

/// What the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Complains unless all went well.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// Complains unless all went well without a word on stderr.
    pub(crate) fn quiet(self) -> Self {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self
    }
}

pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// A folder with `e.toml`, in which each `(from, to)` was replaced.
    pub(crate) fn new(changes: &[(&str, &str)]) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let mut text = EXPERIMENT.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "`{from}` does not stand in the experiment");
            text = text.replace(from, to);
        }
        bench.write("e.toml", text);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Every file and folder here, by name, in order.
    pub(crate) fn contents(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `taper` here with these words.
    pub(crate) fn taper(&self, line: &str) -> Outcome {
        self.typed(line, "")
    }

    /// Runs `taper` here with these words and this text on stdin.
    pub(crate) fn typed(&self, line: &str, stdin: &str) -> Outcome {
        let output = Command::cargo_bin("taper")
            .unwrap()
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .write_stdin(stdin)
            .output()
            .unwrap();
        Outcome {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The report and all figures are there, whole, and point nowhere else.
    pub(crate) fn check_report(&self, out: &str) {
        let html = self.text(&format!("{out}/report.html"));
        assert!(html.starts_with("<!doctype html>") || html.starts_with("<!DOCTYPE html>"));
        let outside = ["src=\"http", "href=\"http", "url(http", "src=\"//", "@import", "<script src", "<link "];
        for word in outside {
            assert!(!html.contains(word), "the report must stand alone: {word}");
        }
        assert!(self.text(&format!("{out}/report.md")).starts_with("# "));
        let mut figures = 0;
        for entry in std::fs::read_dir(self.path(&format!("{out}/figure"))).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("png") => {
                    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"), "{path:?}");
                    let width = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
                    assert!((400..8000).contains(&width), "{path:?} is {width} wide");
                }
                Some("svg") => {
                    let text = String::from_utf8(bytes).unwrap();
                    assert!(text.contains("<svg") && text.trim_end().ends_with("</svg>"), "{path:?}");
                    assert!(!text.contains("NaN") && !text.contains("href=\"http"), "{path:?}");
                }
                _ => panic!("{path:?} is no figure"),
            }
            figures += 1;
        }
        assert!(figures > 0);
    }

    /// Everything that a document lists under `files` exists.
    pub(crate) fn check_files(&self, document: &Value) {
        let files = document["files"].as_array().unwrap();
        assert!(files.len() > 3);
        for file in files {
            assert!(self.path(file.as_str().unwrap()).is_file(), "{file}");
        }
    }
}
