//! Cells that hold lists: `[0.1, 0.2]`, `[[1, 2], [3, 4]]`.

use super::table::{Cells, Column};

/// The column as arrays of numbers when every cell is a list and all have one shape; otherwise nothing, and the cells stay
/// text.
pub(crate) fn parse(column: &Column, cells: &[String]) -> Option<Column> {
    if cells.is_empty() || !column.dims.is_empty() {
        return None;
    }
    let mut dims: Option<Vec<usize>> = None;
    let mut values = Vec::new();
    for cell in cells {
        let list: serde_json::Value = cell.starts_with('[').then(|| serde_json::from_str(cell).ok()).flatten()?;
        let mut here = Vec::new();
        shape(&list, &mut here);
        if dims.get_or_insert_with(|| here.clone()) != &here {
            return None;
        }
        flatten(&list, &here, &mut values)?;
    }
    let name = column.name.clone();
    Some(Column { name, dims: dims?, cells: Cells::Numbers(values), missing: Vec::new(), parts: Vec::new() })
}

/// Sizes along the first element of each level. The parser itself bounds the depth.
fn shape(list: &serde_json::Value, dims: &mut Vec<usize>) {
    if let Some(items) = list.as_array() {
        dims.push(items.len());
        if let Some(first) = items.first() {
            shape(first, dims);
        }
    }
}

fn flatten(list: &serde_json::Value, dims: &[usize], values: &mut Vec<f64>) -> Option<()> {
    match dims.split_first() {
        None => values.push(list.as_f64()?),
        Some((&size, inner)) => {
            let items = list.as_array().filter(|items| items.len() == size)?;
            for item in items {
                flatten(item, inner, values)?;
            }
        }
    }
    Some(())
}
