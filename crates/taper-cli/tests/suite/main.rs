//! The program as a black box: what is typed, what comes out, what lies in the folder afterwards.

mod bad_input;
mod bench;
mod data;
mod demo;
mod divergence;
mod fit;
mod help;
mod inspect;
#[cfg(unix)]
mod interrupt;
mod lambda;
mod penalty;
mod policy;
mod study;
mod warning;
