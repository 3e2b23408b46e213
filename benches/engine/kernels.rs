//! One call of a compiled loss: value and gradients of a batch, f32, one thread.

use lossc::codegen::{CompiledLoss, Want};
use lossc::ir::graph::{InputId, InputRole};
use lossc::ir::program::{Bindings, Outputs};

use crate::programs::{axes, compile};
use crate::{Case, Exchange, Result};

/// A compiled loss with its inputs.
pub struct Kernel {
    compiled: CompiledLoss<f32>,
    exchange: Exchange,
    /// Names of the inputs that gradients are taken for.
    gradients: Vec<String>,
    inputs: Vec<Vec<f32>>,
    sizes: Vec<usize>,
    rows: usize,
    out: Outputs<f32>,
}

impl Kernel {
    /// Compiles the program `case` and reads its inputs.
    pub fn new(case: &str, rows: usize, exchange: Exchange) -> Result<Self> {
        let program = compile(case)?;
        let sizes = program.sizes(rows, &axes(None))?;
        let mut inputs = Vec::new();
        for at in 0..program.loss.graph.inputs().len() {
            inputs.push(match program.name(InputId(at as u32)) {
                Some(info) if info.value.is_some() => {
                    let natural = program.value_of(info, &[], None, None)?;
                    let learned = info.role == InputRole::Param;
                    let raw = if learned { info.link.inverse(&natural) } else { natural };
                    raw.into_iter().map(|value| value as f32).collect()
                }
                Some(info) => exchange.read(&info.name)?,
                None => Vec::new(),
            });
        }
        let name = |input: &InputId| program.name(*input).map_or_else(String::new, |info| info.name.clone());
        let gradients = program.loss.gradients.iter().map(|(input, _)| name(input)).collect();
        let compiled = CompiledLoss::compile(&program.loss, &sizes)?;
        Ok(Self { compiled, exchange, gradients, inputs, sizes, rows, out: Outputs::default() })
    }
}

impl Case for Kernel {
    fn check(&mut self) -> Result<f64> {
        self.call()?;
        for (name, values) in self.gradients.iter().zip(&self.out.gradients) {
            self.exchange.write(&format!("lossc.{name}"), values)?;
        }
        Ok(self.out.terms.iter().sum())
    }

    fn call(&mut self) -> Result<()> {
        let inputs = self.inputs.iter().map(Vec::as_slice).collect();
        let bindings = Bindings { rows: self.rows, inputs, sizes: self.sizes.clone(), seed: &[] };
        let want = Want { gradients: true, per_row: false };
        Ok(self.compiled.evaluate(&bindings, want, 1, &mut self.out)?)
    }
}
