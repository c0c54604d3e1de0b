//! The program as a black box: what is typed, what comes out, what lies in the folder afterwards.

mod bad_input;
mod bench;
mod choose;
mod compact;
mod convert;
mod data;
mod demo;
mod divergence;
#[cfg(unix)]
mod doors;
mod elsewhere;
mod evaluate;
mod fit;
mod folder;
mod help;
mod init;
mod inspect;
#[cfg(unix)]
mod interrupt;
mod keras;
mod lambda;
mod leaving;
mod manners;
mod metric;
mod number;
mod penalty;
mod plan;
mod policy;
mod reference;
mod resume;
mod runs;
mod split;
mod study;
mod table;
mod verdict;
mod warning;
