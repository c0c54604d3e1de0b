//! What lies in a store. Each record is sealed: a digest of its contents lies beside them, so that a byte that changed is noticed
//! in the record that it is in.

/// A study: what its runs depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRecord {
    /// Its number in the store, from 1.
    pub id: i64,
    /// Experiment, data and engine as JSON: the same text, the same study.
    pub identity: String,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number in the store, from 1, in the order in which runs finished.
    pub id: i64,
    /// The study that it belongs to.
    pub study: i64,
    /// Its name within the study.
    pub key: String,
    /// What was run, as JSON.
    pub spec: String,
    /// What came of it, as JSON.
    pub outcome: String,
}

/// A study that has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishRecord {
    /// Its number.
    pub study: i64,
    /// The digest of its result.
    pub result: String,
}

impl StudyRecord {
    /// The digest of the contents.
    pub(super) fn seal(&self) -> String {
        seal("study", &[&self.id.to_string(), &self.identity])
    }
}

impl RunRecord {
    /// The digest of the contents.
    pub(super) fn seal(&self) -> String {
        seal("run", &[&self.study.to_string(), &self.key, &self.spec, &self.outcome])
    }
}

impl FinishRecord {
    /// The digest of the contents.
    pub(super) fn seal(&self) -> String {
        seal("finish", &[&self.study.to_string(), &self.result])
    }
}

/// BLAKE3 of the fields with their lengths, in hexadecimal.
fn seal(kind: &str, fields: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in std::iter::once(&kind).chain(fields) {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_tells_where_a_field_ends() {
        let run = |key: &str, spec: &str| RunRecord {
            id: 1,
            study: 1,
            key: key.to_owned(),
            spec: spec.to_owned(),
            outcome: String::new(),
        };
        assert_ne!(run("ab", "c").seal(), run("a", "bc").seal());
        assert_eq!(
            run("ab", "c").seal(),
            RunRecord { id: 7, ..run("ab", "c") }.seal(),
            "its number is not its content"
        );
    }
}
