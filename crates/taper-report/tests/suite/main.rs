//! What this crate promises from outside, in one binary.

mod browser;
mod figure;
mod page;
mod report;
