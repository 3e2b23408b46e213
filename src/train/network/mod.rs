//! Networks over dfdx.
