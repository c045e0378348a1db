//! The pictures of `graph`, read by the programs that they are for: SVG by an
//! XML parser, DOT by Graphviz, the page by Chromium. Mermaid needs a browser
//! with packages that are not at hand here; of it the lines are counted, and
//! what may be in a label is tested beside its source.

#[path = "../support/mod.rs"]
mod support;

use support::{GraphFixture, Run, TestRepo, test_python};

/// A message with what has a meaning in one of the formats.
const HOSTILE: &str =
    "</script><script>document.title='owned'</script> ]]> \" \\ & #quot; `x` %% end";

/// Python's expat; prints how many groups with a tooltip there are, and by class.
const COUNT_CLASSES: &str = "import sys, collections, xml.etree.ElementTree as tree\n\
    root = tree.parse(sys.argv[1]).getroot()\n\
    count = collections.Counter(c for e in root.iter() if e.tag.endswith('}g') and e.find('{*}title') is not None for c in ['all', *e.get('class').split()])\n\
    print(root.tag, ' '.join(f'{k}={v}' for k, v in sorted(count.items())))";

/// All real projects, a component each.
fn real_projects() -> (TestRepo, usize) {
    let repo = TestRepo::empty();
    let fixtures = GraphFixture::all();
    let mut configuration = String::new();
    for fixture in &fixtures {
        fixture.write_to(&repo);
        configuration += &format!(
            "[components.{}]\nscript-location = {:?}\nversion-locations = {:?}\n\n",
            fixture.name.replace(['.', '_'], "-"),
            fixture.name,
            fixture.locations()
        );
    }
    repo.write("dbm-git.toml", configuration);
    repo.commit("Add all projects");
    let revisions = fixtures.iter().map(|fixture| fixture.revisions.len()).sum();
    (repo, revisions)
}

/// `b` is own work on top of what has landed.
fn small(message: &str) -> TestRepo {
    TestRepo::new()
        .adds(&format!("<base> -> a (shop), first\na -> b, {message}\na -> c, other"))
        .adds("b, c -> m, both\nm -> n\nn -> o\no -> p\np -> q")
}

/// Draws in `format` into a file beside the working tree's, and returns its text.
#[track_caller]
fn drawn(repo: &TestRepo, format: &str, more: &[&str]) -> String {
    let run = repo.dbm(["graph", "--format", format].iter().chain(more)).expect_code(0);
    assert_eq!(run.stderr, "", "{format}");
    repo.write(&picture(format), &run.stdout);
    run.stdout
}

fn picture(format: &str) -> String {
    format!("../picture.{format}")
}

/// What the XML parser finds in the SVG that was drawn last.
#[track_caller]
fn classes(repo: &TestRepo) -> String {
    let mut python = repo.command(test_python());
    let run = Run::of(python.args(["-c", COUNT_CLASSES, &picture("svg")])).expect_code(0);
    run.stdout
}

/// The document after the page's script has run, with `hash` in its address.
#[track_caller]
fn document(repo: &TestRepo, hash: &str) -> String {
    let path = repo.path().join(picture("html")).canonicalize().expect("a page that was drawn");
    let address = format!("file://{}{hash}", path.display());
    let mut chromium = repo.command("chromium");
    // There is no sandbox for root, as whom containers run.
    let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"];
    Run::of(chromium.args(flags).arg(address)).expect_code(0).stdout
}

/// List items that are shown, of those with a revision or a run.
fn shown(document: &str) -> usize {
    document.matches("<li><button").count()
}

#[test]
fn every_revision_of_real_projects_is_in_the_svg() {
    let (repo, revisions) = real_projects();
    drawn(&repo, "svg", &[]);
    let found = classes(&repo);
    assert!(found.starts_with("{http://www.w3.org/2000/svg}svg "), "{found}");
    assert!(found.contains(&format!(" all={revisions} ")), "{found}");
}

#[test]
fn every_revision_of_real_projects_is_a_node_for_graphviz() {
    let (repo, revisions) = real_projects();
    drawn(&repo, "dot", &[]);
    let counted = Run::of(repo.command("gc").args(["-n", &picture("dot")])).expect_code(0);
    let words: Vec<&str> = counted.stdout.split_whitespace().collect();
    assert_eq!(words[..2], [revisions.to_string().as_str(), "history"], "{counted}");
}

#[test]
fn every_revision_of_real_projects_is_a_row_of_the_page() {
    let (repo, revisions) = real_projects();
    drawn(&repo, "html", &[]);
    let document = document(&repo, "");
    let rows = document.matches("class=\"row revision").count();
    assert_eq!(rows, revisions);
    assert!(document.contains(">Unfold all</button>"), "long histories begin folded");
}

#[test]
fn every_revision_of_real_projects_is_in_the_flowchart_or_in_a_run_of_it() {
    let (repo, revisions) = real_projects();
    let chart = drawn(&repo, "mermaid", &[]);
    assert!(chart.contains(" revisions …"), "so many are drawn collapsed");
    let nodes = chart.lines().filter(|line| line.contains(":::"));
    let count = |line: &str| match line.split_once("(\"… ") {
        Some((_, run)) => run.split(' ').next().and_then(|n| n.parse().ok()).expect("a number"),
        None => 1,
    };
    assert_eq!(nodes.map(count).sum::<usize>(), revisions);
}

