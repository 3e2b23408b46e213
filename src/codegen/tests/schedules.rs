//! What the schedule promises about work and memory.

use super::programs;
use crate::codegen::layout::Extent;
use crate::codegen::legal::{Variant, legalise};
use crate::codegen::schedule::{Place, Schedule, Step, Term, Value};
use crate::ir::op::Op;

fn schedule(case: &super::Case) -> Schedule {
    let variant = Variant { gradients: true, uniform: true };
    Schedule::new(legalise(&case.loss, &case.sizes, variant), &case.sizes)
}

fn count(steps: &[Step], what: impl Fn(&Step) -> bool) -> usize {
    steps.iter().filter(|step| what(step)).count()
}

/// softplus, sigmoid and what follows from them are one call on one argument, and the gain's gradient leaves the tile as a sum over rows.
#[test]
fn functions_of_one_argument_are_one_call() {
    let schedule = schedule(&programs::counts::<40>());
    let math = |step: &Step| matches!(step, Step::Math { .. });
    let family = |step: &Step| matches!(step, Step::Math { outs, .. } if outs.len() == 4);
    assert_eq!((count(&schedule.tile, math), count(&schedule.tile, family)), (1, 1), "{schedule}");
    assert_eq!(count(&schedule.tile, |step| matches!(step, Step::RowSum { width: 40, .. })), 1, "{schedule}");
    assert_eq!(schedule.sums, 41);
    assert!(matches!(schedule.terms[..], [Term::Sum(_), Term::Scalar(_)]));
}

/// A triplet's differences are computed once, though the distance and its gradient name their index differently; nothing
/// is expanded, and both gradients go straight to the caller.
#[test]
fn differences_are_shared_and_nothing_is_expanded() {
    let schedule = schedule(&programs::triplet::<128>());
    let subtractions = |step: &Step| match step {
        Step::Map(map) => map.values.iter().filter(|value| matches!(value, Value::Apply(Op::Sub, _))).count(),
        _ => 0,
    };
    // a − p, a − n, d − d and the difference of the two gradients.
    assert_eq!(schedule.tile.iter().map(subtractions).sum::<usize>(), 4, "{schedule}");
    assert_eq!(count(&schedule.tile, |step| matches!(step, Step::Copy(_))), 0, "{schedule}");
    let direct = schedule.slots.iter().filter(|slot| matches!(slot.place, Place::Gradient(_)));
    assert_eq!(direct.count(), 3);
    assert_eq!(schedule.tile_rows, Some(8));
}

/// Buffers are given back: the working set of a Poisson tile is four vectors however many steps there are.
#[test]
fn buffers_are_reused() {
    let schedule = schedule(&programs::poisson());
    assert_eq!(schedule.tile_rows, Some(1024));
    assert!(schedule.temp.len() <= 4, "{schedule}");
    assert!(schedule.temp.iter().all(|region| *region == Extent { fixed: 1, rows: 1 }));
}

/// A program whose rows look at each other is one tile.
#[test]
fn whole_batches_are_one_tile() {
    assert_eq!(schedule(&programs::batch()).tile_rows, None);
}
