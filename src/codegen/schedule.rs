//! The schedule of a loss: dense buffers and the steps that fill them. What the code generator turns into one function
//! a tile, and a person can read (`Display`).
//!
//! Rows are taken a *tile* at a time, so that every buffer stays in the first cache. Nodes fall into three phases: `once`
//! a call (nothing of the row in them), `tile` (whatever depends on the row) and `after` (whatever depends on a sum over
//! all rows). Programs whose rows look at each other are scheduled as one tile that holds the whole batch.
//! Elementwise nodes on one domain are fused into maps; transcendental functions are calls on whole buffers; broadcasts,
//! reductions and gathers are precompiled kernels. Depends on the IR, `layout` and `legal`; emits no code.

use std::fmt;

use super::layout::Extent;
use super::vmath::Function;
use crate::ir::graph::InputId;
use crate::ir::op::{Op, ReduceOp};

/// A buffer a step reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SlotId(pub u32);

impl SlotId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a buffer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The caller's array.
    Input(InputId),
    /// The caller's row weights.
    Seed,
    /// The caller's gradient array, by position.
    Gradient(usize),
    /// A region filled once a call, shared by all threads.
    Held(usize),
    /// A region of a thread's workspace.
    Temp(usize),
}

/// A buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub place: Place,
    /// Elements a row when the buffer is the caller's and advances with the tile; else 0.
    pub row_stride: usize,
}

/// An operand of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operand {
    pub slot: SlotId,
    pub access: Access,
}

/// How a map walks over an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// With the elements of the domain.
    Stream,
    /// One number for all elements.
    Splat,
    /// One number for each run over the inner dimensions.
    Outer,
    /// The same elements in every run.
    Inner,
}

/// A value inside a map; arguments are positions in [`Map::values`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Const(f64),
    Operand(usize),
    Apply(Op, Vec<usize>),
}

/// A fused loop over one domain.
#[derive(Clone, Debug)]
pub(super) struct Map {
    /// Elements: one run, or with [`Access::Outer`] and [`Access::Inner`] operands `outer` runs of `inner`.
    pub outer: Extent,
    pub inner: Extent,
    pub operands: Vec<Operand>,
    pub values: Vec<Value>,
    pub stores: Vec<(usize, SlotId)>,
}

/// A strided copy: broadcast, transposition, gather.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub out: SlotId,
    pub source: SlotId,
    /// Size of each dimension of the destination and the source's stride along it (a sum of monomials).
    pub dims: Vec<(Extent, Vec<Extent>)>,
    /// Computed subscripts: a buffer of indices over the destination, the size they are clamped to, the source's stride.
    pub computed: Vec<(SlotId, Extent, Extent)>,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A fused loop, compiled.
    Map(Map),
    /// Block math: a table entry called on whole buffers.
    Math {
        function: Function,
        outs: Vec<SlotId>,
        ins: Vec<SlotId>,
        extent: Extent,
    },
    /// A primitive without block math: its reference function on each element.
    Eval {
        op: Op,
        out: SlotId,
        ins: Vec<SlotId>,
        extent: Extent,
    },
    Copy(Copy),
    /// A reduction of the middle of three dimensions.
    Reduce {
        op: ReduceOp,
        out: SlotId,
        body: SlotId,
        cond: Option<SlotId>,
        outer: Extent,
        size: Extent,
        inner: Extent,
    },
    /// 0, 1, 2, … (from the tile's first row when it counts rows).
    Count {
        out: SlotId,
        extent: Extent,
        rows: bool,
    },
    /// The number of rows.
    Rows {
        out: SlotId,
    },
    /// Adds the tile's rows to `width` sums.
    RowSum {
        body: SlotId,
        width: usize,
        sum: usize,
    },
    /// Adds the tile's weighted rows to a term's sum.
    TermSum {
        body: SlotId,
        sum: usize,
    },
    /// Reads sums over all rows.
    Total {
        out: SlotId,
        width: usize,
        sum: usize,
    },
}

/// Where a term's value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A sum over rows.
    Sum(usize),
    /// A scalar.
    Scalar(SlotId),
}

