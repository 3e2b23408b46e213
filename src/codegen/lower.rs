//! Cranelift IR for a list of steps: one function `extern "C" fn(frame)` that runs them in order.
//!
//! Maps become flat vector loops (128-bit lanes, which is what Cranelift offers), block math and kernels become calls.
//! Vector and remainder loops run the same instructions, the latter on one element in the lowest lane, so that a value
//! does not depend on its position. Arithmetic is not contracted: x·y − x·y is 0.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, Type, types};
use cranelift_frontend::FunctionBuilder;

use super::frame;
use super::layout::Extent;
use super::schedule::{Access, Map, SlotId, Step, Value};
use crate::ir::op::Op;

/// Bytes of a vector.
const VECTOR: i64 = 16;

/// The machine types of the element type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    pub double: bool,
}

impl Lanes {
    fn scalar(self) -> Type {
        if self.double { types::F64 } else { types::F32 }
    }

    fn vector(self) -> Type {
        if self.double { types::F64X2 } else { types::F32X4 }
    }

    fn mask(self) -> Type {
        if self.double { types::I64X2 } else { types::I32X4 }
    }

    fn bytes(self) -> i64 {
        if self.double { 8 } else { 4 }
    }
}

/// A value in the loop: numbers, or the lanes where a condition holds.
#[derive(Clone, Copy, Debug)]
enum Lane {
    Number(ir::Value),
    Truth(ir::Value),
}

/// Memory that is valid wherever the schedule looks, aligned to nothing.
fn memory() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// Emits steps into a function.
pub(super) struct Lower<'a, 'f> {
    pub builder: &'a mut FunctionBuilder<'f>,
    pub lanes: Lanes,
    pub frame: ir::Value,
    /// Address of the routine that runs a kernel step.
    pub kernel: usize,
    pub call_conv: cranelift_codegen::isa::CallConv,
}

