//! Worked studies.

mod moons;
mod moons_report;

use crate::args::Demo;
use crate::failure::Failure;

pub(crate) fn run(demo: &Demo) -> Result<(), Failure> {
    match demo {
        Demo::Moons(args) => moons::run(args),
    }
}
