//! `taper data`: generated rows as a file.

use taper::data::{make_blobs, make_circles, make_moons};

use crate::args::Data;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(data: &Data) -> Result<(), Failure> {
    let (sample, args) = match data {
        Data::Moons { noise, sample } => (make_moons(sample.samples, *noise, sample.random_state)?, sample),
        Data::Circles { noise, factor, sample } => {
            (make_circles(sample.samples, *noise, *factor, sample.random_state)?, sample)
        }
        Data::Blobs { features, centers, cluster_std, sample } => {
            (make_blobs(sample.samples, *features, *centers, *cluster_std, sample.random_state)?, sample)
        }
    };
    taper_io::write_sample(&args.out, &sample)?;
    output::note(&format!("{} rows of {} features: {}", sample.y.len(), sample.features, args.out.display()));
    Ok(())
}
