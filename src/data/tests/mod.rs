//! Tests of reading and preparing, on small tables whose outcome is worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod binding;
mod examples;
mod pictures;
mod preparing;
mod reading;
mod sampling;

use std::collections::BTreeMap;
use std::io;

use super::*;

/// Files held in memory.
#[derive(Default)]
pub(super) struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    pub fn with(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }

    pub fn add(mut self, path: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(path.to_owned(), bytes);
        self
    }
}

impl Loader for Memory {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(self.0.keys().filter(|path| path.starts_with(&format!("{folder}/"))).cloned().collect())
    }
}

pub(super) fn table(text: &str) -> Table {
    csv::read("t.csv", text.as_bytes(), Limits::default()).unwrap()
}

pub(super) fn values(column: &Column) -> Vec<f64> {
    match &column.cells {
        Cells::Numbers(values) => values.clone(),
        Cells::Text(text) => panic!("text {text:?}"),
    }
}
