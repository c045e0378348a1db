//! `graph --format html`: one page that asks for nothing from elsewhere. The
//! history is in it as JSON; a small script of ours shows, searches and folds it.

use std::collections::HashMap;
use std::ops::Range;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::escape::escaped;
use super::picture::{Item, Picture, draw_rows};
use crate::ops::status::ComponentStatus;
use crate::plan::DatabaseState;
use crate::revision::RevisionId;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Longer histories begin with their runs folded.
const FOLDED_ABOVE: usize = 300;

/// What the script reads.
#[derive(Serialize)]
struct Data {
    components: Vec<ComponentData>,
    folded: bool,
}

#[derive(Serialize)]
struct ComponentData {
    name: String,
    /// The state of its database, if that was asked.
    database: Option<&'static str>,
    revisions: usize,
    left_out: usize,
    rows: Vec<RowData>,
    /// First row and number of rows.
    runs: Vec<(usize, usize)>,
}

#[derive(Serialize)]
struct RowData {
    id: String,
    message: String,
    labels: Vec<String>,
    path: String,
    down_revisions: Vec<String>,
    depends_on: Vec<String>,
    downs: Vec<usize>,
    kinds: Vec<&'static str>,
    /// What is known of it in the database.
    ran: Option<&'static str>,
    x: usize,
    width: usize,
    lanes: String,
    dashes: String,
    inner: String,
}

/// The page of `pictures`, with what is known of the components' databases.
pub fn render_page(pictures: &[Picture], statuses: &[ComponentStatus], is_folded: bool) -> String {
    let revisions: usize = pictures.iter().map(Picture::revisions).sum();
    let component = |picture: &Picture| {
        let status = statuses.iter().find(|status| escaped(&status.name) == picture.name);
        ComponentData::new(picture, status)
    };
    let data = Data {
        components: pictures.iter().map(component).collect(),
        folded: is_folded || revisions > FOLDED_ABOVE,
    };
    // What comes from the repository comes last, so that nothing in it is replaced.
    PAGE.replacen("{{policy}}", &policy(), 1)
        .replacen("{{style}}", STYLE, 1)
        .replacen("{{script}}", SCRIPT, 1)
        .replacen("{{data}}", &script_json(&data), 1)
}

/// Runs our script and nothing else, loads nothing, sends nothing.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        hash_source(SCRIPT),
        hash_source(STYLE)
    )
}

/// The element's text by its hash, as Content Security Policy wants it.
fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// JSON that cannot end the element it stands in, nor begin a comment.
fn script_json(data: &Data) -> String {
    let text = serde_json::to_string(data).expect("strings, numbers and lists only");
    // Outside of strings JSON has no `<`, inside of them this is the same.
    text.replace('<', "\\u003c")
}

impl ComponentData {
    fn new(picture: &Picture, status: Option<&ComponentStatus>) -> Self {
        let ran = Ran::new(status);
        let rows = picture.items.iter().zip(draw_rows(picture));
        let row = |(item, strokes): (&Item, super::picture::RowStrokes)| RowData {
            ran: ran.of(&item.id),
            id: item.id.clone(),
            message: item.message.clone(),
            labels: item.labels.clone(),
            path: item.path.clone(),
            down_revisions: item.down_revisions.clone(),
            depends_on: item.depends_on.clone(),
            downs: item.downs.clone(),
            kinds: item.kinds(),
            x: strokes.x,
            width: strokes.width,
            lanes: strokes.lanes,
            dashes: strokes.dashes,
            inner: strokes.inner,
        };
        Self {
            name: picture.name.clone(),
            database: status.map(|status| status.state.name()),
            revisions: picture.revisions(),
            left_out: picture.left_out,
            rows: rows.map(row).collect(),
            runs: picture.runs.iter().map(|Range { start, end }| (*start, end - start)).collect(),
        }
    }
}

/// What is known of each revision in a database.
struct Ran {
    /// By the id as it is shown; `None` where nothing can be said.
    other_than_applied: Option<HashMap<String, &'static str>>,
}

