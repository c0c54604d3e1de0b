//! Worked studies.

mod breast_cancer;
mod digits;
mod grid;
mod moons;
mod moons_report;
mod sunspots;

use crate::args::Demo;
use crate::failure::Failure;

pub(crate) fn run(demo: &Demo) -> Result<(), Failure> {
    match demo {
        Demo::Moons(args) => moons::run(args),
        Demo::Digits(args) => grid::run(&digits::PROBLEM, args),
        Demo::BreastCancer(args) => breast_cancer::run(args),
        Demo::Sunspots(args) => grid::run(&sunspots::PROBLEM, args),
    }
}
