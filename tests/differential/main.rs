//! Our reading of histories against the real alembic's, on the graphs of real
//! projects and on generated ones whose headers are spelled in every legal way.

mod projects;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use projects::Project;
use support::{
    CheckJson, GraphComponent, GraphFixture, GraphJson, GraphRevisionJson, Oracle, OracleAnswer,
    OracleRequest, OracleRevision, TestRepo,
};

/// How many projects are generated; the seed is the project's number.
const PROJECTS: u64 = 300;

/// What both sides have to agree on.
#[derive(Debug, PartialEq, Eq)]
struct History {
    revisions: BTreeMap<String, Revision>,
    heads: BTreeSet<String>,
    bases: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Revision {
    down_revisions: Vec<String>,
    depends_on: Vec<String>,
    branch_labels: BTreeSet<String>,
    path: String,
    message: String,
}

impl From<OracleAnswer> for History {
    fn from(answer: OracleAnswer) -> Self {
        let revision = |r: OracleRevision| {
            let OracleRevision { revision, down_revisions, depends_on, labels, path, doc, .. } = r;
            let branch_labels = labels.into_iter().collect();
            let message = one_line(&doc);
            (revision, Revision { down_revisions, depends_on, branch_labels, path, message })
        };
        Self {
            revisions: answer.revisions.into_iter().map(revision).collect(),
            heads: answer.heads.into_iter().collect(),
            bases: answer.bases.into_iter().collect(),
        }
    }
}

impl From<GraphComponent> for History {
    fn from(component: GraphComponent) -> Self {
        let revision = |r: GraphRevisionJson| {
            let message = one_line(&r.message);
            let branch_labels = r.branch_labels.into_iter().collect();
            let GraphRevisionJson { revision, down_revisions, depends_on, path, .. } = r;
            (revision, Revision { down_revisions, depends_on, branch_labels, path, message })
        };
        Self {
            revisions: component.revisions.into_iter().map(revision).collect(),
            heads: component.heads.into_iter().collect(),
            bases: component.bases.into_iter().collect(),
        }
    }
}

impl From<&GraphFixture> for History {
    fn from(fixture: &GraphFixture) -> Self {
        let revision = |(index, r): (usize, &support::GraphRevision)| {
            let facts = Revision {
                down_revisions: r.down_revision.clone(),
                depends_on: r.depends_on.clone(),
                branch_labels: r.branch_labels.iter().cloned().collect(),
                path: fixture.path_of(index),
                message: one_line(&r.doc),
            };
            (r.revision.clone(), facts)
        };
        Self {
            revisions: fixture.revisions.iter().enumerate().map(revision).collect(),
            heads: fixture.heads.iter().cloned().collect(),
            bases: fixture.bases.iter().cloned().collect(),
        }
    }
}

impl From<&Project> for History {
    fn from(project: &Project) -> Self {
        let revision = |r: &projects::Revision| {
            let facts = Revision {
                down_revisions: r.down_revisions.clone(),
                depends_on: r.depends_on.clone(),
                branch_labels: r.branch_labels.iter().cloned().collect(),
                path: r.path.clone(),
                message: one_line(&r.message),
            };
            (r.id.clone(), facts)
        };
        let named: BTreeSet<&String> =
            project.revisions.iter().flat_map(|r| &r.down_revisions).collect();
        let ids = |keep: &dyn Fn(&projects::Revision) -> bool| {
            project.revisions.iter().filter(|r| keep(r)).map(|r| r.id.clone()).collect()
        };
        Self {
            revisions: project.revisions.iter().map(revision).collect(),
            heads: ids(&|r| !named.contains(&r.id)),
            bases: ids(&|r| r.down_revisions.is_empty()),
        }
    }
}

/// Fails with the differences alone: whole histories are too long to be read.
#[track_caller]
fn assert_same(name: &str, found: &History, expected: &History) {
    assert_eq!(found.heads, expected.heads, "heads of {name}");
    assert_eq!(found.bases, expected.bases, "bases of {name}");
    let ids: BTreeSet<&String> = found.revisions.keys().chain(expected.revisions.keys()).collect();
    let differences: Vec<_> = ids
        .into_iter()
        .map(|id| (id, found.revisions.get(id), expected.revisions.get(id)))
        .filter(|(_, found, expected)| found != expected)
        .collect();
    assert!(differences.is_empty(), "{name}: (id, found, expected) {differences:#?}");
}

/// Where a paragraph breaks its lines is no part of the message.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A component that dbm-git is told of, and the oracle asked about.
struct Component {
    name: String,
    script_location: String,
    version_locations: Vec<String>,
    recursive: bool,
}

impl Component {
    fn of_fixture(fixture: &GraphFixture) -> Self {
        Self {
            name: fixture.name.replace(['.', '_'], "-"),
            script_location: fixture.name.clone(),
            version_locations: fixture.locations(),
            recursive: false,
        }
    }

    fn of_project(project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            script_location: project.name.clone(),
            version_locations: project.version_locations.clone(),
            recursive: project.recursive,
        }
    }

