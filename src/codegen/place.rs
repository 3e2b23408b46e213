//! Gives every value of a plan its memory and turns items into steps.
//!
//! Buffers of the tile are reused as soon as their last reader has run, last freed first, so that the working set stays
//! in cache. Values of the other phases keep their memory for the whole call.

use std::collections::HashMap;

use super::layout::Extent;
use super::plan::{Item, Key, Phase, Plan, TermKey, Work};
use super::schedule::{Access, Copy, Map, Operand, Place, Schedule, Slot, SlotId, Step, Term, Value};
use crate::ir::graph::{InputId, Node, NodeId};

/// Elements of the widest buffer of a tile.
const TILE_ELEMENTS: usize = 1024;

struct Placer<'a> {
    plan: Plan<'a>,
    seed: InputId,
    slots: Vec<Slot>,
    slot_of: HashMap<Key, SlotId>,
    input_slots: HashMap<InputId, SlotId>,
    held: Vec<Extent>,
    temp: Vec<Extent>,
    free: HashMap<Extent, Vec<usize>>,
    region_of: HashMap<Key, usize>,
}

/// The schedule of a plan.
pub(super) fn assign(mut plan: Plan<'_>, seed: InputId) -> Schedule {
    let items = std::mem::take(&mut plan.items);
    let width = items
        .iter()
        .filter(|item| item.phase == Phase::Tile)
        .map(|item| plan.extent(item.domain).fixed)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut placer = Placer {
        plan,
        seed,
        slots: Vec::new(),
        slot_of: HashMap::new(),
        input_slots: HashMap::new(),
        held: Vec::new(),
        temp: Vec::new(),
        free: HashMap::new(),
        region_of: HashMap::new(),
    };
    let (mut once, mut tile, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let last = placer.last_uses(&items);
    for (at, item) in items.iter().enumerate() {
        let step = placer.step(item);
        match item.phase {
            Phase::Once => once.push(step),
            Phase::Tile => tile.push(step),
            Phase::After => after.push(step),
        }
        for key in item.ins.iter().chain(&item.outs).filter(|key| last.get(key) == Some(&at)) {
            if let Some(region) = placer.region_of.remove(key) {
                placer.free.entry(placer.plan.extent(key.1)).or_default().push(region);
            }
        }
    }
    let terms = std::mem::take(&mut placer.plan.terms)
        .into_iter()
        .map(|term| match term {
            TermKey::Sum(sum) => Term::Sum(sum),
            TermKey::Scalar(key) => Term::Scalar(placer.slot(key)),
        })
        .collect();
    let per_row = placer.plan.per_row.map(|key| placer.slot(key));
    Schedule {
        tile_rows: (!placer.plan.whole).then(|| tile_rows(width)),
        width,
        slots: placer.slots,
        held: placer.held,
        temp: placer.temp,
        once,
        tile,
        after,
        sums: placer.plan.sums,
        terms,
        per_row,
    }
}

/// Rows a tile: a multiple of 8 where that costs nothing, so that buffers are whole vectors.
fn tile_rows(width: usize) -> usize {
    let rows = TILE_ELEMENTS / width;
    if rows >= 8 { rows / 8 * 8 } else { rows.max(1) }
}

impl Placer<'_> {
    /// The position of each value's last reader; results are never given back.
    fn last_uses(&self, items: &[Item]) -> HashMap<Key, usize> {
        let mut last = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            for &key in item.ins.iter().chain(&item.outs) {
                last.insert(key, at);
            }
        }
        if let Some(key) = self.plan.per_row {
            last.remove(&key);
        }
        last
    }

    fn add_slot(&mut self, place: Place, row_stride: usize) -> SlotId {
        self.slots.push(Slot { place, row_stride });
        SlotId(self.slots.len() as u32 - 1)
    }

    /// Elements a row of an input's array; 0 when it does not advance with the tile.
    fn row_stride(&self, input: InputId) -> usize {
        let input = self.plan.graph.input(input);
        if input.per_row() && !self.plan.whole { self.plan.layout.size(input).fixed } else { 0 }
    }

    fn input_slot(&mut self, input: InputId, scalar: bool) -> SlotId {
        if let Some(&slot) = self.input_slots.get(&input) {
            return slot;
        }
        let place = if input == self.seed { Place::Seed } else { Place::Input(input) };
        let slot = self.add_slot(place, if scalar { 0 } else { self.row_stride(input) });
        self.input_slots.insert(input, slot);
        slot
    }

    /// Where a value lies; a value that is read has been placed before.
    fn slot(&mut self, key: Key) -> SlotId {
        if let Some(&slot) = self.slot_of.get(&key) {
            return slot;
        }
        let slot = match self.plan.graph.node(key.0) {
            Node::Load(input, index) if self.plan.is_stream(key.0) && self.plan.own_key(key.0) == key => {
                let (input, scalar) = (*input, index.is_empty());
                self.input_slot(input, scalar)
            }
            _ => self.new_slot(key),
        };
        self.slot_of.insert(key, slot);
        slot
    }

    fn new_slot(&mut self, key: Key) -> SlotId {
        if let Some(&position) = self.plan.direct.get(&key) {
            return self.gradient_slot(position, key);
        }
        let extent = self.plan.extent(key.1);
        // A term's value is read when the tiles are done.
        let result = self.plan.terms.iter().any(|term| matches!(term, TermKey::Scalar(scalar) if *scalar == key));
        if result || self.plan.phase(key.0) != Phase::Tile {
            self.held.push(extent);
            return self.add_slot(Place::Held(self.held.len() - 1), 0);
        }
        let region = self.free.get_mut(&extent).and_then(Vec::pop).unwrap_or_else(|| {
            self.temp.push(extent);
            self.temp.len() - 1
        });
        self.region_of.insert(key, region);
        self.add_slot(Place::Temp(region), 0)
    }

    fn gradient_slot(&mut self, position: usize, key: Key) -> SlotId {
        let tiled = !self.plan.whole && self.plan.phase(key.0) == Phase::Tile;
        let stride = if tiled { self.plan.extent(key.1).fixed } else { 0 };
        self.add_slot(Place::Gradient(position), stride)
    }

    fn step(&mut self, item: &Item) -> Step {
        if let Work::Map { nodes } = &item.work {
            return Step::Map(self.map(item, nodes));
        }
        let ins: Vec<SlotId> = item.ins.iter().map(|&key| self.slot(key)).collect();
        let outs: Vec<SlotId> = item.outs.iter().map(|&key| self.slot(key)).collect();
        let extent = self.plan.extent(item.domain);
        let first = |slots: &[SlotId]| slots.first().copied().unwrap_or(SlotId(u32::MAX));
        let (out, body) = (first(&outs), first(&ins));
        match &item.work {
            Work::Apply { op } => Step::Eval { op: *op, out, ins, extent },
            &Work::Math { function } => Step::Math { function, outs, ins, extent },
            Work::Copy { dims, source, computed, gradient } => {
                let out = match gradient {
                    Some(position) => self.copied_gradient(*position, item.phase, dims),
                    None => out,
                };
                let computed = ins.iter().zip(computed).map(|(&slot, &(size, stride))| (slot, size, stride)).collect();
                let source = source.map_or(body, |input| self.input_slot(input, false));
                Step::Copy(Copy { out, source, dims: dims.clone(), computed })
            }
            &Work::Reduce { op, outer, size, inner } => {
                Step::Reduce { op, out, body, cond: ins.get(1).copied(), outer, size, inner }
            }
            Work::Count { rows } => Step::Count { out, extent, rows: *rows },
            &Work::RowSum { width, sum } => Step::RowSum { body, width, sum },
            &Work::TermSum { sum } => Step::TermSum { body, sum },
            &Work::Total { width, sum } => Step::Total { out, width, sum },
            Work::Rows | Work::Map { .. } => Step::Rows { out },
        }
    }

    fn copied_gradient(&mut self, position: usize, phase: Phase, dims: &[(Extent, Vec<Extent>)]) -> SlotId {
        let size = dims.iter().fold(Extent::ONE, |size, dim| size.times(dim.0));
        let stride = if phase == Phase::Tile && !self.plan.whole { size.fixed } else { 0 };
        self.add_slot(Place::Gradient(position), stride)
    }

    fn map(&mut self, item: &Item, nodes: &[NodeId]) -> Map {
        let group = (item.phase, item.stage, item.domain);
        let (outer, inner) = self.plan.runs(item.domain);
        let mut map = Map { outer, inner, operands: Vec::new(), values: Vec::new(), stores: Vec::new() };
        let mut at: HashMap<NodeId, usize> = HashMap::new();
        for &node in nodes {
            let value = match self.plan.graph.node(node).clone() {
                Node::Apply(op, args) => {
                    let args = args.iter().map(|&arg| self.argument(&mut map, &mut at, arg, group)).collect();
                    Value::Apply(op, args)
                }
                _ => Value::Const(self.plan.graph.as_const(node).unwrap_or(f64::NAN)),
            };
            map.values.push(value);
            at.insert(node, map.values.len() - 1);
            if item.outs.contains(&(node, item.domain)) {
                let slot = self.slot((node, item.domain));
                map.stores.push((map.values.len() - 1, slot));
            }
        }
        if !map.operands.iter().any(|operand| matches!(operand.access, Access::Outer | Access::Inner)) {
            (map.outer, map.inner) = (Extent::ONE, outer.times(inner));
        }
        map
    }

    /// The position of an argument's value inside the map, added when it is the first use.
    fn argument(
        &mut self,
        map: &mut Map,
        at: &mut HashMap<NodeId, usize>,
        arg: NodeId,
        (phase, stage, domain): (Phase, u32, usize),
    ) -> usize {
        if let Some(&position) = at.get(&arg) {
            return position;
        }
        let value = if let Some(constant) = self.plan.graph.as_const(arg) {
            Value::Const(constant)
        } else {
            debug_assert!(!self.plan.in_group(arg, (phase, stage, domain)), "arguments precede their users");
            let (key, access) = match self.plan.access(arg, domain) {
                Some(access) => (self.plan.own_key(arg), access),
                None => ((arg, domain), Access::Stream),
            };
            let slot = self.slot(key);
            map.operands.push(Operand { slot, access });
            Value::Operand(map.operands.len() - 1)
        };
        map.values.push(value);
        at.insert(arg, map.values.len() - 1);
        map.values.len() - 1
    }
}
