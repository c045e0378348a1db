//! Our reading of Alembic's configuration against that of the real alembic.
//!
//! Needs `DBM_GIT_TEST_PYTHON`, the path of a Python that can import alembic.
//! One Python process answers for all cases.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dbm_git::project::{Component, read_project};
use dbm_git::workspace::WorkingTree;

/// Reads one case per line, `folder TAB working folder TAB config TAB section`,
/// and answers each with one line of JSON.
const ORACLE: &str = r#"
import json, os, sys, warnings
warnings.simplefilter("ignore")
from alembic.config import Config
from alembic.script import ScriptDirectory

def answer(cwd, config, section):
    os.chdir(cwd)
    plain = list(sys.path)
    # A package of the last case must not answer for this one.
    known = set(sys.modules)
    try:
        if os.path.basename(config) == "pyproject.toml":
            ini = os.path.join(os.path.dirname(config), "alembic.ini")
            cfg = Config(ini if os.path.exists(ini) else None, toml_file=config, ini_section=section)
        else:
            cfg = Config(config, toml_file="pyproject.toml", ini_section=section)
        sys.path.insert(0, os.getcwd())
        script = ScriptDirectory.from_config(cfg)
        return {
            "script_location": os.path.realpath(script.dir),
            "version_locations": [os.path.realpath(p) for p in script._version_locations],
            "recursive": script.recursive_version_locations,
            "sourceless": script.sourceless,
            "file_template": script.file_template,
            "slug_length": script.truncate_slug_length,
        }
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        sys.path[:] = plain
        for name in set(sys.modules) - known:
            del sys.modules[name]

for line in sys.stdin:
    print(json.dumps(answer(*line.rstrip("\n").split("\t"))), flush=True)
"#;

/// One repository with one config, and the folder in which a user would run alembic.
struct Case {
    name: String,
    config: &'static str,
    section: &'static str,
    run_in: &'static str,
    files: Vec<(String, String)>,
    /// Whether Alembic must accept it; a case that both refuse for other reasons proves nothing.
    accepted: bool,
}

fn case(name: &str, ini: &str) -> Case {
    Case {
        name: name.to_owned(),
        config: "alembic.ini",
        section: "alembic",
        run_in: "",
        files: vec![("alembic.ini".to_owned(), ini.to_owned())],
        accepted: true,
    }
    .with("scripts/env.py", "")
    .with("scripts/versions/.keep", "")
}

/// A case whose `[alembic]` has the location of the scripts and these lines.
fn option(lines: &str) -> Case {
    case(lines, &format!("[alembic]\nscript_location = scripts\n{lines}\n"))
}

