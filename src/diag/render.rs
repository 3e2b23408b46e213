//! The one renderer of diagnostics.
