//! What this crate promises from outside, in one binary.

mod figure;
mod page;
mod report;
