//! Sequences of sounds with what was said.

use std::f64::consts::TAU;

use super::RandomState;
use super::sample::{check_count, check_deviation};
use crate::shape::Shape;
use crate::{Complaints, Dataset, Result};

/// Frames of one utterance.
const FRAMES: usize = 20;
/// Energies of one frame.
const BANDS: usize = 8;
/// Sounds of one utterance.
const SOUNDS: usize = 4;
/// Different sounds.
const KINDS: i64 = 6;
/// Frames of the shortest and the longest sound.
const SHORTEST: i64 = 3;
const LONGEST: i64 = 5;

/// Synthetic speech: four sounds, each held for three to five frames, then silence; the targets are the sounds in order. A
/// model has to find out where one sound ends and the next begins, as in speech recognition, but on rows that cost nothing.
///
/// Sound k of 6 has the energy `1 + cos(τ (k + 1) (band + ½) / 16)` in each of 8 bands; every number then gets normal noise.
///
/// # Arguments
///
/// * `samples`: rows, at least 1.
/// * `noise`: standard deviation of the noise.
/// * `random_state`: seed of sounds, lengths and noise.
///
/// # Returns
///
/// Inputs of shape (20, 8), targets of 4 numbers from 0 to 5.
///
/// # Errors
///
/// Complaints about `samples` and `noise` out of their ranges.
///
/// # Example
///
/// ```
/// use taper::data::make_utterances;
///
/// let rows = make_utterances(50, 0.2, 1)?;
/// assert_eq!((rows.rows(), rows.input_shape().sizes(), rows.target_len()), (50, &[20, 8][..], 4));
/// # Ok::<(), taper::Error>(())
/// ```
pub fn make_utterances(samples: usize, noise: f64, random_state: u32) -> Result<Dataset> {
    let mut complaints = Complaints::new();
    check_count(&mut complaints, "samples", samples, FRAMES * BANDS);
    check_deviation(&mut complaints, "noise", noise);
    complaints.finish()?;

    let mut random = RandomState::new(random_state);
    let mut x = Vec::with_capacity(samples * FRAMES * BANDS);
    let mut y = Vec::with_capacity(samples * SOUNDS);
    for _ in 0..samples {
        let end = x.len() + FRAMES * BANDS;
        for _ in 0..SOUNDS {
            let sound = random.randint(0, KINDS);
            let length = random.randint(SHORTEST, LONGEST + 1);
            for _ in 0..length {
                x.extend((0..BANDS).map(|band| energy(sound, band)));
            }
            y.push(sound as f32);
        }
        x.resize(end, 0.0);
        for number in &mut x[end - FRAMES * BANDS..] {
            *number += random.normal(0.0, noise) as f32;
        }
    }
    Dataset::new(Shape::new([FRAMES, BANDS])?, x, SOUNDS, y)
}

fn energy(sound: i64, band: usize) -> f32 {
    (1.0 + libm::cos(TAU * (sound + 1) as f64 * (band as f64 + 0.5) / 16.0)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_noise_the_frames_are_the_sounds_and_then_silence() {
        let rows = make_utterances(20, 0.0, 3).unwrap();
        for (x, y) in rows.x().chunks(FRAMES * BANDS).zip(rows.y().chunks(SOUNDS)) {
            let first: Vec<f32> = (0..BANDS).map(|band| energy(y[0] as i64, band)).collect();
            assert_eq!(x[..BANDS], first);
            let sounding = x.chunks(BANDS).filter(|frame| frame.iter().any(|energy| *energy != 0.0)).count();
            assert!((12..=20).contains(&sounding));
        }
        assert!(make_utterances(0, 0.0, 3).is_err() && make_utterances(1, -1.0, 3).is_err());
    }
}
