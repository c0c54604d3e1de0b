//! Taper
pub mod data;
mod error;

pub use error::{Complaint, Complaints, Error, Result, nearest};
