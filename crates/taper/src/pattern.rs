//! Patterns that mean parameters by their paths.

/// Whether a pattern means this parameter: one with a `/` is compared with the whole path (`dense/bias`), one without with each
/// part of it (`dense`, `bias`); `*` stands for anything.
pub(crate) fn means(pattern: &str, path: &str) -> bool {
    if pattern.contains('/') { like(pattern, path) } else { path.split('/').any(|part| like(pattern, part)) }
}

/// Whether `text` is `pattern`, in which `*` stands for anything.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| like(rest, &text[i..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_whole_names() {
        for (pattern, path, meant) in [
            ("bias", "dense/bias", true),
            ("bias", "dense/unbiased", false),
            ("dense*", "dense_1/kernel", true),
            ("dense/*", "dense_1/kernel", false),
            ("*_1/k*l", "dense_1/kernel", true),
            ("*", "dense/kernel", true),
            ("dense/kernel", "dense/kernel", true),
        ] {
            assert_eq!(means(pattern, path), meant, "{pattern} {path}");
        }
    }
}
