//! What is generated and committed is what the program says today: the schemas,
//! and the tables of docs/configuration.md. One command renews all of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dbm_git::cli::facts::{CLONE_SETTINGS, Fact, VARIABLES};
use dbm_git::project::configuration_schema;
use dbm_git::report::OUTPUT_SCHEMAS;
use serde_json::Value;

const RENEW: &str = "DBM_GIT_RENEW=1 cargo test --locked --test generated";

/// Holds a committed file against its text of today, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test that renews what it checks when asked to")]
fn check(path: &str, today: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("DBM_GIT_RENEW").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, today).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let place = path.display();
    assert!(committed == today, "{place} is not what the program says: run\n  {RENEW}");
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("serialisable") + "\n"
}

#[test]
fn the_schemas_are_those_of_today() {
    check("schemas/dbm-git.schema.json", &text(&configuration_schema()));
    for output in OUTPUT_SCHEMAS {
        check(&format!("schemas/{}.schema.json", output.name), &text(&(output.schema)()));
    }
}

#[test]
fn there_is_no_schema_of_something_that_is_gone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .expect("schemas")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    let mut names: Vec<&str> = OUTPUT_SCHEMAS.iter().map(|output| output.name).collect();
    names.push("dbm-git");
    let mut expected: Vec<String> =
        names.iter().map(|name| format!("{name}.schema.json")).collect();
    there.sort();
    expected.sort();
    assert_eq!(there, expected);
}

#[test]
fn the_tables_of_the_configuration_are_those_of_today() {
    let path = "docs/configuration.md";
    let schema = configuration_schema();
    let mut page = include_str!("../docs/configuration.md").to_owned();
    for (name, table) in [
        ("keys", keys(schema.get("properties"))),
        ("ignore keys", keys(schema.pointer("/properties/ignore/items/properties"))),
        (
            "component keys",
            keys(schema.pointer("/properties/components/additionalProperties/properties")),
        ),
        ("clone settings", facts("setting", CLONE_SETTINGS)),
        ("variables", facts("variable", VARIABLES)),
    ] {
        page = with_table(&page, name, &table);
    }
    check(path, &page);
}

/// The page with what stands between two marks replaced.
#[track_caller]
fn with_table(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no mark {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no mark {end}"));
    format!("{before}{begin}{table}{end}{after}")
}

fn facts(what: &str, facts: &[Fact]) -> String {
    let mut table = format!("| {what} | meaning |\n|---|---|\n");
    for (name, meaning) in facts {
        writeln!(table, "| `{name}` | {meaning} |").expect("a string");
    }
    table
}

fn keys(properties: Option<&Value>) -> String {
    let mut table =
        "| key | type | default | example | meaning |\n|---|---|---|---|---|\n".to_owned();
    let properties = properties.and_then(Value::as_object).expect("properties");
    assert!(properties.len() > 2, "{properties:?}");
    for (key, schema) in properties {
        let meaning = schema["description"].as_str().expect("every key is described");
        writeln!(
            table,
            "| `{key}` | {} | {} | {} | {}{} |",
            kind(schema),
            code(&schema["default"]),
            code(&schema["examples"][0]),
            meaning.replace('\n', " "),
            values(schema)
        )
        .expect("a string");
    }
    table
}

fn kind(schema: &Value) -> String {
    match (schema["type"].as_str(), &schema["oneOf"]) {
        (Some("array"), _) if schema["items"]["type"] == "string" => "list of strings".to_owned(),
        (Some("array"), _) => "list of tables".to_owned(),
        (Some("object"), _) => "tables".to_owned(),
        (Some(name), Value::Null) => name.to_owned(),
        _ => "one of the words".to_owned(),
    }
}

/// A value as TOML writes it, which is as JSON does for words, lists and booleans.
fn code(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(_) => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            format!("`[{}]`", items.join(", "))
        }
        value => format!("`{value}`"),
    }
}

fn values(schema: &Value) -> String {
    let all = schema["oneOf"].as_array().into_iter().flatten();
    let words = all.map(|one| {
        let meaning = one["description"].as_str().expect("every value is described");
        format!(" `{}`: {meaning}", one["const"].as_str().expect("a word"))
    });
    words.collect()
}
