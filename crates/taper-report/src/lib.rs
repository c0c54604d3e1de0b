//! taper-report
