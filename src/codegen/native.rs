//! Machine code for a schedule, and the memory it lives in.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::sync::Arc;

use cranelift_codegen::ir::{AbiParam, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module};

use super::error::CodegenError;
use super::kernels;
use super::lower::{Lanes, Lower};
use super::real::Real;
use super::schedule::{Schedule, Step};

/// A compiled list of steps; its one argument is the frame.
type Entry = unsafe extern "C" fn(*const usize);

/// The three functions of a schedule. The code refers to the schedule's steps by address, so it owns them.
#[derive(Debug)]
pub(super) struct Native {
    pub schedule: Arc<Schedule>,
    once: Entry,
    tile: Entry,
    after: Entry,
    _code: Code,
}

/// Owns the pages of the code and gives them back.
struct Code(ManuallyDrop<JITModule>);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

// SAFETY: after it is built the module is never used again but to free its memory, and the code in it is only read.
unsafe impl Send for Code {}
// SAFETY: as above; no method of it takes a shared reference.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: taken once, here. `Native` calls the code only through a borrow of itself, so none is running.
        unsafe { ManuallyDrop::take(&mut self.0).free_memory() }
    }
}

impl Native {
    /// Compiles the three phases of a schedule.
    pub fn new<T: Real>(schedule: Arc<Schedule>) -> Result<Native, CodegenError> {
        let isa = isa()?;
        let mut module = JITModule::new(JITBuilder::with_isa(isa, cranelift_module::default_libcall_names()));
        let phases = [("once", &schedule.once), ("tile", &schedule.tile), ("after", &schedule.after)];
        let mut ids = Vec::with_capacity(phases.len());
        for (name, steps) in phases {
            ids.push(define::<T>(&mut module, name, steps));
        }
        // From here on the pages are freed whatever happens.
        let mut code = Code(ManuallyDrop::new(module));
        let ids = ids.into_iter().collect::<Result<Vec<FuncId>, CodegenError>>()?;
        code.0.finalize_definitions().map_err(internal)?;
        let [once, tile, after] = <[FuncId; 3]>::try_from(ids).map_err(|_| internal("three functions were defined"))?;
        let entry = |id: FuncId| {
            // SAFETY: the function was defined with exactly this signature and has been finalized.
            unsafe { std::mem::transmute::<*const u8, Entry>(code.0.get_finalized_function(id)) }
        };
        let (once, tile, after) = (entry(once), entry(tile), entry(after));
        Ok(Native { schedule, once, tile, after, _code: code })
    }

    /// # Safety
    /// `frame` has its header and an address for every slot; see [`super::frame`].
    pub unsafe fn once(&self, frame: &[usize]) {
        // SAFETY: the caller's promise; the code lives as long as `self`.
        unsafe { (self.once)(frame.as_ptr()) }
    }

    /// # Safety
    /// As for [`Native::once`]; buffers written belong to this call alone.
    pub unsafe fn tile(&self, frame: &[usize]) {
        // SAFETY: the caller's promise; the code lives as long as `self`.
        unsafe { (self.tile)(frame.as_ptr()) }
    }

    /// # Safety
    /// As for [`Native::once`].
    pub unsafe fn after(&self, frame: &[usize]) {
        // SAFETY: the caller's promise; the code lives as long as `self`.
        unsafe { (self.after)(frame.as_ptr()) }
    }
}

fn internal(error: impl std::fmt::Display) -> CodegenError {
    CodegenError::Internal(error.to_string())
}

/// The instruction set of this machine.
fn isa() -> Result<OwnedTargetIsa, CodegenError> {
    let mut flags = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in
        [("use_colocated_libcalls", "false"), ("is_pic", "false"), ("opt_level", "speed"), ("enable_verifier", verify)]
    {
        flags.set(name, value).map_err(internal)?;
    }
    let builder = cranelift_native::builder().map_err(|error| CodegenError::Machine(error.to_string()))?;
    builder.finish(settings::Flags::new(flags)).map_err(|error| CodegenError::Machine(error.to_string()))
}

fn define<T: Real>(module: &mut JITModule, name: &str, steps: &[Step]) -> Result<FuncId, CodegenError> {
    let mut context = module.make_context();
    context.func.signature.params.push(AbiParam::new(types::I64));
    let id = module.declare_function(name, Linkage::Export, &context.func.signature).map_err(internal)?;
    context.func.name = UserFuncName::user(0, id.as_u32());
    let call_conv = context.func.signature.call_conv;
    let mut scratch = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut scratch);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let frame = builder.block_params(entry).first().copied().ok_or_else(|| internal("a function has its parameter"))?;
    let kernel = kernels::run::<T> as *const () as usize;
    let mut lower = Lower { builder: &mut builder, lanes: Lanes { double: T::DOUBLE }, frame, kernel, call_conv };
    for step in steps {
        lower.step(step);
    }
    cranelift_codegen::ir::InstBuilder::return_(builder.ins(), &[]);
    builder.seal_all_blocks();
    builder.finalize(module.target_config());
    module.define_function(id, &mut context).map_err(|error| internal(format!("{error:?}")))?;
    Ok(id)
}