/// The schedule.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// Rows a tile; `None`: the whole batch is one.
    pub tile_rows: Option<usize>,
    /// Elements of the widest buffer a row.
    pub width: usize,
    pub slots: Vec<Slot>,
    pub held: Vec<Extent>,
    pub temp: Vec<Extent>,
    pub once: Vec<Step>,
    pub tile: Vec<Step>,
    pub after: Vec<Step>,
    /// Number of f64 sums over rows.
    pub sums: usize,
    pub terms: Vec<Term>,
    pub per_row: Option<SlotId>,
}

/// Primitives that a map computes itself.
pub(super) fn is_elementwise(op: Op) -> bool {
    use Op::{
        Abs, Add, And, Detach, Div, Eq, Floor, Le, Lt, Max, Min, Mul, MulZero, Neg, Not, Or, Relu, Select, Sign, Sqrt,
        Square, Sub, ZeroDiv,
    };
    matches!(
        op,
        Neg | Add
            | Sub
            | Mul
            | MulZero
            | Div
            | Square
            | Sqrt
            | Abs
            | Sign
            | Floor
            | Min
            | Max
            | Relu
            | Detach
            | Lt
            | Le
            | Eq
            | And
            | Or
            | Not
            | Select
            | ZeroDiv
    )
}

impl Step {
    /// The buffers the step fills.
    pub fn outs(&self) -> Vec<SlotId> {
        match self {
            Step::Map(map) => map.stores.iter().map(|&(_, slot)| slot).collect(),
            Step::Math { outs, .. } => outs.clone(),
            Step::Copy(copy) => vec![copy.out],
            Step::Eval { out, .. }
            | Step::Reduce { out, .. }
            | Step::Count { out, .. }
            | Step::Rows { out }
            | Step::Total { out, .. } => vec![*out],
            Step::RowSum { .. } | Step::TermSum { .. } => Vec::new(),
        }
    }

    /// The buffers the step reads.
    pub fn ins(&self) -> Vec<SlotId> {
        match self {
            Step::Map(map) => map.operands.iter().map(|operand| operand.slot).collect(),
            Step::Math { ins, .. } | Step::Eval { ins, .. } => ins.clone(),
            Step::Copy(copy) => std::iter::once(copy.source).chain(copy.computed.iter().map(|part| part.0)).collect(),
            Step::Reduce { body, cond, .. } => std::iter::once(*body).chain(*cond).collect(),
            Step::RowSum { body, .. } | Step::TermSum { body, .. } => vec![*body],
            Step::Count { .. } | Step::Rows { .. } | Step::Total { .. } => Vec::new(),
        }
    }

    fn name(&self) -> String {
        match self {
            Step::Map(map) => {
                let ops = map.values.iter().filter_map(|value| match value {
                    Value::Apply(op, _) => Some(op.info().name),
                    _ => None,
                });
                format!("map {}", ops.collect::<Vec<_>>().join(" "))
            }
            Step::Math { function, .. } => format!("math {}", function.name),
            Step::Eval { op, .. } => format!("eval {}", op.info().name),
            Step::Copy(copy) if copy.computed.is_empty() => "copy".into(),
            Step::Copy(_) => "gather".into(),
            Step::Reduce { op, .. } => format!("reduce {}", op.name()),
            Step::Count { .. } => "count".into(),
            Step::Rows { .. } => "rows".into(),
            Step::RowSum { .. } => "row-sum".into(),
            Step::TermSum { .. } => "term-sum".into(),
            Step::Total { .. } => "total".into(),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tile_rows {
            Some(rows) => writeln!(f, "tiles of {rows} rows, {} wide", self.width)?,
            None => writeln!(f, "the whole batch at once")?,
        }
        for (phase, steps) in [("once", &self.once), ("tile", &self.tile), ("after", &self.after)] {
            for step in steps {
                write!(f, "{phase:5} {} :", step.name())?;
                for slot in step.ins() {
                    write!(f, " {}", self.place(slot))?;
                }
                f.write_str(" ->")?;
                for slot in step.outs() {
                    write!(f, " {}", self.place(slot))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

impl Schedule {
    fn place(&self, slot: SlotId) -> String {
        match self.slots.get(slot.index()).map(|slot| slot.place) {
            Some(Place::Input(input)) => format!("in{}", input.0),
            Some(Place::Seed) => "seed".into(),
            Some(Place::Gradient(n)) => format!("grad{n}"),
            Some(Place::Held(n)) => format!("held{n}"),
            Some(Place::Temp(n)) => format!("temp{n}"),
            None => "?".into(),
        }
    }
}
