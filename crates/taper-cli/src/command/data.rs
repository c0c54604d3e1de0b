//! `taper data`: generated rows as a file.

use std::path::Path;

use taper::DataSpec;
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
        Data::Digits { out } => return built_in(&DataSpec::new("digits"), out),
        Data::Sunspots { window, out } => {
            return built_in(&DataSpec { window: Some(*window), ..DataSpec::new("sunspots") }, out);
        }
    };
    taper_io::write_sample(&args.out, &sample)?;
    output::note(&format!("{} rows of {} features: {}", sample.y.len(), sample.features, args.out.display()));
    Ok(())
}

fn built_in(spec: &DataSpec, out: &Path) -> Result<(), Failure> {
    let rows = taper_io::read_rows(spec, Path::new(""))?;
    taper_io::write_rows(out, &rows)?;
    output::note(&format!("{} rows of {}: {}", rows.rows(), rows.input_shape(), out.display()));
    Ok(())
}
