//! The derivation as a document.