impl Case {
    fn with(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    fn config(mut self, config: &'static str, section: &'static str) -> Self {
        (self.config, self.section) = (config, section);
        self
    }

    fn run_in(mut self, folder: &'static str) -> Self {
        self.run_in = folder;
        self
    }

    fn refused(mut self) -> Self {
        self.accepted = false;
        self
    }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        // Locations.
        case("relative", "[alembic]\nscript_location = scripts\n"),
        case("here", "[alembic]\nscript_location = %(here)s/scripts\n"),
        case("dots", "[alembic]\nscript_location = ./x/../scripts/\n").with("x/.keep", ""),
        case("the folder itself", "[alembic]\nscript_location = .\n").with("env.py", ""),
        case("colon as delimiter", "[alembic]\nscript_location: scripts\n"),
        case("upper case key", "[alembic]\nSCRIPT_Location=scripts\n"),
        case("missing", "[alembic]\nsqlalchemy.url = x\n").refused(),
        case("nowhere", "[alembic]\nscript_location = gone\n").refused(),
        case("empty", "[alembic]\nscript_location =\n").with("env.py", ""),
        case("package", "[alembic]\nscript_location = pkg.mod:scripts\nprepend_sys_path = src\n")
            .with("src/pkg/__init__.py", "")
            .with("src/pkg/mod/__init__.py", "")
            .with("src/pkg/mod/scripts/env.py", ""),
        case("namespace package", "[alembic]\nscript_location = pkg.mod:a:b\n")
            .with("pkg/mod/a/b/env.py", ""),
        case("package with slashes", "[alembic]\nscript_location = pkg:a/b\n")
            .with("pkg/__init__.py", "")
            .with("pkg/a/b/env.py", ""),
        case(
            "first search path",
            "[alembic]\nscript_location = pkg:x\nprepend_sys_path = %(here)s/one:two\npath_separator = os\n",
        )
        .with("one/pkg/__init__.py", "")
        .with("one/pkg/x/env.py", "")
        .with("two/pkg/__init__.py", "")
        .with("two/pkg/x/env.py", ""),
        // Sections.
        case("other section", "[alembic]\nscript_location = gone\n[tenant]\nscript_location = scripts\n")
            .config("alembic.ini", "tenant"),
        case("from default", "[DEFAULT]\nscript_location = scripts\n[alembic]\n"),
        case("default without the section", "[DEFAULT]\nscript_location = scripts\n[x]\n").refused(),
        case("section with case", "[Alembic]\nscript_location = scripts\n").refused(),
        case("section with a comment", "[alembic] ; main\nscript_location = scripts\n"),
        case("section with blanks", "[ alembic ]\nscript_location = scripts\n").refused(),
        case("default twice", "[DEFAULT]\na = 1\n[DEFAULT]\nb = 1\n[alembic]\nscript_location = scripts\n"),
        case("default sets it twice", "[DEFAULT]\na = 1\n[DEFAULT]\na = 1\n[alembic]\nscript_location = scripts\n").refused(),
        // Interpolation.
        case("interpolated", "[DEFAULT]\nbase = scr\n[alembic]\nrest = ipts\nscript_location = %(BASE)s%(rest)s\n"),
        case("nested", "[alembic]\na = %(b)s\nb = scripts\nscript_location = %(a)s\n"),
        case("here overridden", "[DEFAULT]\nhere = scripts\n[alembic]\nscript_location = %(here)s\n"),
        case("endless", "[alembic]\nscript_location = %(script_location)s\n").refused(),
        case("unknown name", "[alembic]\nscript_location = %(gone)s\n").refused(),
        case("single percent", "[alembic]\nscript_location = scripts%\n").refused(),
        case("bad reference", "[alembic]\nscript_location = %(here)d/scripts\n").refused(),
        option("file_template = %(rev)s").refused(),
        option("sqlalchemy.url = postgresql://%(user)s"),
        // The file's form.
        case("full-line comments", "# a\n; b\n[alembic]\n  # c\nscript_location = scripts\n  ; d\n"),
        case("no space", "[alembic]\nscript_location=scripts\n"),
        case("CRLF", "[alembic]\r\nscript_location = scripts\r\nversion_locations = a b\r\n"),
        case("twice", "[alembic]\nscript_location = scripts\nScript_Location = scripts\n").refused(),
        case("section twice", "[alembic]\nscript_location = scripts\n[alembic]\n").refused(),
        case("no header", "script_location = scripts\n[alembic]\n").refused(),
        case("conflict markers", "[alembic]\n<<<<<<< HEAD\nscript_location = scripts\n").refused(),
        case("no value", "[alembic]\nscript_location = scripts\nflag\n").refused(),
        case("BOM", "\u{feff}[alembic]\nscript_location = scripts\n").refused(),
        case("indented option", "[alembic]\n  script_location = scripts\n"),
        case("indented into the value above", "[alembic]\nx = 1\n  script_location = scripts\n")
            .refused(),
        // pyproject.toml.
        case("toml", "").config("pyproject.toml", "alembic").with(
            "pyproject.toml",
            "[tool.alembic]\nscript_location = '%(here)s/scripts'\nversion_locations = ['%(here)s/a', 'b c']\nfile_template = '%%(slug)s'\nsourceless = true\ntruncate_slug_length = 7\n",
        ),
        case("toml fills in", "[alembic]\nscript_location = scripts\n").with(
            "pyproject.toml",
            "[tool.alembic]\nscript_location = 'gone'\nversion_locations = ['v']\nrecursive_version_locations = true\n",
        ),
        case("toml for a missing section", "[alembic]\nscript_location = gone\n")
            .config("alembic.ini", "three")
            .with("pyproject.toml", "[tool.alembic]\nscript_location = 'scripts'\n"),
        case("toml percent", "").config("pyproject.toml", "alembic").refused().with(
            "pyproject.toml",
            "[tool.alembic]\nscript_location = 'scripts'\nfile_template = '%(rev)s'\n",
        ),
        case("toml string for a boolean", "").config("pyproject.toml", "alembic").refused().with(
            "pyproject.toml",
            "[tool.alembic]\nscript_location = 'scripts'\nsourceless = 'true'\n",
        ),
        case("toml empty list", "").config("pyproject.toml", "alembic").with(
            "pyproject.toml",
            "[tool.alembic]\nscript_location = 'scripts'\nversion_locations = []\n",
        ),
        // Where alembic is run.
        nested("ini below, run above", "src/app/scripts").run_in(""),
        nested("ini below, run there", "scripts").run_in("src/app"),
        nested("ini below, run between", "app/scripts").run_in("src"),
    ];
    for separator in [
        "",
        "path_separator = os",
        "path_separator = :",
        "path_separator = ;",
        "path_separator = space",
        "path_separator = newline",
        "version_path_separator = os",
        "version_path_separator = space",
        "path_separator = os\nversion_path_separator = bogus",
    ] {
        for list in [
            "a",
            "a b",
            "a, b",
            "a ,b",
            "a,b,  c",
            "a   b",
            "a;b; c",
            "%(here)s/a %(here)s/b",
            "scripts scripts/versions",
            "a ; all of them",
        ] {
            cases.push(option(&format!("{separator}\nversion_locations = {list}")));
        }
        // Without a colon as separator it is package `a`, which there is none of.
        let package = option(&format!("{separator}\nversion_locations = a:b"));
        let at_colon = separator.contains("os") || separator.ends_with(':');
        cases.push(if at_colon { package } else { package.refused() });
    }
    cases.push(option("path_separator = newline\nversion_locations =\n  a\n\n  b\n  # c\n  d"));
    cases.push(option("path_separator = os\nversion_locations = a:\n  b"));
    cases.push(option("path_separator = os\nversion_locations = a: b :"));
    cases.push(option("path_separator = bogus\nversion_locations = a").refused());
    cases.push(option("path_separator = bogus"));
    cases.push(option("version_locations ="));
    for value in ["true", "True", "false", "1", "yes", "", "true ; yes"] {
        cases.push(option(&format!("sourceless = {value}")));
        cases.push(option(&format!("recursive_version_locations = {value}")));
    }
    for value in ["12", " 12 ", "0"] {
        cases.push(option(&format!("truncate_slug_length = {value}")));
    }
    cases.push(option("truncate_slug_length = many").refused());
    for value in ["%%(year)d_%%(month).2d-%%(rev)s", "%%(rev)s  # c", "100%%%%"] {
        cases.push(option(&format!("file_template = {value}")));
    }
    cases
}

