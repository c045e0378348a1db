//! The graphs of real projects under `tests/fixtures/graphs`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{TestRepo, raw_script};

/// One project's graph, as the real alembic loads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphFixture {
    /// The file's stem; not part of the file.
    #[serde(skip)]
    pub name: String,
    pub repo: String,
    pub commit: String,
    pub alembic: String,
    pub version_locations: Vec<String>,
    pub heads: Vec<String>,
    pub real_heads: Vec<String>,
    pub bases: Vec<String>,
    pub branch_points: Vec<String>,
    pub merge_points: Vec<String>,
    pub revisions: Vec<GraphRevision>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphRevision {
    pub file: String,
    pub revision: String,
    pub down_revision: Vec<String>,
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub doc: String,
    pub raw: RawHeader,
}

/// The source text of the four assigned values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHeader {
    pub revision: String,
    pub down_revision: String,
    pub branch_labels: String,
    pub depends_on: String,
}

impl GraphFixture {
    /// All fixtures, by file name.
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/graphs");
        let mut files: Vec<_> = fs::read_dir(&folder)
            .expect("the fixtures' folder")
            .map(|entry| entry.expect("an entry of the fixtures' folder").path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        assert_eq!(files.len(), 14, "graphs in {}", folder.display());
        files.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a readable fixture");
        let mut fixture: Self =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        fixture.name = path.file_stem().expect("a file name").to_string_lossy().into_owned();
        fixture
    }

    /// The version locations, below a folder of the fixture's own.
    pub fn locations(&self) -> Vec<String> {
        self.version_locations.iter().map(|l| format!("{}/{l}", self.name)).collect()
    }

    /// The version location of the revision at `index`. The fixtures name
    /// files without their folder, so files are dealt out in turn.
    pub fn path_of(&self, index: usize) -> String {
        let locations = self.locations();
        format!("{}/{}", locations[index % locations.len()], self.revisions[index].file)
    }

    /// Writes one file per revision, its header in the project's own words.
    pub fn write_to(&self, repo: &TestRepo) {
        for (index, revision) in self.revisions.iter().enumerate() {
            let GraphRevision { revision: id, down_revision, doc, raw, .. } = revision;
            repo.write(&self.path_of(index), raw_script(doc, id, down_revision, raw));
        }
    }
}
