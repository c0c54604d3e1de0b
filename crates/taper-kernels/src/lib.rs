//! Numbers only: slices of `f32` in, slices of `f32` out.
//!
//! Every kernel is written once against [`pulp::Simd`] and compiled for AVX-512, AVX2 + FMA, NEON and a portable fallback;
//! [`Isa`] picks at run time. No kernel allocates, reads a clock or knows what a layer is. Beside each fast kernel that is
//! not self-evident stands its naive twin in [`naive`], which *defines* it; property tests hold the two together.
//!
//! Conventions: matrices are row-major; `d` before a name is the gradient of the loss with respect to it; lengths that do
//! not meet are mistakes of the programmer and panic.

pub mod activation;
pub mod convolution;
pub mod crossentropy;
pub mod depthwise;
pub mod group;
pub mod hidden;
mod isa;
pub mod lane;
mod macros;
pub mod matrix;
pub mod naive;
mod narrow;
pub mod normalization;
pub mod nuclear;
pub mod orthogonal;
mod pack;
pub mod parallel;
pub mod peak;
pub mod penalized;
pub mod penalty;
pub mod pooling;
mod product;
pub mod proximal;
mod rare_activation;
pub mod recurrent;
pub mod reduce;
pub mod rho;
pub mod softmax;
pub mod step;
pub mod update;
pub mod window;

pub use isa::{Isa, force_isa, isa};
