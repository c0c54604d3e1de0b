//! taper-io
