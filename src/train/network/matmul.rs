//! Matrix products on the `gemm` crate, behind a safe face: the only `unsafe` of `train`.
//!
//! `gemm` chooses AVX-512, AVX2 or the baseline when it runs. One thread: the batch is what gets
//! split (see [`crate::train::step`]), so that a sum never depends on how many threads there are.

/// A matrix inside a slice of numbers, stored row by row, or the transpose of one.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// The first `rows · cols` numbers of `data`, row by row.
    ///
    /// # Panics
    /// If there are fewer. Sizes come from [`super::layers::infer`], so this is an internal error.
    pub(super) fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        assert!(
            rows.checked_mul(cols).is_some_and(|n| n <= data.len()),
            "a {rows}×{cols} matrix in {} numbers",
            data.len()
        );
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// The transpose, without moving anything.
    pub(super) fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// Writes a·b into `dst`, row by row, or adds it to what is there.
///
/// # Panics
/// If the inner sizes differ or `dst` is too short: internal errors, as in [`Matrix::new`].
pub(super) fn matmul(dst: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, accumulate: bool) {
    assert_eq!(a.cols, b.rows, "inner sizes of a matrix product");
    let (rows, cols) = (a.rows, b.cols);
    assert!(rows.checked_mul(cols).is_some_and(|n| n <= dst.len()), "room for a matrix product");
    if rows == 0 || cols == 0 {
        return;
    }
    let alpha = if accumulate { 1.0 } else { 0.0 };
    // SAFETY: gemm reads element (i, j) of an operand at `i · row_stride + j · col_stride` for
    // every i < rows and j < cols, and writes dst at `i · cols + j`. `Matrix::new` has checked that
    // a slice holds rows · cols numbers, of which (rows − 1) · cols + cols − 1 is the last one
    // read, transposed or not; the assertion above checks dst. A slice is shorter than
    // `isize::MAX` bytes, so no stride overflows. dst is borrowed mutably and cannot overlap a or b.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            rows,
            cols,
            a.cols,
            dst.as_mut_ptr(),
            1,
            cols.cast_signed(),
            accumulate,
            a.data.as_ptr(),
            a.col_stride.cast_signed(),
            a.row_stride.cast_signed(),
            b.data.as_ptr(),
            b.col_stride.cast_signed(),
            b.row_stride.cast_signed(),
            alpha,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_orientations_match_the_sum() {
        // 3×2 times 2×4, worked out by hand.
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 2.0, -1.0, 0.5, 1.0, 0.0, 2.0];
        let want = [2.0, 2.0, 2.0, 3.0, 5.0, 4.0, 6.0, 5.0, 8.0, 6.0, 10.0, 7.0];
        let at = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0];
        let bt = [1.0, 0.5, 0.0, 1.0, 2.0, 0.0, -1.0, 2.0];
        for left in [Matrix::new(&a, 3, 2), Matrix::new(&at, 2, 3).t()] {
            for right in [Matrix::new(&b, 2, 4), Matrix::new(&bt, 4, 2).t()] {
                let mut out = [f32::NAN; 12];
                matmul(&mut out, left, right, false);
                assert_eq!(out, want);
                matmul(&mut out, left, right, true);
                assert_eq!(out, want.map(|x| 2.0 * x));
            }
        }
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn sizes_that_do_not_fit_are_refused() {
        let a = [0.0; 6];
        matmul(&mut [0.0; 4], Matrix::new(&a, 2, 3), Matrix::new(&a, 2, 3), false);
    }

    #[test]
    #[should_panic(expected = "3×3 matrix in 6 numbers")]
    fn short_slices_are_refused() {
        let _ = Matrix::new(&[0.0; 6], 3, 3);
    }
}
