//! Meaning: names, axes, supports.