fn nested(name: &str, location: &str) -> Case {
    Case { files: Vec::new(), ..case(name, "") }
        .config("src/app/alembic.ini", "alembic")
        .with(
            "src/app/alembic.ini",
            &format!("[alembic]\nscript_location = {location}\nversion_locations = {location}/v\n"),
        )
        .with("src/app/scripts/env.py", "")
        .with("src/app/scripts/v/.keep", "")
}

/// What both sides are compared by: every value as text, locations relative to the repository.
type Answer = BTreeMap<String, String>;

fn ours(root: &Path, case: &Case) -> Result<Answer, String> {
    let declaration =
        format!("[components.x]\nconfig = '{}'\nsection = '{}'\n", case.config, case.section);
    fs::write(root.join("dbm-git.toml"), declaration).expect("writable");
    let project = read_project(&WorkingTree::new(root.to_owned()), None, root);
    let project = project.map_err(|error| error.to_string())?;
    let Component { script_location, version_locations, recursive, sourceless, .. } =
        &project.components[0];
    let template = &project.components[0].file_template;
    let locations: Vec<String> = version_locations.iter().map(ToString::to_string).collect();
    Ok(answer([
        ("script_location", script_location.to_string()),
        ("version_locations", locations.join("|")),
        ("recursive", recursive.to_string()),
        ("sourceless", sourceless.to_string()),
        ("file_template", template.pattern.clone()),
        ("slug_length", template.slug_length.to_string()),
    ]))
}

