//! What a graph is made of: ids, axes, index variables, inputs, and the node itself.

use std::fmt;
use std::rc::Rc;

use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// The id as an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A node of the graph.
    NodeId,
    /// An index variable.
    VarId,
    /// An axis: named in the program, or sized.
    AxisId,
    /// An input: data, prediction, parameter, constant, or free name.
    InputId
}

/// The axis of the rows of a batch (`batch` when a program names it).
pub const ROWS: AxisId = AxisId(0);
/// The implicit row of programs that do not name the batch.
pub const ROW: VarId = VarId(0);

/// An axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its name in the program; `None` for a sized, anonymous one.
    pub name: Option<String>,
    /// Its size when the program states it.
    pub size: Option<usize>,
}

impl fmt::Display for Axis {
    /// Its name, else its size, else `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.size) {
            (Some(name), _) => f.write_str(name),
            (None, Some(size)) => size.fmt(f),
            (None, None) => f.write_str("?"),
        }
    }
}

/// Which variable of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VarKind {
    /// The n-th variable that stands for the axis itself where no reducer binds it (n > 0 when a name has the axis twice).
    Axis(u32),
    /// Not yet bound: exists only while an expression is being built.
    Fresh(u32),
    /// Bound by a reducer of this height above the leaves.
    Bound(u32),
}

/// An index variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var {
    /// What it runs over.
    pub axis: AxisId,
    /// Which one.
    pub kind: VarKind,
}

impl Var {
    /// What stands for each of an array's axes where no reducer binds it; a repeated axis is told apart, counted from the
    /// right.
    #[allow(clippy::indexing_slicing)] // Proven: `at` runs over the axes.
    pub fn of(axes: &[AxisId]) -> Vec<Var> {
        let later = |at: usize| axes[at + 1..].iter().filter(|after| **after == axes[at]).count() as u32;
        (0..axes.len()).map(|at| Var { axis: axes[at], kind: VarKind::Axis(later(at)) }).collect()
    }
}

/// Where an input's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputRole {
    /// Observed.
    Data,
    /// A network's head.
    Predict,
    /// Learned with the network.
    Param,
    /// Fixed.
    Const,
    /// Declared nowhere.
    Free,
    /// Internal: the adjoint of each row's loss (1/rows, or the row's weight over the sum of weights).
    Seed,
}

impl InputRole {
    /// The statement that declares it; `free` for what is declared nowhere.
    pub fn word(self) -> &'static str {
        match self {
            InputRole::Data => "data",
            InputRole::Predict => "predict",
            InputRole::Param => "param",
            InputRole::Const => "const",
            InputRole::Free | InputRole::Seed => "free",
        }
    }
}

/// A named input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As written in the program.
    pub name: String,
    /// Role.
    pub role: InputRole,
    /// Axes in order; the first is [`ROWS`] when there is one value a row.
    pub axes: Vec<AxisId>,
    /// Support of every element.
    pub support: Interval,
}

impl Input {
    /// One value a row (or the batch axis named).
    pub fn per_row(&self) -> bool {
        self.axes.first() == Some(&ROWS)
    }
}

/// One subscript of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// An index variable.
    Var(VarId),
    /// A computed index (whole number; clamped to the axis when it leaves it, which `where` must have excluded).
    At(NodeId),
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number, by its bits.
    Const(u64),
    /// An element of an input; one subscript an axis.
    Load(InputId, Rc<[Index]>),
    /// The value of an index variable: 0, 1, 2, …
    Var(VarId),
    /// The size of an axis.
    Size(AxisId),
    /// A primitive.
    Apply(Op, Rc<[NodeId]>),
    /// A reduction over one variable.
    Reduce {
        /// Which.
        op: ReduceOp,
        /// The variable it binds.
        var: VarId,
        /// What is reduced.
        body: NodeId,
        /// Only where this is true (nonzero).
        cond: Option<NodeId>,
    },
}
