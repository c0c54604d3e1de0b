//! Numbers to learn from: exactly reproduced toy problems, splits into training and test rows, and scaling.
//!
//! What shares its name with something of scikit-learn's gives what scikit-learn 1.9 on NumPy 2.4 gives for the same arguments and the same integer
//! `random_state`, so that a published experiment can be repeated on the very rows it was made with:
//!
//! | here | there |
//! |---|---|
//! | [`make_moons`], [`make_circles`], [`make_blobs`] | `sklearn.datasets`, same names |
//! | [`load_digits`] | `sklearn.datasets.load_digits` |
//! | [`train_test_split`] | `sklearn.model_selection.train_test_split` |
//! | [`stratified_train_test_split`] | the same with `stratify=labels` |
//! | [`StandardScaler`] | `sklearn.preprocessing.StandardScaler` |
//! | [`RandomState`] | `numpy.random.RandomState` |
//!
//! Tables are row-major: row `i` of a table with `features` columns is `x[i * features..(i + 1) * features]`.
//!
//! [`load_sunspots`], [`load_sonnets`] and [`make_utterances`] are for models of sequences. Nothing is read from the disk: what
//! is loaded is part of the library.
//!
//! # Which bits
//!
//! Integers (labels, indices, permutations) are the same everywhere. Floating-point numbers go through the logarithm,
//! sine and cosine of the platform's C library, as NumPy's do: on Linux with glibc every bit is NumPy's, and elsewhere
//! the last place of some numbers may differ. (The `libm` crate gives one answer on every platform, but
//! not NumPy's: measured against NumPy 2.4, 3% of its sines and cosines and 7% of its logarithms differ in the last
//! place.) Which draws are rejected never depends on these functions, so a difference cannot grow.
//!
//! # Example
//!
//! ```
//! use taper::data::{StandardScaler, make_moons, stratified_train_test_split};
//!
//! # fn main() -> taper::Result<()> {
//! let moons = make_moons(100, 0.2, 1)?;
//! let (train, test) = stratified_train_test_split(&moons.y, 0.3, 1)?;
//! assert_eq!((train.len(), test.len()), (70, 30));
//!
//! // Only training rows may teach the scaler: test rows must stay unseen.
//! let mut rows: Vec<f64> = train.iter().flat_map(|&i| moons.row(i)).copied().collect();
//! let scaler = StandardScaler::fit(&rows, moons.features)?;
//! scaler.transform(&mut rows);
//! # Ok(())
//! # }
//! ```

mod blobs;
mod circles;
mod digits;
mod moons;
mod random_state;
mod sample;
mod scaler;
mod sonnets;
mod split;
mod sunspots;
mod utterances;

pub use blobs::make_blobs;
pub use circles::make_circles;
pub use digits::load_digits;
pub use moons::make_moons;
pub use random_state::RandomState;
pub use sample::Sample;
pub use scaler::StandardScaler;
pub use sonnets::load_sonnets;
pub use split::{stratified_train_test_split, train_test_split};
pub use sunspots::load_sunspots;
pub use utterances::make_utterances;