#[test]
fn more_than_mermaid_draws_is_said() {
    let repo = TestRepo::new();
    let branches = |at| format!("r -> a{at}\n");
    repo.write_revisions(
        &("<base> -> r\n".to_owned() + &(0..501).map(branches).collect::<String>()),
    );
    let run = repo.dbm(["graph", "--format", "mermaid"]).expect_code(0);
    assert!(run.stderr.contains("more than Mermaid draws"), "{}", run.stderr);
    assert_eq!(run.stdout.matches(" --> ").count(), 501);
    let fewer = repo.dbm(["graph", "--format", "mermaid", "--limit", "9"]).expect_code(0);
    assert_eq!(fewer.stderr, "");
}

#[test]
fn a_history_within_the_limits_of_mermaid_is_collapsed_only_when_asked() {
    let repo = small("plain");
    assert!(!drawn(&repo, "mermaid", &[]).contains(" revisions …"));
    let collapsed = drawn(&repo, "mermaid", &["--collapse"]);
    assert!(collapsed.contains("(\"… 3 revisions …\"):::run"), "{collapsed}");
}

#[test]
fn graphviz_draws_what_is_written_for_it() {
    let repo = small(HOSTILE);
    drawn(&repo, "dot", &["--since", "m"]);
    let svg = Run::of(repo.command("dot").args(["-Tsvg", &picture("dot")])).expect_code(0);
    assert_eq!(svg.stderr, "");
    assert_eq!(svg.stdout.matches("class=\"node\"").count(), 6, "five and what is older");
    drawn(&repo, "dot", &[]);
    let whole = Run::of(repo.command("dot").args(["-Tsvg", &picture("dot")])).expect_code(0);
    assert!(whole.stdout.contains("&lt;/script&gt;&lt;script&gt;document"), "{whole}");
}

#[test]
fn a_hostile_message_is_text_for_the_xml_parser() {
    let repo = small(HOSTILE);
    drawn(&repo, "svg", &[]);
    let found = classes(&repo);
    assert!(found.ends_with(" all=8 branchpoint=1 head=1 mergepoint=1 revision=8\n"), "{found}");
}

#[test]
fn a_hostile_message_does_nothing_in_the_page() {
    let repo = small(HOSTILE);
    drawn(&repo, "html", &[]);
    let document = document(&repo, "");
    assert!(document.contains("<title>Migration history</title>"), "no script of theirs ran");
    assert!(document.contains("&lt;/script&gt;&lt;script&gt;document.title='owned'"), "{document}");
}

#[test]
fn the_address_can_hold_a_search_and_a_revision() {
    let repo = small("orders and customers");
    drawn(&repo, "html", &[]);
    let all = document(&repo, "");
    assert_eq!(shown(&all), 8);
    let some = document(&repo, "#q=orders+cust");
    assert_eq!(shown(&some), 1);
    assert!(some.contains(">1 of 8 revisions</output>"), "{some}");
    assert_eq!(shown(&document(&repo, "#q=nothing-like-it")), 0);
    let details = document(&repo, "#rev=m");
    assert!(details.contains("<dt>followed by</dt><dd><button class=\"link\" type=\"button\">n<"));
    assert!(details.contains("<dt>standing</dt><dd>merge point</dd>"));
}

#[test]
fn runs_begin_folded_when_asked_and_open_for_a_revision_in_them() {
    let repo = small("plain");
    drawn(&repo, "html", &["--collapse"]);
    assert_eq!(shown(&document(&repo, "")), 6, "five revisions and a run of three");
    assert_eq!(shown(&document(&repo, "#rev=o")), 8);
}

#[test]
fn the_page_tells_what_has_run_where_it_is_asked_to() {
    let repo = TestRepo::new().adds("<base> -> a, first\na -> b, second");
    repo.alembic(["upgrade", "a"]).expect_code(0);
    drawn(&repo, "html", &[]);
    assert!(!document(&repo, "").contains("class=\"ran"), "no database is opened unasked");
    drawn(&repo, "html", &["--database"]);
    let document = document(&repo, "");
    assert_eq!(document.matches("<span class=\"ran applied\" title=\"applied\">").count(), 1);
    assert_eq!(document.matches("<span class=\"ran pending\" title=\"pending\">").count(), 1);
    assert!(document.contains("database: behind"), "{document}");
}

#[test]
fn a_format_that_a_command_lacks_is_refused() {
    let repo = TestRepo::new().adds("<base> -> a");
    insta::assert_snapshot!(repo.dbm(["check", "--format", "svg"]), @"
    --- stderr
    error: this command has no format `svg`
    hint: it has: human, json, github, gitlab, sarif, junit, rdjson
    --- exit 2
    ");
    insta::assert_snapshot!(repo.dbm(["graph", "--database"]), @"
    --- stderr
    error: only `--format html` shows what has run in a database
    --- exit 2
    ");
    repo.dbm(["graph", "--format", "html", "--database", "--at", "HEAD"]).expect_code(2);
}

#[test]
fn a_revision_to_begin_with_has_to_exist() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b");
    insta::assert_snapshot!(repo.dbm(["graph", "--since", "b", "--quiet"]), @"◉  a -> b (head), empty message");
    insta::assert_snapshot!(repo.dbm(["graph", "--since", "nope"]), @"
    --- stderr
    error: no revision is named `nope`
    hint: `dbm-git graph` lists all revisions
    --- exit 2
    ");
}
