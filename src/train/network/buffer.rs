//! Scratch memory that outlives a step, so that a training step allocates next to nothing.
//!
//! A [`Buffer`] goes back to its [`Pool`] when the last op that needs it is done. Holds numbers
//! only; knows nothing of shapes.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers of one length that are kept at most; more are freed.
const KEPT: usize = 64;

/// Freed buffers by length, shared by everything that computes on one shard of a batch.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pool(Arc<Mutex<HashMap<usize, Vec<Vec<f32>>>>>);

impl Pool {
    /// A vector of `len` numbers with whatever was in it before.
    pub(crate) fn stale(&self, len: usize) -> Vec<f32> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free.get_mut(&len).and_then(Vec::pop);
        drop(free);
        found.unwrap_or_else(|| vec![0.0; len])
    }

    /// Takes a vector back.
    pub(crate) fn put(&self, data: Vec<f32>) {
        if data.is_empty() {
            return;
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = free.entry(data.len()).or_default();
        if kept.len() < KEPT {
            kept.push(data);
        }
    }

    /// A buffer of `len` numbers with whatever was in it before.
    pub(crate) fn buffer(&self, len: usize) -> Buffer {
        Buffer { data: self.stale(len), pool: self.clone() }
    }

    /// A buffer that holds a copy.
    pub(crate) fn copy(&self, from: &[f32]) -> Buffer {
        let mut buffer = self.buffer(from.len());
        buffer.copy_from_slice(from);
        buffer
    }
}

/// Numbers that return to their pool when dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    data: Vec<f32>,
    pool: Pool,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.data));
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.data
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let pool = Pool::default();
        let first = pool.copy(&[1.0, 2.0]);
        let address = first.as_ptr();
        drop(first);
        assert_ne!(pool.buffer(3).as_ptr(), address);
        assert_eq!(pool.buffer(2).as_ptr(), address);
    }
}