impl Ran {
    fn new(status: Option<&ComponentStatus>) -> Self {
        // In these states the rows don't say what of the files has run.
        let is_silent = |status: &&ComponentStatus| {
            matches!(
                status.state,
                DatabaseState::Unreachable | DatabaseState::Broken | DatabaseState::Foreign
            )
        };
        let known = status.filter(|status| !is_silent(status)).map(|status| {
            let lists = [
                (&status.pending, "pending"),
                (&status.skipped, "skipped"),
                (&status.unknown, "unknown"),
            ];
            let shown = |(id, _): &(RevisionId, String)| escaped(id.as_str()).into_owned();
            let named = |(list, word): (&Vec<_>, _)| {
                list.iter().map(shown).map(|id| (id, word)).collect::<Vec<_>>()
            };
            lists.into_iter().flat_map(named).collect()
        });
        Self { other_than_applied: known }
    }

    fn of(&self, id: &str) -> Option<&'static str> {
        let known = self.other_than_applied.as_ref()?;
        Some(known.get(id).copied().unwrap_or("applied"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::lanes::Selection;
    use crate::report::picture::testing::{FULL, picture};

    fn data_of(page: &str) -> &str {
        let (_, rest) = page.split_once("type=\"application/json\">").expect("the data");
        rest.split_once("</script>").expect("its end").0
    }

    fn status(state: DatabaseState, pending: &[&str]) -> ComponentStatus {
        let named = |id: &&str| (RevisionId::new(*id).expect("an id"), String::new());
        ComponentStatus {
            name: "default".to_owned(),
            state,
            current: Vec::new(),
            heads: Vec::new(),
            pending: pending.iter().map(named).collect(),
            skipped: Vec::new(),
            unknown: Vec::new(),
            foreign: Vec::new(),
            database: None,
            error: None,
            recommended: String::new(),
            hint: None,
        }
    }

    #[test]
    fn the_page_holds_the_history_as_json() {
        let own = picture("<base> -> a, root\na -> b (shop), ours", &["b"], Selection::default());
        let page = render_page(&[own], &[], false);
        insta::assert_snapshot!(data_of(&page).replace("},{", "},\n{"), @r#"
        {"components":[{"name":"default","database":null,"revisions":2,"left_out":0,"rows":[{"id":"b","message":"ours","labels":["shop"],"path":"versions/b.py","down_revisions":["a"],"depends_on":[],"downs":[1],"kinds":["own","head"],"ran":null,"x":12,"width":28,"lanes":"M12 12V24","dashes":"","inner":""},
        {"id":"a","message":"root","labels":[],"path":"versions/a.py","down_revisions":[],"depends_on":[],"downs":[],"kinds":["landed"],"ran":null,"x":12,"width":28,"lanes":"M12 0V12","dashes":"","inner":""}],"runs":[]}],"folded":false}
        "#);
    }

    #[test]
    fn no_text_of_the_repository_ends_the_data_or_replaces_a_part() {
        let hostile = "<base> -> a, </script><script>alert(1)</script> <!-- {{script}} {{data}}";
        let page = render_page(&[picture(hostile, &[], Selection::default())], &[], false);
        assert_eq!(page.matches("</script").count(), 2, "the data's end, and ours");
        assert!(!data_of(&page).contains('<'));
        assert!(data_of(&page).contains("{{script}} {{data}}"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere() {
        let page = render_page(&[picture(FULL, &["f"], Selection::default())], &[], false);
        assert!(page.contains("default-src 'none'; script-src 'sha256-"), "{page}");
        for address in ["src=\"", "href=\"", "url(", "@import"] {
            assert!(!page.contains(address), "{address}");
        }
        // A namespace is a name, not an address.
        assert_eq!(page.matches("://").count(), page.matches("http://www.w3.org/2000/svg").count());
    }

    #[test]
    fn what_has_run_is_said_where_the_database_tells() {
        let ran = |state| Ran::new(Some(&status(state, &["b"])));
        assert_eq!(ran(DatabaseState::Behind).of("a"), Some("applied"));
        assert_eq!(ran(DatabaseState::Behind).of("b"), Some("pending"));
        assert_eq!(ran(DatabaseState::Foreign).of("a"), None);
        assert_eq!(Ran::new(None).of("a"), None);
    }

    #[test]
    fn long_histories_begin_folded() {
        let mut history = "<base> -> r0".to_owned();
        for at in 1..=FOLDED_ABOVE {
            history += &format!("\nr{} -> r{at}", at - 1);
        }
        let long = picture(&history, &[], Selection::default());
        assert_eq!(long.runs, vec![Range { start: 1, end: FOLDED_ABOVE }]);
        assert!(data_of(&render_page(&[long], &[], false)).ends_with("\"folded\":true}"));
    }
}
