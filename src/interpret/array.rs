//! Dense arrays over index variables, with broadcasting.
#![allow(clippy::indexing_slicing)] // Proven: offsets come from strides and dimensions of the arrays they index.

use crate::ir::graph::VarId;

/// The value of a node: an element for every combination of its free variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The variables, outermost first.
    pub vars: Vec<VarId>,
    /// Size of each.
    pub dims: Vec<usize>,
    /// Row-major elements.
    pub data: Vec<f64>,
}

impl Array {
    /// A single number.
    pub fn of(value: f64) -> Array {
        Array { vars: Vec::new(), dims: Vec::new(), data: vec![value] }
    }

    /// The only element of an array without variables (NaN when there is none).
    pub fn scalar(&self) -> f64 {
        self.data.first().copied().unwrap_or(f64::NAN)
    }

    /// Stride along each of `vars`, 0 where the array does not depend on it.
    pub fn strides(&self, vars: &[VarId]) -> Vec<usize> {
        let own = row_major(&self.dims);
        vars.iter().map(|var| self.vars.iter().position(|own| own == var).map_or(0, |at| own[at])).collect()
    }

    /// The elements over `vars` of sizes `dims`, repeated along those the array does not depend on.
    pub fn broadcast(&self, vars: &[VarId], dims: &[usize]) -> Vec<f64> {
        let strides = [self.strides(vars)];
        let mut data = Vec::with_capacity(dims.iter().product());
        each(dims, &strides, |offsets| data.push(self.data[offsets[0]]));
        data
    }
}

/// Row-major strides.
pub fn row_major(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// Calls `f` for every index in row-major order with the offset into each array, given the arrays' strides.
pub fn each(dims: &[usize], strides: &[Vec<usize>], mut f: impl FnMut(&[usize])) {
    if dims.contains(&0) {
        return;
    }
    let mut index = vec![0; dims.len()];
    let mut offsets = vec![0; strides.len()];
    loop {
        f(&offsets);
        let mut axis = dims.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset += stride[axis];
            }
            if index[axis] < dims[axis] {
                break;
            }
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset -= stride[axis] * dims[axis];
            }
            index[axis] = 0;
        }
    }
}

/// Pairwise sum: error grows with log n.
pub fn pairwise(values: &[f64]) -> f64 {
    if values.len() <= 16 {
        return values.iter().sum();
    }
    let (low, high) = values.split_at(values.len() / 2);
    pairwise(low) + pairwise(high)
}
