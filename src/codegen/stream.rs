//! Copies past the caches, for results that no cache would keep.
//!
//! A plain store first reads the line that it is about to overwrite; a streaming store does not. Where a batch's gradients
//! are larger than the caches that is a third of the memory traffic of writing them. Depends on the machine's level only.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::vmath::{Level, level};

/// Whether results of so many bytes are streamed: where they are more than a core has of the last cache. Smaller ones are
/// read back from there, and where arithmetic takes longer than memory the second copy costs a tenth.
pub(super) fn pays(bytes: usize) -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    return bytes >= 32 << 20 && level() == Level::Avx512;
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        let _ = bytes;
        false
    }
}

/// Copies `len` bytes. Other threads may read the target after this thread's [`fence`] only.
///
/// # Safety
/// `source` is readable and `target` writable for `len` bytes, and they do not overlap.
pub(super) unsafe fn copy(source: *const u8, target: *mut u8, len: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if level() == Level::Avx512 {
        // SAFETY: the caller's promise, and the machine has the instructions.
        return unsafe { avx512(source, target, len) };
    }
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(source, target, len) }
}

/// Orders this thread's copies before whatever it does next.
pub(super) fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 machine has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    }
}

/// Whole lines are streamed; what is left at both ends is stored as usual.
///
/// # Safety
/// As for [`copy`].
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(source: *const u8, target: *mut u8, len: usize) {
    use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_stream_si512};
    const LINE: usize = size_of::<__m512i>();
    let head = target.align_offset(LINE).min(len);
    let end = head + (len - head) / LINE * LINE;
    // SAFETY: `head ≤ end ≤ len`, and `target` is aligned to a line from `head` on.
    unsafe {
        std::ptr::copy_nonoverlapping(source, target, head);
        for at in (head..end).step_by(LINE) {
            _mm512_stream_si512(target.add(at).cast(), _mm512_loadu_si512(source.add(at).cast()));
        }
        std::ptr::copy_nonoverlapping(source.add(end), target.add(end), len - end);
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    #[test]
    fn every_byte_arrives_whatever_the_alignment() {
        let source: Vec<u8> = (0..600u32).map(|at| (at % 251) as u8 + 1).collect();
        for (from, to, len) in [(0, 0, 512), (1, 0, 511), (0, 3, 500), (5, 61, 64), (7, 1, 63), (0, 63, 130), (9, 9, 0)]
        {
            let mut target = vec![0u8; 700];
            // SAFETY: both ranges lie inside their arrays.
            unsafe { super::copy(source.as_ptr().add(from), target.as_mut_ptr().add(to), len) };
            super::fence();
            let mut expected = vec![0u8; 700];
            expected[to..to + len].copy_from_slice(&source[from..from + len]);
            assert_eq!(target, expected, "{len} bytes from {from} to {to}");
        }
    }
}
