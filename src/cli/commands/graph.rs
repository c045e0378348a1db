//! `dbm-git graph`.

use super::super::args::{Format, Global};
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops;
use crate::ops::graph::ComponentGraph;
use crate::ops::status::ComponentStatus;
use crate::report::{
    ComponentGraphReport, GraphReport, LaneStyle, Picture, Selection, render_dot, render_graphs,
    render_mermaid, render_page, render_svg,
};
use crate::revision::RevisionRef;

/// What `graph` can answer in.
pub const FORMATS: &[Format] =
    &[Format::Human, Format::Json, Format::Svg, Format::Mermaid, Format::Dot, Format::Html];

/// Flags of `graph`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Show the newest N revisions only (the JSON form has them all)
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
    /// Leave out what REV stands on (the JSON form has it all)
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Show runs of revisions in which nothing branches as one
    #[arg(long)]
    pub collapse: bool,
    /// Ask each component's database what has run there (for `--format html`)
    #[arg(long, conflicts_with = "at")]
    pub database: bool,
    /// The database to ask, instead of the configured one (for `--format html`)
    #[arg(long, value_name = "URL", conflicts_with = "at")]
    pub database_url: Option<String>,
}

/// Runs `dbm-git graph`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let asks_database = flags.database || flags.database_url.is_some();
    if asks_database && ui.format != Format::Html {
        return Err(CliError::usage("only `--format html` shows what has run in a database"));
    }
    let session = super::session(global, false)?;
    super::mention_open_operation(&session.repository, ui);
    let graphs = ops::graph::graph(&session)?;
    let drawn = select(&graphs, flags)?;
    let host = environment::looking_host(flags.database_url.clone());
    let statuses = match asks_database {
        true => ops::status::status(&session, &host)?,
        false => Vec::new(),
    };
    let components = graphs.iter().map(ComponentGraphReport::new).collect();
    ui.report(&GraphReport::new(components), || draw(&drawn, &statuses, ui));
    Ok(Exit::Done)
}

/// A component, and what of it is drawn.
type Drawn<'a> = (&'a ComponentGraph, Selection);

/// What the flags say of each component; those that lack `--since` are not drawn.
fn select<'a>(graphs: &'a [ComponentGraph], flags: &Flags) -> Result<Vec<Drawn<'a>>, CliError> {
    let Flags { limit, collapse, .. } = *flags;
    let all = Selection { since: None, limit, collapse };
    let Some(since) = &flags.since else {
        return Ok(graphs.iter().map(|graph| (graph, all)).collect());
    };
    let found = ops::graph::find(graphs, &RevisionRef::new(since))?;
    let known = graphs.iter().zip(found).filter(|(_, node)| node.is_some());
    Ok(known.map(|(graph, since)| (graph, Selection { since, ..all })).collect())
}

fn draw(drawn: &[Drawn<'_>], statuses: &[ComponentStatus], ui: &Ui) -> String {
    let pictures = |collapse: bool| {
        let picture = |&(graph, selection): &Drawn<'_>| {
            let collapse = collapse || selection.collapse;
            Picture::new(graph, Selection { collapse, ..selection })
        };
        drawn.iter().map(picture).collect::<Vec<Picture>>()
    };
    match ui.format {
        Format::Svg => render_svg(&pictures(false)),
        Format::Dot => render_dot(&pictures(false)),
        Format::Html => {
            let whole = |&(graph, selection): &Drawn<'_>| {
                Picture::new(graph, Selection { collapse: false, ..selection })
            };
            let wants_runs = drawn.iter().any(|(_, selection)| selection.collapse);
            render_page(&drawn.iter().map(whole).collect::<Vec<_>>(), statuses, wants_runs)
        }
        Format::Mermaid => {
            let chart = render_mermaid(pictures);
            if !chart.is_drawn() {
                ui.note(
                    "note: this is more than Mermaid draws unless configured to (500 edges, \
                     50,000 characters); `--since` and `--limit` show less",
                );
            }
            chart.text
        }
        // Refused before, but for these two.
        _ => {
            let style = LaneStyle { color: ui.color, unicode: ui.unicode, width: ui.columns };
            render_graphs(drawn, style, ui.quiet)
        }
    }
}
