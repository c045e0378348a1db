//! `dbm-git graph`.

use super::super::args::Global;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops;
use crate::ops::graph::ComponentGraph;
use crate::report::{
    ComponentGraphReport, GraphReport, LaneStyle, escaped_text, lane_rows, render_lanes,
    render_legend,
};
use crate::revision::Node;

/// Flags of `graph`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Show the newest N revisions only (the JSON form has them all)
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Runs `dbm-git graph`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = super::session(global, false)?;
    super::mention_open_operation(&session.repository, ui);
    let graphs = ops::graph::graph(&session)?;
    let components = graphs
        .iter()
        .map(|g| {
            let landed = g.landed.as_deref().map(|of| move |node: Node| of[node]);
            let landed = landed.as_ref().map(|f| f as &dyn Fn(Node) -> bool);
            ComponentGraphReport::new(&g.name, &g.history, landed)
        })
        .collect();
    ui.report(&GraphReport::new(components), || human(&graphs, flags, ui));
    Ok(Exit::Done)
}

fn human(graphs: &[ComponentGraph], flags: &Flags, ui: &Ui) -> String {
    let style = LaneStyle { color: ui.color, unicode: ui.unicode, width: ui.columns };
    let mut text = String::new();
    for graph in graphs {
        if graphs.len() > 1 {
            text += &format!("{}\n", escaped_text(&graph.name));
        }
        let landed = graph.landed.as_deref().map(|of| move |node: Node| of[node]);
        let landed = landed.as_ref().map(|f| f as &dyn Fn(Node) -> bool);
        let rows = lane_rows(&graph.history.graph, landed);
        let shown = &rows[..rows.len().min(flags.limit.unwrap_or(usize::MAX))];
        text += &render_lanes(shown, style);
        let legend = render_legend(shown, style);
        if !ui.quiet && !legend.is_empty() {
            text += &format!("{legend}\n");
        }
    }
    text
}