fn theirs(root: &Path, line: &str) -> Result<Answer, String> {
    let json: serde_json::Value = serde_json::from_str(line).expect("the oracle writes JSON");
    if let Some(error) = json["error"].as_str() {
        return Err(error.to_owned());
    }
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let place = |value: &serde_json::Value| {
        let path = PathBuf::from(text(value));
        let path = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8").to_owned();
        if path.is_empty() { ".".to_owned() } else { path }
    };
    let mut locations: Vec<String> = Vec::new();
    for location in json["version_locations"].as_array().expect("a list").iter().map(place) {
        // Alembic warns about a location given twice and reads it once; so do we, silently.
        // Words of a trailing comment are locations that don't exist, which it ignores.
        let of_comment = locations.last().is_some_and(|last| last.starts_with(';'))
            || matches!(&*location, ";" | "all" | "of" | "them");
        if !locations.contains(&location) && !of_comment {
            locations.push(location);
        }
    }
    Ok(answer([
        ("script_location", place(&json["script_location"])),
        ("version_locations", locations.join("|")),
        ("recursive", text(&json["recursive"])),
        ("sourceless", text(&json["sourceless"])),
        ("file_template", text(&json["file_template"])),
        ("slug_length", text(&json["slug_length"])),
    ]))
}

fn answer(pairs: [(&str, String); 6]) -> Answer {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn ask_alembic(python: &str, questions: &[String]) -> Vec<String> {
    let mut child = Command::new(python)
        .args(["-c", ORACLE])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run `{python}` of DBM_GIT_TEST_PYTHON: {error}"));
    let text = questions.concat();
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("no panic").expect("python reads its questions");
    assert!(output.status.success(), "python failed; can it import alembic?");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn configurations_are_read_as_alembic_reads_them() {
    let python = std::env::var("DBM_GIT_TEST_PYTHON")
        .expect("DBM_GIT_TEST_PYTHON must name a Python that can import alembic");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let scratch = scratch.path().canonicalize().expect("exists");
    let cases = cases();
    let mut questions = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let root = scratch.join(number.to_string());
        for (path, text) in &case.files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("below root")).expect("writable");
            fs::write(path, text).expect("writable");
        }
        let run_in = root.join(case.run_in);
        let config = root.join(case.config);
        questions.push(format!("{}\t{}\t{}\n", run_in.display(), config.display(), case.section));
    }

    let answers = ask_alembic(&python, &questions);
    assert_eq!(answers.len(), cases.len(), "one answer for each question");
    let mut differences = String::new();
    for (number, (case, line)) in cases.iter().zip(&answers).enumerate() {
        let root = scratch.join(number.to_string());
        let (ours, theirs) = (ours(&root, case), theirs(&root, line));
        let agree = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => case.accepted && ours == theirs,
            (Err(_), Err(_)) => !case.accepted,
            _ => false,
        };
        if !agree {
            differences += &format!("{}\n  ours:   {ours:?}\n  theirs: {theirs:?}\n", case.name);
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}
