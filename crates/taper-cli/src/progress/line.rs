//! The one line of a progress bar.

use std::time::Duration;

use indicatif::HumanDuration;

use crate::terminal::display_width;

/// Cells of the bar, at least and at most.
const CELLS: (usize, usize) = (5, 20);
const DONE: &str = "━";
const OPEN: &str = "·";

/// What the line says. What does not fit is left out, the last first: news, times, the bar.
pub(super) struct Line<'a> {
    pub(super) done: u64,
    /// `None`: nobody knows yet.
    pub(super) length: Option<u64>,
    pub(super) unit: &'a str,
    pub(super) elapsed: Duration,
    /// How long it probably takes from here.
    pub(super) left: Option<Duration>,
    /// Short texts; as many are shown, from the first, as there is room for.
    pub(super) news: &'a [String],
    pub(super) colors: bool,
}

impl Line<'_> {
    /// The line for a terminal of so many columns. The last column stays free: some terminals go on to the next line behind it.
    pub(super) fn text(&self, width: usize) -> String {
        let room = width.saturating_sub(1);
        let length = self.length.map_or("?".to_owned(), |length| length.to_string());
        let mut parts = vec![format!("{}/{length} {}", self.done, self.unit)];
        let mut used = display_width(&parts[0]);
        let cells = (width / 4).clamp(CELLS.0, CELLS.1);
        let bar = self.bar(cells);
        let mut add = |part: String, columns: usize| {
            let fits = used + 1 + columns <= room;
            if fits {
                used += 1 + columns;
                parts.push(part);
            }
            fits
        };
        if add(bar, cells) {
            let times = self.times();
            let columns = display_width(&times);
            let mut more = add(times, columns);
            for news in self.news {
                let news = format!("- {news}");
                let columns = display_width(&news);
                more = more && add(news, columns);
            }
        }
        parts.join(" ")
    }

    /// Done and open cells differ by their character, not by colour alone.
    fn bar(&self, cells: usize) -> String {
        let share = self.length.map_or(0.0, |length| self.done as f64 / length as f64);
        let done = ((share * cells as f64) as usize).min(cells);
        let (full, open) = (DONE.repeat(done), OPEN.repeat(cells - done));
        if self.colors { format!("\u{1b}[32m{full}\u{1b}[0m{open}") } else { format!("{full}{open}") }
    }

    fn times(&self) -> String {
        let short = |duration| format!("{:#}", HumanDuration(duration));
        match self.left {
            Some(left) if self.length.is_some_and(|length| self.done < length) => {
                format!("{}, {} left", short(self.elapsed), short(left))
            }
            _ => short(self.elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(done: u64, length: Option<u64>, news: &[String], width: usize) -> String {
        let (elapsed, left) = (Duration::from_secs(15), Some(Duration::from_secs(480)));
        Line { done, length, unit: "runs", elapsed, left, news, colors: false }.text(width)
    }

    #[test]
    fn the_line_is_shorter_than_every_terminal() {
        let news = ["best so far: l2 3.16e-3".to_owned(), "data_loss 0.0529".to_owned()];
        for width in 20..=200 {
            for (done, length) in [(0, None), (0, Some(4200)), (1999, Some(4200)), (4200, Some(4200))] {
                let text = line(done, length, &news, width);
                assert!(display_width(&text) < width, "{width}: {text}");
            }
        }
    }

    #[test]
    fn what_fits_is_said_and_nothing_is_cut_in_the_middle() {
        let news = ["best so far: l2 3.16e-3".to_owned(), "data_loss 0.0529".to_owned()];
        assert_eq!(line(1050, Some(4200), &news, 40), "1050/4200 runs ━━········ 15s, 8m left");
        assert_eq!(
            line(1050, Some(4200), &news, 80),
            "1050/4200 runs ━━━━━··············· 15s, 8m left - best so far: l2 3.16e-3"
        );
        assert!(line(1050, Some(4200), &news, 100).ends_with("l2 3.16e-3 - data_loss 0.0529"));
    }

    #[test]
    fn done_and_open_differ_without_colours() {
        let cells = |text: String| (text.matches(DONE).count(), text.matches(OPEN).count());
        assert_eq!(cells(line(126, Some(4200), &[], 80)), (0, 20));
        assert_eq!(cells(line(2100, Some(4200), &[], 80)), (10, 10));
        assert_eq!(cells(line(4200, Some(4200), &[], 80)), (20, 0));
        assert_ne!(DONE, OPEN);
    }
}