impl Lower<'_, '_> {
    /// Emits one step.
    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Map(map) => self.map(map),
            Step::Math { function, outs, ins, extent } => {
                self.math(function.address(self.lanes.double), outs, ins, *extent)
            }
            _ => {
                let step = self.word(std::ptr::from_ref(step) as usize);
                self.call(self.kernel, &[step, self.frame]);
            }
        }
    }

    fn word(&mut self, value: usize) -> ir::Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    fn call(&mut self, address: usize, args: &[ir::Value]) {
        let mut signature = Signature::new(self.call_conv);
        signature.params.extend(args.iter().map(|_| AbiParam::new(types::I64)));
        let signature = self.builder.import_signature(signature);
        let callee = self.word(address);
        self.builder.ins().call_indirect(signature, callee, args);
    }

    fn frame_word(&mut self, word: usize) -> ir::Value {
        self.builder.ins().load(types::I64, memory(), self.frame, (word * 8) as i32)
    }

    fn count(&mut self, extent: Extent) -> ir::Value {
        let mut count = self.word(extent.fixed);
        for _ in 0..extent.rows {
            let rows = self.frame_word(frame::TILE_ROWS);
            count = self.builder.ins().imul(count, rows);
        }
        count
    }

    fn math(&mut self, address: usize, outs: &[SlotId], ins: &[SlotId], extent: Extent) {
        let mut args: Vec<ir::Value> =
            outs.iter().chain(ins).map(|&slot| self.frame_word(frame::slot_word(slot))).collect();
        args.push(self.count(extent));
        self.call(address, &args);
    }

    fn map(&mut self, map: &Map) {
        let outer = self.count(map.outer);
        let inner = self.count(map.inner);
        let bytes = self.builder.ins().imul_imm_s(inner, self.lanes.bytes());
        let operands: Vec<ir::Value> = map
            .operands
            .iter()
            .map(|operand| {
                let address = self.frame_word(frame::slot_word(operand.slot));
                if operand.access == Access::Splat { self.load_splat(address) } else { address }
            })
            .collect();
        let stores: Vec<ir::Value> =
            map.stores.iter().map(|&(_, slot)| self.frame_word(frame::slot_word(slot))).collect();
        if map.outer == Extent::ONE {
            self.run(&Body { map, operands: &operands, stores: &stores }, bytes);
        } else {
            self.runs(map, &operands, &stores, outer, bytes);
        }
    }

    /// A loop over the runs of a map: addresses move on by a run, [`Access::Outer`] operands by an element.
    fn runs(&mut self, map: &Map, operands: &[ir::Value], stores: &[ir::Value], outer: ir::Value, bytes: ir::Value) {
        let (head, body, next) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let at = self.builder.append_block_param(head, types::I64);
        let zero = self.word(0);
        self.builder.ins().jump(head, &[BlockArg::Value(zero)]);
        self.builder.switch_to_block(head);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, at, outer);
        self.builder.ins().brif(more, body, &[], next, &[]);
        self.builder.switch_to_block(body);
        let (offset, element) =
            (self.builder.ins().imul(at, bytes), self.builder.ins().imul_imm_s(at, self.lanes.bytes()));
        let operands: Vec<ir::Value> = map
            .operands
            .iter()
            .zip(operands)
            .map(|(operand, &value)| match operand.access {
                Access::Stream => self.builder.ins().iadd(value, offset),
                Access::Outer => {
                    let address = self.builder.ins().iadd(value, element);
                    self.load_splat(address)
                }
                Access::Splat | Access::Inner => value,
            })
            .collect();
        let stores: Vec<ir::Value> = stores.iter().map(|&address| self.builder.ins().iadd(address, offset)).collect();
        self.run(&Body { map, operands: &operands, stores: &stores }, bytes);
        let after = self.builder.ins().iadd_imm_s(at, 1);
        self.builder.ins().jump(head, &[BlockArg::Value(after)]);
        self.builder.switch_to_block(next);
    }

    /// The loops over one run: unrolled vectors, vectors, single elements.
    fn run(&mut self, body: &Body<'_>, bytes: ir::Value) {
        // Long bodies run out of registers; unrolling them only costs time to compile.
        let unroll = match body.map.values.len() {
            0..=24 => 4,
            25..=60 => 2,
            _ => 1,
        };
        let mut at = self.word(0);
        if body.map.inner != Extent::ONE {
            if unroll > 1 {
                at = self.map_loop(body, at, bytes, unroll, VECTOR);
            }
            at = self.map_loop(body, at, bytes, 1, VECTOR);
        }
        self.map_loop(body, at, bytes, 1, self.lanes.bytes());
    }

    fn load_splat(&mut self, address: ir::Value) -> ir::Value {
        let scalar = self.builder.ins().load(self.lanes.scalar(), memory(), address, 0);
        self.builder.ins().splat(self.lanes.vector(), scalar)
    }

    /// A loop over bytes `from..bytes` in steps of `unroll · width`, as far as whole steps go; gives where it stopped.
    fn map_loop(&mut self, body: &Body<'_>, from: ir::Value, bytes: ir::Value, unroll: i64, width: i64) -> ir::Value {
        let (head, next) = (self.builder.create_block(), self.builder.create_block());
        let at = self.builder.append_block_param(head, types::I64);
        let stopped = self.builder.append_block_param(next, types::I64);
        let last = self.builder.ins().iadd_imm_s(bytes, -unroll * width);
        let enter = self.builder.ins().icmp(IntCC::SignedLessThanOrEqual, from, last);
        let from = [BlockArg::Value(from)];
        self.builder.ins().brif(enter, head, &from, next, &from);
        self.builder.switch_to_block(head);
        for copy in 0..unroll {
            self.map_body(body, at, (copy * width) as i32, width != VECTOR);
        }
        let after = self.builder.ins().iadd_imm_s(at, unroll * width);
        let again = self.builder.ins().icmp(IntCC::SignedLessThanOrEqual, after, last);
        let after = [BlockArg::Value(after)];
        self.builder.ins().brif(again, head, &after, next, &after);
        self.builder.switch_to_block(next);
        stopped
    }

    fn map_body(&mut self, body: &Body<'_>, at: ir::Value, offset: i32, single: bool) {
        let mut values: Vec<Lane> = Vec::with_capacity(body.map.values.len());
        for value in &body.map.values {
            let lane = match value {
                Value::Const(constant) => Lane::Number(self.constant(*constant)),
                Value::Operand(index) => self.operand(body, *index, at, offset, single),
                Value::Apply(op, args) => {
                    let args: Vec<Lane> = args.iter().filter_map(|&arg| values.get(arg).copied()).collect();
                    self.apply(*op, &args)
                }
            };
            values.push(lane);
        }
        for (&(value, _), &address) in body.map.stores.iter().zip(body.stores) {
            let Some(&lane) = values.get(value) else { continue };
            let mut number = self.number(lane);
            if single {
                number = self.builder.ins().extractlane(number, 0);
            }
            let address = self.builder.ins().iadd(address, at);
            self.builder.ins().store(memory(), number, address, offset);
        }
    }

    fn operand(&mut self, body: &Body<'_>, index: usize, at: ir::Value, offset: i32, single: bool) -> Lane {
        let (Some(operand), Some(&value)) = (body.map.operands.get(index), body.operands.get(index)) else {
            return Lane::Number(self.constant(f64::NAN));
        };
        if matches!(operand.access, Access::Splat | Access::Outer) {
            return Lane::Number(value);
        }
        let address = self.builder.ins().iadd(value, at);
        Lane::Number(if single {
            let scalar = self.builder.ins().load(self.lanes.scalar(), memory(), address, offset);
            self.builder.ins().scalar_to_vector(self.lanes.vector(), scalar)
        } else {
            self.builder.ins().load(self.lanes.vector(), memory(), address, offset)
        })
    }

    fn constant(&mut self, value: f64) -> ir::Value {
        let scalar = if self.lanes.double {
            self.builder.ins().f64const(value)
        } else {
            self.builder.ins().f32const(value as f32)
        };
        self.builder.ins().splat(self.lanes.vector(), scalar)
    }

    fn number(&mut self, lane: Lane) -> ir::Value {
        match lane {
            Lane::Number(value) => value,
            Lane::Truth(mask) => {
                let one = self.constant(1.0);
                let one = self.as_mask(one);
                let bits = self.builder.ins().band(mask, one);
                self.as_number(bits)
            }
        }
    }

    fn truth(&mut self, lane: Lane) -> ir::Value {
        match lane {
            Lane::Truth(mask) => mask,
            Lane::Number(value) => {
                let zero = self.constant(0.0);
                self.builder.ins().fcmp(FloatCC::NotEqual, value, zero)
            }
        }
    }

    fn as_mask(&mut self, value: ir::Value) -> ir::Value {
        self.builder.ins().bitcast(self.lanes.mask(), MemFlagsData::new(), value)
    }

    fn as_number(&mut self, mask: ir::Value) -> ir::Value {
        self.builder.ins().bitcast(self.lanes.vector(), MemFlagsData::new(), mask)
    }

    /// `then` where the mask holds, else `otherwise`.
    fn choose(&mut self, mask: ir::Value, then: ir::Value, otherwise: ir::Value) -> ir::Value {
        let mask = self.as_number(mask);
        self.builder.ins().bitselect(mask, then, otherwise)
    }

    /// 0 where the mask holds, else `otherwise`: one instruction, where a choice takes three.
    fn zero_where(&mut self, mask: ir::Value, otherwise: ir::Value) -> ir::Value {
        let bits = self.as_mask(otherwise);
        let kept = self.builder.ins().band_not(bits, mask);
        self.as_number(kept)
    }

    /// One primitive, with the values of its row in the table.
    fn apply(&mut self, op: Op, args: &[Lane]) -> Lane {
        match (op, args) {
            (Op::And, &[a, b]) => {
                let (a, b) = (self.truth(a), self.truth(b));
                Lane::Truth(self.builder.ins().band(a, b))
            }
            (Op::Or, &[a, b]) => {
                let (a, b) = (self.truth(a), self.truth(b));
                Lane::Truth(self.builder.ins().bor(a, b))
            }
            (Op::Not, &[a]) => {
                let a = self.truth(a);
                Lane::Truth(self.builder.ins().bnot(a))
            }
            (Op::Select, &[c, a, b]) => {
                let (mask, a, b) = (self.truth(c), self.number(a), self.number(b));
                Lane::Number(self.choose(mask, a, b))
            }
            (_, &[a]) => {
                let a = self.number(a);
                Lane::Number(self.unary(op, a))
            }
            (_, &[a, b]) => {
                let (a, b) = (self.number(a), self.number(b));
                self.binary(op, a, b)
            }
            _ => Lane::Number(self.constant(f64::NAN)),
        }
    }

    fn unary(&mut self, op: Op, x: ir::Value) -> ir::Value {
        match op {
            Op::Neg => self.builder.ins().fneg(x),
            Op::Square => self.builder.ins().fmul(x, x),
            Op::Sqrt => self.builder.ins().sqrt(x),
            Op::Abs => self.builder.ins().fabs(x),
            Op::Sign => {
                let (zero, one, minus) = (self.constant(0.0), self.constant(1.0), self.constant(-1.0));
                let below = self.builder.ins().fcmp(FloatCC::LessThan, x, zero);
                let above = self.builder.ins().fcmp(FloatCC::GreaterThan, x, zero);
                let low = self.choose(below, minus, x);
                self.choose(above, one, low)
            }
            Op::Floor => self.floor(x),
            Op::Relu => {
                // Written so that NaN, for which no comparison holds, stays.
                let zero = self.constant(0.0);
                let cut = self.builder.ins().fcmp(FloatCC::LessThanOrEqual, x, zero);
                self.zero_where(cut, x)
            }
            _ => x,
        }
    }

    /// Rounding by adding and subtracting 2^(mantissa bits), then one less where that went up. No libcall on any machine.
    fn floor(&mut self, x: ir::Value) -> ir::Value {
        let magic = self.constant(if self.lanes.double { 4_503_599_627_370_496.0 } else { 8_388_608.0 });
        let one = self.constant(1.0);
        let zero = self.constant(0.0);
        let magnitude = self.builder.ins().fabs(x);
        let sign = self.constant(-0.0);
        let sign = self.builder.ins().band(x, sign);
        let signed = self.builder.ins().bor(sign, magic);
        let sum = self.builder.ins().fadd(x, signed);
        let rounded = self.builder.ins().fsub(sum, signed);
        let up = self.builder.ins().fcmp(FloatCC::GreaterThan, rounded, x);
        let excess = self.choose(up, one, zero);
        let floor = self.builder.ins().fsub(rounded, excess);
        let small = self.builder.ins().fcmp(FloatCC::LessThan, magnitude, magic);
        self.choose(small, floor, x)
    }

    fn binary(&mut self, op: Op, a: ir::Value, b: ir::Value) -> Lane {
        let comparison = match op {
            Op::Lt => Some(FloatCC::LessThan),
            Op::Le => Some(FloatCC::LessThanOrEqual),
            Op::Eq => Some(FloatCC::Equal),
            _ => None,
        };
        if let Some(comparison) = comparison {
            return Lane::Truth(self.builder.ins().fcmp(comparison, a, b));
        }
        Lane::Number(match op {
            Op::Add => self.builder.ins().fadd(a, b),
            Op::Sub => self.builder.ins().fsub(a, b),
            Op::Mul => self.builder.ins().fmul(a, b),
            Op::Div => self.builder.ins().fdiv(a, b),
            Op::MulZero => {
                let product = self.builder.ins().fmul(a, b);
                self.unless_zero(a, product)
            }
            Op::ZeroDiv => {
                let quotient = self.builder.ins().fdiv(a, b);
                self.unless_zero(a, quotient)
            }
            Op::Min => self.extreme(FloatCC::LessThanOrEqual, a, b),
            Op::Max => self.extreme(FloatCC::GreaterThanOrEqual, a, b),
            _ => a,
        })
    }

    /// 0 where `a` is 0, else `value`.
    fn unless_zero(&mut self, a: ir::Value, value: ir::Value) -> ir::Value {
        let zero = self.constant(0.0);
        let is_zero = self.builder.ins().fcmp(FloatCC::Equal, a, zero);
        self.zero_where(is_zero, value)
    }

    /// `a` where the comparison holds or `a` is NaN, else `b`.
    fn extreme(&mut self, comparison: FloatCC, a: ir::Value, b: ir::Value) -> ir::Value {
        let first = self.builder.ins().fcmp(comparison, a, b);
        let nan = self.builder.ins().fcmp(FloatCC::Unordered, a, a);
        let first = self.builder.ins().bor(first, nan);
        self.choose(first, a, b)
    }
}

/// A map and the addresses (or splat values) of its operands and stores.
struct Body<'a> {
    map: &'a Map,
    operands: &'a [ir::Value],
    stores: &'a [ir::Value],
}
