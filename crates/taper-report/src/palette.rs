//! Colours: one per role, the same in every figure, and told apart by colour-blind readers.
//!
//! Okabe and Ito, "Color Universal Design" (2008), <https://jfly.uni-koeln.de/color/>. Where roles and classes meet in
//! one figure they must not be confused, so classes take the palette's other colours, and shapes beside them.

use serde::{Deserialize, Serialize};

/// Red, green and blue, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Rgb {
    /// The colour `amount` (0 to 1) of the way from `self` to `other`.
    pub(crate) fn mix(self, other: Rgb, amount: f64) -> Rgb {
        let between =
            |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * amount.clamp(0.0, 1.0)).round() as u8;
        Rgb(between(self.0, other.0), between(self.1, other.1), between(self.2, other.2))
    }
}

pub(crate) const WHITE: Rgb = Rgb(255, 255, 255);
/// Titles and labels.
pub(crate) const INK: Rgb = Rgb(34, 34, 34);
/// Tick labels and notes: 7:1 against white.
pub(crate) const QUIET: Rgb = Rgb(85, 85, 85);
/// Axis lines and zero lines.
pub(crate) const AXIS: Rgb = Rgb(130, 130, 130);
pub(crate) const GRID: Rgb = Rgb(230, 230, 230);

const BLUE: Rgb = Rgb(0, 114, 178);
const VERMILLION: Rgb = Rgb(213, 94, 0);
const GREEN: Rgb = Rgb(0, 158, 115);
const PURPLE: Rgb = Rgb(204, 121, 167);
const ORANGE: Rgb = Rgb(230, 159, 0);
const SKY: Rgb = Rgb(86, 180, 233);
const YELLOW: Rgb = Rgb(240, 228, 66);
const GREY: Rgb = Rgb(110, 110, 110);

/// What a line is about. It decides the colour, so that training is blue in every figure.
///
/// # Example
///
/// ```
/// use taper_report::Role;
///
/// assert_eq!(serde_json::to_string(&Role::Train)?, "\"train\"");
/// assert_eq!(serde_json::to_string(&Role::Setting(2))?, "{\"setting\":2}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Rows the model was trained on: blue.
    Train,
    /// Rows that steer a choice (early stopping, λ): vermillion, dashed and with diamonds where means are drawn.
    Validation,
    /// Rows that no choice has seen: vermillion.
    Test,
    /// The penalty on the weights: green.
    Penalty,
    /// One setting among several, by its place: a colour of its own up to 7, from then on the same colours dashed.
    Setting(usize),
}

impl Role {
    pub(crate) fn color(self) -> Rgb {
        match self {
            Role::Train => BLUE,
            Role::Validation | Role::Test => VERMILLION,
            Role::Penalty => GREEN,
            Role::Setting(place) => [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK][place % 7],
        }
    }

    /// Dash pattern for lines between means.
    pub(crate) fn dash(self) -> Option<&'static str> {
        match self {
            Role::Validation => Some("6,4"),
            Role::Setting(place) if place / 7 % 2 == 1 => Some("7,3"),
            _ => None,
        }
    }
}

/// Colour of the `place`-th of `count` settings that have an order, such as rising λ: from dark violet to light green,
/// ever lighter, so that the order survives colour blindness and grey print.
pub(crate) fn ordered(place: usize, count: usize) -> Rgb {
    // Stops of the viridis map (Smith and van der Walt 2015), its yellow end left out: it vanishes on white.
    const STOPS: [Rgb; 5] = [Rgb(68, 1, 84), Rgb(65, 68, 135), Rgb(42, 120, 142), Rgb(34, 168, 132), Rgb(100, 195, 90)];
    let position = if count < 2 { 0.0 } else { place.min(count - 1) as f64 / (count - 1) as f64 * 4.0 };
    let stop = (position as usize).min(3);
    STOPS[stop].mix(STOPS[stop + 1], position - stop as f64)
}

/// Fill and edge of a class's points.
pub(crate) fn class(index: usize) -> (Rgb, Rgb) {
    const FILL: [Rgb; 6] = [ORANGE, SKY, GREEN, PURPLE, YELLOW, GREY];
    let fill = FILL[index % FILL.len()];
    (fill, fill.mix(Rgb(0, 0, 0), 0.45))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_keep_their_colours() {
        assert_eq!(Role::Train.color(), BLUE);
        assert_eq!(Role::Test.color(), Role::Validation.color());
        assert_ne!(Role::Setting(0).color(), Role::Setting(1).color());
    }

    #[test]
    fn ordered_colours_get_lighter() {
        let light = |c: Rgb| 0.3 * f64::from(c.0) + 0.59 * f64::from(c.1) + 0.11 * f64::from(c.2);
        let ramp: Vec<f64> = (0..13).map(|place| light(ordered(place, 13))).collect();
        assert!(ramp.windows(2).all(|pair| pair[0] < pair[1]), "{ramp:?}");
        assert_eq!(ordered(0, 1), ordered(0, 13));
    }
}
