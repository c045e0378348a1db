//! The standard project with its database on a server.

use crate::support::{Run, Server, StatusComponent, StatusJson, TestRepo, VERSIONS};

/// A third of the cases for each kind of database, so that together all are tried, unless
/// `DBM_GIT_TEST_VERIFY` asks for all of them: each takes seconds of alembic's starting.
pub fn share<T>(cases: &'static [T], url: &str) -> Vec<&'static T> {
    let is_all = std::env::var_os("DBM_GIT_TEST_VERIFY").is_some();
    let (first, step) = match url.split(['+', ':']).next() {
        _ if is_all => (0, 1),
        Some("postgresql") => (1, 3),
        Some("mysql") => (2, 3),
        _ => (0, 3),
    };
    cases.iter().skip(first).step_by(step).collect()
}

/// Which server, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    MariaDb,
}

/// A repository whose ini names a fresh database.
pub struct Project {
    pub kind: Kind,
    pub repo: TestRepo,
    pub server: Server,
}

impl Project {
    pub fn postgres() -> Self {
        Self::with(Kind::Postgres, Server::postgres())
    }

    pub fn mariadb() -> Self {
        Self::with(Kind::MariaDb, Server::mariadb())
    }

    /// One on each server.
    pub fn both() -> [Self; 2] {
        [Self::postgres(), Self::mariadb()]
    }

    fn with(kind: Kind, server: Server) -> Self {
        let project = Self { kind, repo: TestRepo::new(), server };
        project.set_url(&project.server.url());
        project.repo.commit("Use a server");
        project
    }

    /// Has the ini name this URL.
    pub fn set_url(&self, url: &str) {
        let ini = self.repo.read("alembic.ini");
        let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
        // An ini has its own use for `%`.
        let new = format!("sqlalchemy.url = {}", url.replace('%', "%%"));
        self.repo.write("alembic.ini", ini.replace(line, &new));
    }

    /// Commits one script per line of the notation.
    #[track_caller]
    pub fn adds(&self, notation: &str) {
        self.repo.write_revisions(notation);
        self.repo.commit(&format!("Add {}", notation.trim()));
    }

    #[track_caller]
    pub fn switch(&self, branch: &str) {
        self.repo.git(["switch", "--quiet", branch]);
    }

    #[track_caller]
    pub fn branch(&self, name: &str) {
        self.repo.git(["switch", "--quiet", "--create", name]);
    }

    /// Rewrites a script's down revision, as people do by hand.
    #[track_caller]
    pub fn repoint(&self, file: &str, from: &str, to: &str) {
        self.edit(
            file,
            &format!("down_revision: Union[str, Sequence[str], None] = {from}\n"),
            &format!("down_revision: Union[str, Sequence[str], None] = {to}\n"),
        );
    }

    /// Has a script say something else.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = format!("{VERSIONS}/{file}");
        let text = self.repo.read(&path);
        assert!(text.contains(from), "{path} has no {from}");
        self.repo.write(&path, text.replace(from, to));
    }

    /// Runs the project's own alembic, which has to end with `code`.
    #[track_caller]
    pub fn alembic<const N: usize>(&self, arguments: [&str; N], code: i32) {
        self.repo.alembic(arguments).expect_code(code);
    }

    #[track_caller]
    pub fn dbm<const N: usize>(&self, arguments: [&str; N], code: i32) -> Run {
        self.repo.dbm(arguments).expect_code(code)
    }

    /// The only component, as `status` describes it.
    #[track_caller]
    pub fn component(&self) -> StatusComponent {
        let mut json: StatusJson = self.dbm(["status", "--format", "json"], 0).json();
        json.components.remove(0)
    }

    /// The state, and what is skipped, unknown and foreign.
    #[track_caller]
    pub fn status(&self) -> String {
        let component = self.component();
        let mut text = component.state.clone();
        for (name, ids) in [
            ("skipped", &component.skipped),
            ("unknown", &component.unknown),
            ("foreign", &component.foreign),
        ] {
            if !ids.is_empty() {
                text += &format!(", {name} {}", ids.join(" "));
            }
        }
        text
    }

    /// Version rows and tables, as `f m: t_a t_f`.
    #[track_caller]
    pub fn database(&self) -> String {
        let rows = self.server.column("SELECT version_num FROM alembic_version ORDER BY 1");
        let schema = match self.kind {
            Kind::Postgres => "current_schema()",
            Kind::MariaDb => "database()",
        };
        let tables = self.server.column(&format!(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = {schema} AND table_name LIKE 't\\_%' ORDER BY 1"
        ));
        format!("{}: {}", rows.join(" "), tables.join(" "))
    }

    /// The ids in a table.
    #[track_caller]
    pub fn ids(&self, table: &str) -> String {
        let text = match self.kind {
            Kind::Postgres => "text",
            Kind::MariaDb => "char",
        };
        let sql = format!("SELECT CAST(id AS {text}) FROM {table} ORDER BY id");
        self.server.column(&sql).join(" ")
    }

    /// Syncs, and makes sure that alembic agrees with the outcome.
    #[track_caller]
    pub fn sync(&self) {
        self.dbm(["sync"], 0);
        self.is_in_order();
    }

    /// `status` and alembic both have nothing to do.
    #[track_caller]
    pub fn is_in_order(&self) {
        assert_eq!(self.status(), "up-to-date", "{:?}", self.kind);
        self.alembic(["current", "--check-heads"], 0);
        let before = self.database();
        self.alembic(["upgrade", "heads"], 0);
        assert_eq!(self.database(), before, "alembic had something left to do");
    }
}
