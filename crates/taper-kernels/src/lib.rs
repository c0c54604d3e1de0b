//! taper-kernels
