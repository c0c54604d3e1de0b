//! How wide text is, and how to make it fit, before anything is drawn.
//!
//! Widths are those of DejaVu Sans, the font of the PNGs. The fonts a browser may take for the SVGs are narrower, so
//! what fits here fits there.

/// Advances of DejaVu Sans for U+0020 to U+007E, in thousandths of the font size.
const ADVANCE: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// Width of `text` in user units when set in `size`.
pub(crate) fn width(text: &str, size: u32) -> f64 {
    text.chars().map(advance).sum::<f64>() * f64::from(size) / 1000.0
}

/// `text`, or as much of its beginning as fits into `limit` user units, with an ellipsis.
pub(crate) fn fit(text: &str, size: u32, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let room = limit - width("…", size);
    let mut kept = String::new();
    let mut used = 0.0;
    for c in text.chars() {
        used += advance(c) * f64::from(size) / 1000.0;
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// `text` in at most `rows` lines of `limit` user units, broken between words; what is too much ends in an ellipsis.
pub(crate) fn wrap(text: &str, size: u32, limit: f64, rows: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if lines_full(line, word, size, limit) => lines.push(word.to_owned()),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    if lines.len() > rows.max(1) {
        let rest = lines.split_off(rows.max(1) - 1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| fit(line, size, limit)).collect()
}

fn lines_full(line: &str, word: &str, size: u32, limit: f64) -> bool {
    width(line, size) + width(" ", size) + width(word, size) > limit
}

/// Thousandths of the font size. Beyond ASCII: the widest common letters of the script, so that nothing runs over.
fn advance(c: char) -> f64 {
    let code = c as u32;
    if let Some(&known) = (code.checked_sub(0x20)).and_then(|i| ADVANCE.get(i as usize)) {
        return f64::from(known);
    }
    match code {
        0x00b2 | 0x00b3 | 0x00b9 | 0x2070..=0x207f => 528.0,
        0x0300..=0x036f => 0.0,
        0x00a0..=0x03ff => 720.0,
        0x0400..=0x05ff => 760.0,
        0x2212 | 0x2190..=0x21ff => 838.0,
        0x2010..=0x2013 => 500.0,
        _ => 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_as_wide_as_any_other() {
        assert!((1..10).all(|digit| width(&digit.to_string(), 14) == width("0", 14)));
        assert_eq!(width("00", 1000), 1272.0);
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(fit("short", 14, 100.0), "short");
        let cut = fit(&"long ".repeat(50), 14, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 14) <= 100.0, "{cut}");
        assert_eq!(fit("anything", 14, 0.0), "…");
    }

    #[test]
    fn words_wrap_and_the_last_row_is_cut() {
        assert_eq!(wrap("one two three", 10, 50.0, 3), ["one two", "three"]);
        let rows = wrap("one two three four five six", 10, 50.0, 2);
        assert_eq!(rows.len(), 2);
        assert!(rows[1].ends_with('…'), "{rows:?}");
        assert!(wrap("", 10, 50.0, 2).is_empty());
    }
}
