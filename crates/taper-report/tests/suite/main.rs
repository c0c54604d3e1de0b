//! What this crate promises from outside, in one binary.

mod browser;
mod choice;
mod figure;
mod page;
mod report;
