//! Which primitives have block math, and its addresses.

/// A function of the block math: `extern "C" fn(out.., x.., n)` on contiguous elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub name: &'static str,
    f32: usize,
    f64: usize,
}

impl Function {
    /// The address of the version for this element type.
    pub fn address(self, double: bool) -> usize {
        if double { self.f64 } else { self.f32 }
    }
}
