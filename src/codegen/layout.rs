//! Memory layout: in which order the index variables of a loss are laid out, and how many elements a domain has.
//!
//! Every buffer is dense over its *domain*, the free variables of its node in one global order with the row outermost.
//! The order is taken from the subscripts of the loads, so that inputs are read where they lie. Depends on the graph
//! only.

use crate::ir::graph::{AxisId, Graph, Index, Input, Node, NodeId, ROW, ROWS, VarId, VarKind};

/// A number of elements: `fixed · rows^rows`, known when the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Extent {
    /// Factor known when the kernel is compiled.
    pub fixed: usize,
    /// Power of the number of rows.
    pub rows: u32,
}

impl Extent {
    pub const ONE: Extent = Extent { fixed: 1, rows: 0 };

    pub fn times(self, other: Extent) -> Extent {
        Extent { fixed: self.fixed.saturating_mul(other.fixed), rows: self.rows + other.rows }
    }

    /// The number for so many rows (saturating).
    pub fn at(self, rows: usize) -> usize {
        rows.saturating_pow(self.rows).saturating_mul(self.fixed)
    }
}

/// The order of variables and the sizes of axes.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    rank: Vec<usize>,
    extents: Vec<Extent>,
    axis_extents: Vec<Extent>,
}

#[allow(clippy::indexing_slicing)] // Proven: ids of the graph the layout was made from index arrays of its lengths.
impl Layout {
    /// The layout for the loads among `nodes` and for the axes of the gradients' inputs.
    pub fn new(graph: &Graph, nodes: &[NodeId], outputs: &[Vec<VarId>], sizes: &[usize]) -> Layout {
        let axis_extent = |axis: usize| match axis {
            0 => Extent { fixed: 1, rows: 1 },
            _ => Extent { fixed: sizes.get(axis).copied().unwrap_or(0), rows: 0 },
        };
        let axis_extents: Vec<Extent> = (0..graph.axes().len()).map(axis_extent).collect();
        let extents = graph.vars().iter().map(|var| axis_extents[var.axis.index()]).collect();
        let mut lists: Vec<Vec<VarId>> = outputs.to_vec();
        for &id in nodes {
            if let Node::Load(_, index) = graph.node(id) {
                lists.push(plain_indices(index));
            }
        }
        Layout { rank: rank(graph, &lists), extents, axis_extents }
    }

    pub fn rank(&self, var: VarId) -> usize {
        self.rank[var.index()]
    }

    pub fn extent(&self, var: VarId) -> Extent {
        self.extents[var.index()]
    }

    pub fn axis(&self, axis: AxisId) -> Extent {
        self.axis_extents[axis.index()]
    }

    /// Elements over these variables.
    pub fn count(&self, vars: &[VarId]) -> Extent {
        vars.iter().fold(Extent::ONE, |count, &var| count.times(self.extent(var)))
    }

    /// The stride of each axis of an input, row-major.
    pub fn strides(&self, input: &Input) -> Vec<Extent> {
        let mut stride = Extent::ONE;
        let mut strides: Vec<Extent> = input
            .axes
            .iter()
            .rev()
            .map(|&axis| {
                let own = stride;
                stride = stride.times(self.axis(axis));
                own
            })
            .collect();
        strides.reverse();
        strides
    }

    /// Elements of an input.
    pub fn size(&self, input: &Input) -> Extent {
        input.axes.iter().fold(Extent::ONE, |size, &axis| size.times(self.axis(axis)))
    }
}

fn plain_indices(index: &[Index]) -> Vec<VarId> {
    index.iter().filter_map(|index| if let Index::Var(var) = index { Some(*var) } else { None }).collect()
}

/// A total order: the row first, then whatever the subscript lists say in majority, ties by axis variables first.
#[allow(clippy::indexing_slicing)] // Proven: square tables over the graph's variables.
fn rank(graph: &Graph, lists: &[Vec<VarId>]) -> Vec<usize> {
    let count = graph.vars().len();
    let mut votes = vec![vec![0i64; count]; count];
    for list in lists {
        for pair in list.windows(2) {
            votes[pair[0].index()][pair[1].index()] += 1;
            votes[pair[1].index()][pair[0].index()] -= 1;
        }
    }
    let mut left: Vec<usize> = (0..count).filter(|&var| var != ROW.index()).collect();
    left.sort_by_key(|&var| {
        let var_kind = graph.vars()[var];
        (var_kind.axis != ROWS, !matches!(var_kind.kind, VarKind::Axis(_)), var)
    });
    let mut rank = vec![0; count];
    let mut next = 1;
    while !left.is_empty() {
        let free = left.iter().position(|&var| left.iter().all(|&other| votes[other][var] <= 0)).unwrap_or(0);
        rank[left.remove(free)] = next;
        next += 1;
    }
    rank
}
