//! The rows of an experiment that need no file.

use crate::data::{load_digits, load_sonnets, load_sunspots, make_utterances};
use crate::shape::Shape;
use crate::{Complaint, DataSpec, Dataset, Result};

/// Steps that a model sees of a series, if the experiment does not say.
const WINDOW: usize = 24;

impl DataSpec {
    /// The rows of a source that needs no file; `None` for a path.
    ///
    /// | source | input | target |
    /// |---|---|---|
    /// | `moons`, `circles`, `blobs` | (features) | class |
    /// | `digits` | (8, 8, 1), pixels 0 to 16 | the digit |
    /// | `sunspots` | (window, 1), the years before | the year's number |
    /// | `sonnets` | (window), the tokens before | the next token |
    /// | `utterances` | (20, 8) | 4 sounds |
    ///
    /// `standardize` brings the whole series of sunspots to mean 0 and standard deviation 1 over the years that training
    /// rows see, inputs and targets alike.
    ///
    /// # Errors
    ///
    /// Settings that the source cannot use.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::DataSpec;
    ///
    /// let rows = DataSpec::new("digits").rows()?;
    /// assert_eq!(rows.map(|rows| rows.rows()), Some(1797));
    /// assert_eq!(DataSpec::new("rows.csv").rows()?, None);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn rows(&self) -> Result<Option<Dataset>> {
        let rows = match self.source.as_str() {
            "digits" => digits(),
            "sunspots" => self.sunspots(),
            "sonnets" => {
                let tokens: Vec<f32> = load_sonnets().0.iter().map(|token| f32::from(*token)).collect();
                let window = self.window_of(tokens.len())?;
                windows(Shape::new([window])?, &tokens)
            }
            "utterances" => {
                let (samples, noise) = (self.samples.unwrap_or(100), self.noise.unwrap_or(0.0));
                make_utterances(samples, noise, self.random_state.unwrap_or(0))
            }
            _ if self.is_generated() => Dataset::from_sample(&self.generate()?),
            _ => return Ok(None),
        };
        let rows = rows.map_err(|error| error.within("data"))?;
        self.first(rows).map(Some)
    }

    /// As many rows as were asked for.
    fn first(&self, rows: Dataset) -> Result<Dataset> {
        match self.samples {
            Some(samples) if samples == 0 || samples > rows.rows() => {
                let expected = format!("a whole number from 1 to {}", rows.rows());
                Err(Complaint::new("data.samples", expected, samples).into())
            }
            Some(samples) if samples < rows.rows() => rows.select(&(0..samples).collect::<Vec<_>>()),
            _ => Ok(rows),
        }
    }

    fn sunspots(&self) -> Result<Dataset> {
        let mut values: Vec<f64> = load_sunspots().iter().map(|(_, number)| *number).collect();
        let window = self.window_of(values.len())?;
        if self.standardize {
            let rows = values.len() - window;
            let seen = window + self.train.unwrap_or(rows * 7 / 10).min(rows);
            let scaler = crate::data::StandardScaler::fit(&values[..seen], 1)?;
            scaler.transform(&mut values);
        }
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        windows(Shape::new([window, 1])?, &values)
    }

    /// The window, which must leave something to predict.
    fn window_of(&self, steps: usize) -> Result<usize> {
        let window = self.window.unwrap_or(WINDOW);
        if window == 0 || window >= steps {
            let expected = format!("a whole number from 1 to {}", steps - 1);
            return Err(Complaint::new("window", expected, window).into());
        }
        Ok(window)
    }
}

fn digits() -> Result<Dataset> {
    let sample = load_digits();
    let x = sample.x.iter().map(|pixel| *pixel as f32).collect();
    Dataset::new(Shape::new([8, 8, 1])?, x, 1, sample.y.iter().map(|digit| *digit as f32).collect())
}

/// Each stretch of a series with what comes next.
fn windows(shape: Shape, series: &[f32]) -> Result<Dataset> {
    let window = shape.len();
    let x = series.windows(window + 1).flat_map(|pair| &pair[..window]).copied().collect();
    Dataset::new(shape, x, 1, series[window..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_followed_by_its_target() {
        let data = windows(Shape::new([2, 1]).unwrap(), &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((data.x(), data.y()), (&[1.0, 2.0, 2.0, 3.0][..], &[3.0, 4.0][..]));
    }

    #[test]
    fn the_scale_of_sunspots_comes_from_the_years_that_train() {
        let spec = DataSpec { standardize: true, train: Some(100), window: Some(10), ..DataSpec::new("sunspots") };
        let rows = spec.rows().unwrap().unwrap();
        assert_eq!((rows.rows(), rows.input_shape().sizes()), (299, &[10, 1][..]));
        // The first inputs and the targets of the training rows are the first 110 years.
        let seen: Vec<f32> = rows.x()[..10].iter().chain(&rows.y()[..100]).copied().collect();
        let mean = seen.iter().sum::<f32>() / 110.0;
        let variance = seen.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 110.0;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let error = |spec: DataSpec| spec.rows().unwrap_err().to_string();
        assert!(error(DataSpec { window: Some(309), ..DataSpec::new("sunspots") }).starts_with("data.window: "));
        assert!(error(DataSpec { samples: Some(1798), ..DataSpec::new("digits") }).starts_with("data.samples: "));
        assert!(error(DataSpec { samples: Some(0), ..DataSpec::new("utterances") }).starts_with("data.samples: "));
    }
}
