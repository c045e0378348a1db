//! The whole project: declared components, or else discovered ones.

use std::path::Path;

use super::component::Component;
use super::declared::{Declared, component};
use super::discover::discover;
use super::environment::Reader;
use super::error::ProjectError;
use super::location::Root;
use super::names::names;
use super::overlay::Overlay;
use super::settings::{RawSettings, Settings, read_source};
use crate::tree::Tree;

/// What the configuration of a repository says, at one moment of its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    pub settings: Settings,
    pub components: Vec<Component>,
    /// What was found but could not be followed, each a sentence.
    pub notes: Vec<String>,
}

/// Reads the configuration of `tree`.
///
/// `fallback` is the working tree where `tree` is a commit: config files that
/// the commit lacks are taken from there. `root` is the repository's folder as
/// an absolute path; it only gives `%(here)s` and absolute paths a meaning.
pub fn read_project(
    tree: &dyn Tree,
    fallback: Option<&dyn Tree>,
    root: &Path,
) -> Result<Project, ProjectError> {
    // Python's `as_posix`.
    let root = root.to_string_lossy();
    let root = if cfg!(windows) { root.replace('\\', "/") } else { root.into_owned() };
    let reader = Reader { configs: Overlay { upper: tree, lower: fallback }, root: Root(&root) };

    let (mut source, mut note) = read_source(tree)?;
    if source.is_none()
        && let Some(fallback) = fallback
    {
        (source, note) = read_source(fallback)?;
    }
    let mut notes: Vec<String> = note.into_iter().collect();
    let settings = source.as_ref().map(|source| source.settings()).transpose()?.unwrap_or_default();
    let mut components = match &source {
        Some(source) => Declared { source, reader, tree }.components(&mut notes)?,
        None => Vec::new(),
    };
    if components.is_empty() {
        let (environments, more) = discover(&reader, tree)?;
        notes.extend(more);
        let defaults = RawSettings::default();
        let raw = source.as_ref().map_or(&defaults, |source| &source.raw);
        components = names(&environments)
            .into_iter()
            .zip(environments)
            .map(|(name, environment)| component(name, environment, raw))
            .collect();
    }
    if let [only] = components.as_mut_slice() {
        only.is_default = true;
    }
    Ok(Project { settings, components, notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::HeadPolicy;
    use crate::tree::MemoryTree;

    fn read(tree: &MemoryTree) -> Result<Project, ProjectError> {
        read_project(tree, None, Path::new("/repo"))
    }

    /// One line per component: `name: config[section] script_location -> version locations (run in folder)`.
    fn render(project: &Project) -> String {
        let lines = project.components.iter().map(|c| {
            let config = c
                .config
                .as_ref()
                .map_or("-".to_owned(), |config| format!("{}[{}]", config.path, config.section));
            let locations: Vec<String> =
                c.version_locations.iter().map(ToString::to_string).collect();
            format!(
                "{}: {config} {} -> {} (in {})\n",
                c.name,
                c.script_location,
                locations.join(", "),
                c.working_folder
            )
        });
        lines.chain(project.notes.iter().map(|note| format!("note: {note}\n"))).collect()
    }

    fn rendered(files: &[(&str, &str)]) -> String {
        render(&read(&MemoryTree::new(files)).expect("valid"))
    }

    /// The error of a `dbm-git.toml` beside an `alembic.ini`.
    fn refused(text: &str) -> String {
        let tree = MemoryTree::new(&[
            ("dbm-git.toml", text),
            ("alembic.ini", "[alembic]\nscript_location = a\n"),
            ("a/env.py", ""),
        ]);
        read(&tree).expect_err("refused").to_string()
    }

    const INI: &str = "[alembic]\nscript_location = alembic\n";

    #[test]
    fn an_ini_in_the_root_is_the_default_component() {
        let project = read(&MemoryTree::new(&[("alembic.ini", INI), ("alembic/env.py", "")]));
        let project = project.expect("valid");
        insta::assert_snapshot!(render(&project), @"default: alembic.ini[alembic] alembic -> alembic/versions (in .)");
        assert!(project.components[0].is_default);
        assert_eq!(project.settings, Settings::default());
    }

    #[test]
    fn a_relative_location_is_looked_up_beside_the_ini_then_in_the_root_then_between() {
        insta::assert_snapshot!(rendered(&[
            ("a/b/c/alembic.ini", "[alembic]\nscript_location = x\n"),
            ("a/b/c/x/env.py", ""),
            ("x/env.py", ""),
        ]), @"default: a/b/c/alembic.ini[alembic] a/b/c/x -> a/b/c/x/versions (in a/b/c)");
        insta::assert_snapshot!(rendered(&[
            ("src/app/alembic.ini", "[alembic]\nscript_location = src/app/x\n"),
            ("src/app/x/env.py", ""),
        ]), @"default: src/app/alembic.ini[alembic] src/app/x -> src/app/x/versions (in .)");
        insta::assert_snapshot!(rendered(&[
            ("svc/conf/alembic.ini", "[alembic]\nscript_location = db/x\n"),
            ("svc/db/x/env.py", ""),
        ]), @"default: svc/conf/alembic.ini[alembic] svc/db/x -> svc/db/x/versions (in svc)");
    }

    #[test]
    fn version_locations_show_which_folder_alembic_runs_in() {
        insta::assert_snapshot!(rendered(&[
            ("src/app/alembic.ini", "[alembic]\nscript_location = %(here)s/x\nversion_locations = src/app/x/v1 src/app/x/v2\n"),
            ("src/app/x/env.py", ""),
            ("src/app/x/v1/a.py", ""),
            ("src/app/x/v2/a.py", ""),
        ]), @"default: src/app/alembic.ini[alembic] src/app/x -> src/app/x/v1, src/app/x/v2 (in .)");
    }

    #[test]
    fn packages_are_folders_that_nobody_imports() {
        let find = |ini: &str, folder: &str| {
            let project = read(&MemoryTree::new(&[
                ("conf/alembic.ini", &format!("[alembic]\n{ini}\n")),
                (&format!("{folder}/env.py"), ""),
            ]));
            project.expect("valid").components.first().map(|c| c.script_location.to_string())
        };
        for (ini, folder) in [
            ("script_location = pkg.mod:alembic", "src/pkg/mod/alembic"),
            ("script_location = pkg.mod:alembic", "pkg/mod/alembic"),
            ("script_location = pkg.mod:alembic", "conf/pkg/mod/alembic"),
            ("script_location = pkg:a:b:dir", "pkg/a/b/dir"),
            ("script_location = pkg:a/b", "svc/src/pkg/a/b"),
            ("script_location = pkg:a/b", "lib/pkg/a/b"),
            ("script_location = pkg:x\nprepend_sys_path = ../lib/python", "lib/python/pkg/x"),
        ] {
            assert_eq!(find(ini, folder), Some(folder.to_owned()), "{ini}");
        }
    }

    #[test]
    fn alembic_is_run_where_the_package_belongs() {
        insta::assert_snapshot!(rendered(&[
            ("configs/manager/alembic.ini", "[alembic]\nscript_location = ai.models:alembic\n"),
            ("src/ai/models/alembic/env.py", ""),
        ]), @"default: configs/manager/alembic.ini[alembic] src/ai/models/alembic -> src/ai/models/alembic/versions (in .)");
        insta::assert_snapshot!(rendered(&[
            ("svc/src/app/db/alembic.ini", "[alembic]\nscript_location = app:db:x\nprepend_sys_path = .\n"),
            ("svc/src/app/db/x/env.py", ""),
        ]), @"default: svc/src/app/db/alembic.ini[alembic] svc/src/app/db/x -> svc/src/app/db/x/versions (in svc/src)");
    }

    #[test]
    fn scripts_that_only_code_makes_known_are_a_note() {
        let files =
            [("alembic.ini", INI), ("alembic/env.py", ""), ("alembic/versions/pg/1.py", "")];
        insta::assert_snapshot!(rendered(&files), @r"
        default: alembic.ini[alembic] alembic -> alembic/versions (in .)
        note: `alembic/versions` holds no script, but folders below it do: `version-locations` can name them, if env.py does
        ");
        let recursive = format!("{INI}recursive_version_locations = true\n");
        let tree = MemoryTree::new(&files).with("alembic.ini", &recursive);
        assert_eq!(read(&tree).expect("valid").notes, [""; 0]);
    }

    #[test]
    fn the_search_path_decides_between_namesakes() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = pkg:x\nprepend_sys_path = lib\n"),
            ("lib/pkg/x/env.py", ""),
            ("src/pkg/x/env.py", ""),
        ]), @"default: alembic.ini[alembic] lib/pkg/x -> lib/pkg/x/versions (in .)");
    }

    #[test]
    fn absolute_paths_count_inside_the_repository_and_by_their_end_elsewhere() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = /repo/db/../x\n"),
            ("x/env.py", ""),
        ]), @"default: alembic.ini[alembic] x -> x/versions (in .)");
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = /app/server/db/x\n"),
            ("server/db/x/env.py", ""),
        ]), @"default: alembic.ini[alembic] server/db/x -> server/db/x/versions (in .)");
    }

    #[test]
    fn a_comment_behind_a_location_is_cut_off_only_where_it_leads_nowhere() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = x ; the scripts\nversion_locations = x/v ; all of them\n"),
            ("x/env.py", ""),
        ]), @"default: alembic.ini[alembic] x -> x/v (in .)");
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = x ; y\n"),
            ("x ; y/env.py", ""),
        ]), @"default: alembic.ini[alembic] x ; y -> x ; y/versions (in .)");
    }

    #[test]
    fn an_ini_without_script_location_in_a_script_folder_means_that_folder() {
        insta::assert_snapshot!(rendered(&[
            ("web/migrations/alembic.ini", "[alembic]\n# file_template = x\n[loggers]\nkeys = root\n"),
            ("web/migrations/env.py", ""),
            ("web/migrations/versions/1.py", ""),
        ]), @"default: web/migrations/alembic.ini[alembic] web/migrations -> web/migrations/versions (in web)");
    }

    #[test]
    fn sections_of_one_ini_are_components_named_after_them() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[core]\nscript_location = db/core\n[tenant]\nscript_location = db/tenant\n[loggers]\nkeys = root\n"),
            ("db/core/env.py", ""),
            ("db/tenant/env.py", ""),
        ]), @r"
        core: alembic.ini[core] db/core -> db/core/versions (in .)
        tenant: alembic.ini[tenant] db/tenant -> db/tenant/versions (in .)
        ");
    }

    #[test]
    fn a_location_in_default_makes_no_component_of_a_logger() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[DEFAULT]\nscript_location = x\n[a]\nversion_locations = x/a\n[b]\nversion_locations = x/b\n[loggers]\nkeys = root\n"),
            ("x/env.py", ""),
        ]), @r"
        a: alembic.ini[a] x -> x/a (in .)
        b: alembic.ini[b] x -> x/b (in .)
        ");
    }

    #[test]
    fn inis_are_named_by_what_tells_them_apart() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = ai.manager.models:alembic\n"),
            ("alembic-accountmgr.ini", "[alembic]\nscript_location = ai.account.models:alembic\n"),
            ("alembic-appproxy.ini", "[alembic]\nscript_location = ai.proxy.coordinator.models:alembic\n"),
            ("configs/manager/sample.alembic.ini", "[alembic]\nscript_location = ai.manager.models:alembic\n"),
            ("src/ai/manager/models/alembic/env.py", ""),
            ("src/ai/account/models/alembic/env.py", ""),
            ("src/ai/proxy/coordinator/models/alembic/env.py", ""),
        ]), @r"
        manager: alembic.ini[alembic] src/ai/manager/models/alembic -> src/ai/manager/models/alembic/versions (in .)
        accountmgr: alembic-accountmgr.ini[alembic] src/ai/account/models/alembic -> src/ai/account/models/alembic/versions (in .)
        appproxy: alembic-appproxy.ini[alembic] src/ai/proxy/coordinator/models/alembic -> src/ai/proxy/coordinator/models/alembic/versions (in .)
        ");
    }

    #[test]
    fn names_are_unique_whatever_the_folders_are_called() {
        insta::assert_snapshot!(rendered(&[
            ("migrations/alembic.ini", "[alembic]\n"),
            ("migrations/env.py", ""),
            ("plugins/migrations/alembic.ini", "[alembic]\n"),
            ("plugins/migrations/env.py", ""),
            ("a/alembic.ini", "[tenant]\nscript_location = t\n"),
            ("a/t/env.py", ""),
            ("b/alembic.ini", "[tenant]\nscript_location = t\n"),
            ("b/t/env.py", ""),
        ]), @r"
        a-t-tenant: a/alembic.ini[tenant] a/t -> a/t/versions (in a)
        b-t-tenant: b/alembic.ini[tenant] b/t -> b/t/versions (in b)
        migrations: migrations/alembic.ini[alembic] migrations -> migrations/versions (in .)
        plugins: plugins/migrations/alembic.ini[alembic] plugins/migrations -> plugins/migrations/versions (in plugins)
        ");
    }

    #[test]
    fn one_script_location_with_several_version_locations_is_several_components() {
        let ini = |folder: &str| {
            format!("[alembic]\nscript_location = x\nversion_locations = v/{folder}\n")
        };
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", &ini("main")),
            ("alembic_audit.ini", &ini("audit")),
            ("jobs.alembic.ini", &ini("jobs")),
            ("x/env.py", ""),
        ]), @r"
        main: alembic.ini[alembic] x -> v/main (in .)
        audit: alembic_audit.ini[alembic] x -> v/audit (in .)
        jobs: jobs.alembic.ini[alembic] x -> v/jobs (in .)
        ");
    }

    #[test]
    fn pyproject_holds_alembics_configuration_too() {
        let toml = "[tool.alembic]\nscript_location = '%(here)s/x'\nversion_locations = ['%(here)s/v']\nrecursive_version_locations = true\n";
        let tree = MemoryTree::new(&[("svc/pyproject.toml", toml), ("svc/x/env.py", "")]);
        let project = read(&tree).expect("valid");
        insta::assert_snapshot!(render(&project), @"default: svc/pyproject.toml[alembic] svc/x -> svc/v (in svc)");
        assert!(project.components[0].recursive);

        // Beside it an ini that has its own location wins, and takes the rest from here.
        let tree = tree.with("svc/alembic.ini", "[alembic]\nscript_location = y\n");
        let project = read(&tree.with("svc/y/env.py", "")).expect("valid");
        insta::assert_snapshot!(render(&project), @"default: svc/alembic.ini[alembic] svc/y -> svc/v (in svc)");
        assert!(project.components[0].recursive);
    }

    #[test]
    fn without_any_config_script_folders_are_found_by_what_they_hold() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini.mako", INI),
            ("h/migrations/env.py", ""),
            ("h/migrations/script.py.mako", ""),
            ("h/migrations/versions/1.py", ""),
            ("node_modules/x/alembic/env.py", ""),
            ("node_modules/x/alembic/versions/1.py", ""),
            (".cache/x/alembic/env.py", ""),
            (".cache/x/alembic/versions/1.py", ""),
            ("myenv/pyvenv.cfg", ""),
            ("myenv/lib/templates/env.py", ""),
            ("myenv/lib/templates/script.py.mako", ""),
        ]), @"default: - h/migrations -> h/migrations/versions (in .)");
        insta::assert_snapshot!(rendered(&[
            ("db/env.py", ""),
            ("db/versions/postgresql/1.py", ""),
            ("db/versions/sqlite/1.py", ""),
            ("db/versions/README", ""),
        ]), @"default: - db -> db/versions/postgresql, db/versions/sqlite (in .)");
    }

    #[test]
    fn a_found_config_that_makes_no_sense_is_a_note() {
        insta::assert_snapshot!(rendered(&[
            ("a/alembic.ini", "[alembic]\nscript_location = {{ cookiecutter.name }}\n"),
            ("b/alembic.ini", "[alembic]\n\nscript_location = %(nobody)s\n"),
            ("c/alembic.ini", "[alembic]\n<<<<<<< HEAD\n"),
            ("d/alembic.ini", "[alembic]\nscript_location = ../../x\n"),
            ("e/pyproject.toml", "[tool.alembic]\nscript_location = [\n"),
            ("f/alembic.ini", "[alembic]\nsqlalchemy.url = x\n"),
            ("g/alembic.ini", "[alembic]\nscript_location = x\nversion_locations = /v\n"),
            ("g/x/README", ""),
        ]), @r"
        note: `c/alembic.ini` line 2: `<<<<<<< HEAD` is neither a section nor an option
        note: `e/pyproject.toml` line 2: unclosed array, expected `]`
        note: `a/alembic.ini` line 2: script location `{{ cookiecutter.name }}` is nowhere in the repository
        note: `b/alembic.ini` line 3: `script_location` in section `[alembic]`: nothing says what `%(nobody)s` is
        note: `d/alembic.ini` line 2: script location `../../x` is nowhere in the repository
        note: `f/alembic.ini`: no `script_location` in section `[alembic]`
        note: `g/alembic.ini` line 3: version location `/v` is nowhere in the repository
        ");
    }

    #[test]
    fn a_version_location_outside_of_the_repository_is_a_note() {
        insta::assert_snapshot!(rendered(&[
            ("alembic.ini", "[alembic]\nscript_location = x\nversion_locations = x/versions, /elsewhere/v, pkg:v\n"),
            ("x/env.py", ""),
        ]), @r"
        default: alembic.ini[alembic] x -> x/versions (in .)
        note: `alembic.ini`: version location `/elsewhere/v` is nowhere in the repository
        note: `alembic.ini`: version location `pkg:v` is nowhere in the repository
        ");
    }

    #[test]
    fn a_commit_takes_from_the_working_tree_only_what_it_lacks() {
        let commit = MemoryTree::new(&[("src/a/alembic/env.py", ""), ("src/b/alembic/env.py", "")]);
        let ini = |folder: &str| format!("[alembic]\nscript_location = src/{folder}/alembic\n");
        let working = commit
            .clone()
            .with("alembic.ini", &ini("a"))
            .with("alembic-second.ini", &ini("b"))
            .with("alembic-third.ini", &ini("c"))
            .with("src/c/alembic/env.py", "");
        let at_commit = read_project(&commit, Some(&working), Path::new("/repo")).expect("valid");
        insta::assert_snapshot!(render(&at_commit), @r"
        a: alembic.ini[alembic] src/a/alembic -> src/a/alembic/versions (in .)
        second: alembic-second.ini[alembic] src/b/alembic -> src/b/alembic/versions (in .)
        ");

        // A config of the commit is that of the commit, and nothing else.
        let moved = MemoryTree::new(&[("alembic.ini", INI), ("alembic/env.py", "")]);
        let project = read_project(&moved, Some(&working), Path::new("/repo")).expect("valid");
        insta::assert_snapshot!(render(&project), @"default: alembic.ini[alembic] alembic -> alembic/versions (in .)");

        let empty = MemoryTree::new(&[("README", "")]);
        let project = read_project(&empty, Some(&working), Path::new("/repo")).expect("valid");
        assert_eq!(project.components.len(), 3);
    }

    #[test]
    fn declared_components_are_the_only_ones() {
        let tree = MemoryTree::new(&[
            (
                "dbm-git.toml",
                r#"
upstream = "origin/trunk"
protected = ["origin/release/*"]
strategy = "linear"
pre-push = "strict"
heads = "single"
hint-unreachable = "./scripts/run-dev.sh"

[components.zeta]
config = "conf/a.ini"
section = "tenant"
default = true
ids = "sequential"
database-url-env = "ZETA_URL"
version-table = "zeta_version"
version-table-schema = "Tenant"
alembic = ["uv", "run", "alembic"]
lock-file = true

[components.alpha]
script-location = "src/app/alembic"
version-locations = ["src/app/alembic/versions", "plugins/*/migrations"]
recursive = true
heads = "auto"
hint-unreachable = "ask ops"
database-url = "sqlite:///x.db"
"#,
            ),
            (
                "conf/a.ini",
                "[tenant]\nscript_location = conf/t\nsqlalchemy.url = postgresql://%(u)s\nu = me\n",
            ),
            ("conf/t/env.py", ""),
            ("src/app/alembic/env.py", ""),
            ("plugins/one/migrations/1.py", ""),
            ("plugins/two/migrations/1.py", ""),
            ("plugins/two/deep/migrations/1.py", ""),
            ("alembic.ini", INI),
            ("alembic/env.py", ""),
        ]);
        let project = read(&tree).expect("valid");
        insta::assert_snapshot!(render(&project), @r"
        zeta: conf/a.ini[tenant] conf/t -> conf/t/versions (in .)
        alpha: - src/app/alembic -> src/app/alembic/versions, plugins/one/migrations, plugins/two/migrations (in .)
        ");
        let path = |text| crate::tree::RepoPath::new(text).expect("inside");
        assert_eq!(
            project.settings,
            Settings {
                upstream: Some("origin/trunk".to_owned()),
                protected: vec!["origin/release/*".to_owned()],
                strategy: crate::plan::Strategy::Linear,
                pre_push: crate::project::PrePush::Strict,
                ignored: Vec::new(),
                source: Some(path("dbm-git.toml")),
            }
        );
        let [zeta, alpha] = project.components.as_slice() else { panic!("two") };
        assert!(zeta.is_default && !alpha.is_default);
        assert_eq!((zeta.heads, alpha.heads), (HeadPolicy::Single, HeadPolicy::Auto));
        assert_eq!((zeta.sequential_ids, alpha.sequential_ids), (Some(true), None));
        assert_eq!(zeta.hint_unreachable.as_deref(), Some("./scripts/run-dev.sh"));
        assert_eq!(alpha.hint_unreachable.as_deref(), Some("ask ops"));
        assert_eq!(zeta.alembic_command, Some(["uv", "run", "alembic"].map(String::from).into()));
        assert_eq!(zeta.lock_file, Some(path("conf/t/versions/HEADS")));
        assert_eq!(alpha.lock_file, None);
        assert_eq!(zeta.sqlalchemy_url.as_deref(), Some("postgresql://me"));
        assert_eq!(zeta.database_url_env.as_deref(), Some("ZETA_URL"));
        assert_eq!(zeta.version_table.as_deref(), Some("zeta_version"));
        assert_eq!(zeta.version_table_schema.as_deref(), Some("Tenant"));
        assert_eq!((&alpha.version_table, &alpha.version_table_schema), (&None, &None));
        assert_eq!(alpha.database_url.as_deref(), Some("sqlite:///x.db"));
        assert!(alpha.recursive);
    }

    #[test]
    fn pyproject_holds_ours_too_and_a_file_of_our_own_wins() {
        let tree = MemoryTree::new(&[
            ("pyproject.toml", "[tool.dbm-git]\nupstream = 'origin/a'\n[tool.other]\nx = 1\n"),
            ("alembic.ini", INI),
            ("alembic/env.py", ""),
        ]);
        let project = read(&tree).expect("valid");
        assert_eq!(project.settings.upstream.as_deref(), Some("origin/a"));
        assert_eq!(project.components.len(), 1);

        let both = tree.with("dbm-git.toml", "upstream = 'origin/b'\n");
        let project = read(&both).expect("valid");
        assert_eq!(project.settings.upstream.as_deref(), Some("origin/b"));
        assert_eq!(
            project.notes,
            ["`[tool.dbm-git]` in `pyproject.toml` is ignored: there is a `dbm-git.toml`"]
        );
    }

    #[test]
    fn a_pyproject_of_others_may_be_broken() {
        let tree = MemoryTree::new(&[
            ("pyproject.toml", "[project\n"),
            ("alembic.ini", INI),
            ("alembic/env.py", ""),
        ]);
        assert_eq!(read(&tree).expect("valid").components.len(), 1);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        insta::assert_snapshot!(refused("upsteam = 'x'\n"), @"unknown key `upsteam` in `dbm-git.toml` line 1, the nearest known one is `upstream`");
        insta::assert_snapshot!(
            refused("\n[components.a]\nconfig = 'alembic.ini'\nversion_locations = ['x']\n"),
            @"unknown key `version_locations` in `dbm-git.toml` line 4, the nearest known one is `version-locations`"
        );
        insta::assert_snapshot!(refused("\n[component.a]\nconfig = 'alembic.ini'\n"), @"unknown key `component` in `dbm-git.toml` line 2, the nearest known one is `components`");
        insta::assert_snapshot!(refused("strategy = 'linaer'\n"), @"unknown value `linaer` in `dbm-git.toml` line 1, the nearest known one is `linear`");
        let tree =
            MemoryTree::new(&[("pyproject.toml", "[tool.x]\n[tool.dbm-git]\nhead = 'single'\n")]);
        insta::assert_snapshot!(read(&tree).expect_err("refused"), @"unknown key `head` in `pyproject.toml` line 3, the nearest known one is `heads`");
    }

    #[test]
    fn a_declaration_that_leads_nowhere_is_an_error_that_says_where_it_stands() {
        insta::assert_snapshot!(refused("[components.a]\nconfig = 'gone.ini'\n"), @"`dbm-git.toml` line 2: `gone.ini`, the config of component `a`, does not exist");
        insta::assert_snapshot!(refused("[components.a]\nconfig = '../x.ini'\n"), @"`dbm-git.toml` line 2: component `a`: `../x.ini` is not a path below the repository's root");
        insta::assert_snapshot!(refused("[components.a]\ndefault = true\n"), @"`dbm-git.toml` line 1: component `a`: neither `config` nor `script-location` says where it is");
        insta::assert_snapshot!(refused("[components.a]\nscript-location = 'gone'\n"), @"`dbm-git.toml` line 2: component `a`: script location `gone` is nowhere in the repository");
        insta::assert_snapshot!(refused("[components.a]\nconfig = 'alembic.ini'\nsection = 'x'\n"), @"component `a`: `alembic.ini`: no `script_location` in section `[x]`");
        insta::assert_snapshot!(refused("[components.a]\nscript-location = 'a'\nversion-locations = ['v/*']\n"), @"`dbm-git.toml` line 3: component `a`: `version-locations` names no folder");
        insta::assert_snapshot!(refused("[components.a]\nconfig = 'alembic.ini'\nversion-table = ''\n"), @"`dbm-git.toml` line 1: component `a`: `version-table` is an empty name");
        insta::assert_snapshot!(refused("[components.a]\nconfig = 'alembic.ini'\nalembic = []\n"), @"`dbm-git.toml` line 1: component `a`: `alembic` is an empty command");
        insta::assert_snapshot!(
            refused("[components.a]\nscript-location = 'a'\ndefault = true\n[components.b]\nscript-location = 'a'\ndefault = true\n"),
            @"`dbm-git.toml` line 4: component `b`: `a` is the default component already"
        );
        insta::assert_snapshot!(refused("upstream = \n"), @"`dbm-git.toml` line 1: string values must be quoted, expected literal string");
        insta::assert_snapshot!(refused("protected = 'x'\n"), @"`dbm-git.toml` line 1: invalid type: string \"x\", expected a sequence");
    }

    #[test]
    fn a_declared_config_that_is_broken_is_an_error_with_its_line() {
        let tree = MemoryTree::new(&[
            ("dbm-git.toml", "[components.a]\nconfig = 'x.ini'\n"),
            ("x.ini", "[alembic]\nscript_location = a\nscript_location = b\n"),
        ]);
        insta::assert_snapshot!(read(&tree).expect_err("refused"), @"component `a`: `x.ini` line 3: `script_location` is set twice in section `[alembic]`");
        let tree = tree.with("x.ini", "[alembic]\nscript_location = nowhere\n");
        insta::assert_snapshot!(read(&tree).expect_err("refused"), @"component `a`: `x.ini` line 2: script location `nowhere` is nowhere in the repository");
    }

    #[test]
    fn a_declared_location_makes_up_for_an_untracked_config() {
        let toml = "[components.a]\nconfig = 'alembic.ini'\nscript-location = 'src/x'\n";
        let clone = MemoryTree::new(&[("dbm-git.toml", toml), ("src/x/env.py", "")]);
        insta::assert_snapshot!(render(&read(&clone).expect("valid")), @"a: alembic.ini[alembic] src/x -> src/x/versions (in .)");
        let mine = clone
            .with("alembic.ini", "[alembic]\nscript_location = pkg:x\nfile_template = %%(slug)s\n");
        let project = read(&mine).expect("valid");
        insta::assert_snapshot!(render(&project), @"a: alembic.ini[alembic] src/x -> src/x/versions (in .)");
        assert_eq!(project.components[0].file_template.pattern, "%(slug)s");
    }

    #[test]
    fn locations_set_in_code_are_declared_instead() {
        insta::assert_snapshot!(rendered(&[
            ("dbm-git.toml", "[components.a]\nconfig = 'alembic.ini'\nversion-locations = ['inv/alembic', 'inv/*/alembic']\n[components.b]\nversion-locations = ['mod/alembic']\n[components.c]\nversion-locations = ['db/versions']\n"),
            ("alembic.ini", INI),
            ("alembic/env.py", ""),
            ("inv/b/alembic/1.py", ""),
            ("inv/a/alembic/1.py", ""),
            ("mod/alembic/1.py", ""),
        ]), @r"
        a: alembic.ini[alembic] alembic -> inv/alembic, inv/a/alembic, inv/b/alembic (in .)
        b: - mod/alembic -> mod/alembic (in .)
        c: - db -> db/versions (in .)
        ");
    }
}