    fn request(&self, repo: &TestRepo) -> OracleRequest {
        OracleRequest {
            path: repo.path().to_str().expect("a plain temporary folder").to_owned(),
            script_location: Some(self.script_location.clone()),
            version_locations: self.version_locations.clone(),
            recursive: self.recursive,
            ..OracleRequest::default()
        }
    }
}

/// Writes `dbm-git.toml` for `components` and commits the working tree.
fn configure(repo: &TestRepo, components: &[Component]) {
    let mut text = String::new();
    for component in components {
        text += &format!(
            "[components.{}]\nscript-location = {:?}\nversion-locations = {:?}\nrecursive = {}\n\n",
            component.name,
            component.script_location,
            component.version_locations,
            component.recursive
        );
    }
    repo.write("dbm-git.toml", text);
    repo.commit("Add all projects");
}

fn fixtures_repo() -> (TestRepo, Vec<GraphFixture>, Vec<Component>) {
    let repo = TestRepo::empty();
    let fixtures = GraphFixture::all();
    fixtures.iter().for_each(|fixture| fixture.write_to(&repo));
    let components: Vec<Component> = fixtures.iter().map(Component::of_fixture).collect();
    configure(&repo, &components);
    (repo, fixtures, components)
}

fn projects_repo() -> (TestRepo, Vec<Project>, Vec<Component>) {
    let repo = TestRepo::empty();
    let projects: Vec<Project> = (0..PROJECTS).map(Project::generate).collect();
    projects.iter().for_each(|project| project.write_to(&repo));
    let components: Vec<Component> = projects.iter().map(Component::of_project).collect();
    configure(&repo, &components);
    (repo, projects, components)
}

/// What `graph` says of every component, by name.
#[track_caller]
fn graphs(repo: &TestRepo) -> BTreeMap<String, History> {
    let graph: GraphJson = repo.dbm(["graph", "--format", "json"]).expect_code(0).json();
    assert_eq!(graph.version, 1);
    graph.components.into_iter().map(|c| (c.name.clone(), c.into())).collect()
}

#[test]
fn alembic_reads_the_written_fixtures_as_the_fixtures_say() {
    let (repo, fixtures, components) = fixtures_repo();
    let mut oracle = Oracle::start();
    for (fixture, component) in fixtures.iter().zip(&components) {
        let answer = oracle.load(&component.request(&repo));
        assert_eq!(answer.alembic, fixture.alembic);
        assert_eq!(answer.warnings, Vec::<String>::new(), "{}", fixture.name);
        let order = answer.upgrade_order.as_ref().expect("a sound history has a way up");
        assert_eq!(order.len(), fixture.revisions.len(), "{}", fixture.name);
        let real_heads: BTreeSet<&String> = answer.real_heads.iter().collect();
        assert_eq!(real_heads, fixture.real_heads.iter().collect(), "{}", fixture.name);
        assert_same(&fixture.name, &answer.into(), &fixture.into());
    }
}

#[test]
fn alembic_reads_the_generated_projects_as_they_were_meant() {
    let (repo, projects, components) = projects_repo();
    let mut oracle = Oracle::start();
    for (project, component) in projects.iter().zip(&components) {
        let answer = oracle.load(&component.request(&repo));
        assert_eq!(answer.upgrade_error, None, "{}", project.name);
        assert_same(&project.name, &answer.into(), &project.into());
    }
}

#[test]
fn the_graph_of_a_real_project_is_the_one_that_alembic_loads() {
    let (repo, fixtures, components) = fixtures_repo();
    let mut oracle = Oracle::start();
    let mut ours = graphs(&repo);
    for (fixture, component) in fixtures.iter().zip(&components) {
        let ours = ours.remove(&component.name).expect("a component for each fixture");
        assert_same(&fixture.name, &ours, &fixture.into());
        let answer = oracle.load(&component.request(&repo));
        assert_same(&fixture.name, &ours, &answer.into());
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn check_finds_no_error_in_a_real_project() {
    let (repo, fixtures, components) = fixtures_repo();
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(0).json();
    assert!(check.ok);
    assert_eq!(check.components.len(), fixtures.len());
    for (fixture, component) in fixtures.iter().zip(&components) {
        let found = check.components.iter().find(|c| c.name == component.name);
        let found = found.expect("a component for each fixture");
        let errors: Vec<_> = found.findings.iter().filter(|f| f.level == "error").collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", fixture.name);
        assert_eq!(found.revisions, fixture.revisions.len(), "{}", fixture.name);
    }
}

#[test]
fn the_graph_of_a_generated_project_is_the_one_that_alembic_loads() {
    let (repo, projects, components) = projects_repo();
    let mut oracle = Oracle::start();
    let mut ours = graphs(&repo);
    for (project, component) in projects.iter().zip(&components) {
        let ours = ours.remove(&component.name).expect("a component for each project");
        let answer = oracle.load(&component.request(&repo));
        assert_same(&project.name, &ours, &answer.into());
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), Vec::<&String>::new());
}
