//! What is running where.

use anyhow::bail;
use comfy_table::{CellAlignment, Table, presets};
use nova_testbed::Stack;

use crate::show;

/// Begins a section.
pub(super) fn heading(text: &str) {
    println!("\n{text}\n{}", "─".repeat(text.chars().count()));
}

/// A table of a section.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table.set_header(header);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((u16::from(index == 0), 1));
    }
    table
}

/// Aligns columns of numbers to the right.
pub(super) fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

pub(super) async fn running(stack: &Stack) -> anyhow::Result<()> {
    heading("Running");
    let mut rows = table(&["server", "address", "process", "memory", "state"]);
    align_right(&mut rows, &[2, 3]);
    let mut troubled = Vec::new();
    for server in stack.servers() {
        let trouble = stack.check(server).await.err();
        rows.add_row([
            server.name().to_owned(),
            show::address(server, stack.endpoints()),
            stack
                .pid(server)
                .map_or_else(String::new, |pid| pid.to_string()),
            stack
                .memory(server)
                .map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000)),
            trouble.clone().unwrap_or_else(|| "up".to_owned()),
        ]);
        troubled.extend(trouble.map(|trouble| format!("{server}: {trouble}")));
    }
    println!("{rows}");
    println!(
        "Ready after {:.1} s: servers, schema, topics, connector, API.",
        stack.ready_after().as_secs_f64()
    );
    if !troubled.is_empty() {
        bail!("not ready: {}", troubled.join("; "));
    }
    Ok(())
}
