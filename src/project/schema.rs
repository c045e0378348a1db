//! The JSON Schema of the configuration: the types that serde reads, in the
//! form that editors of TOML understand.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;

use super::settings::RawSettings;

/// The schema of `dbm-git.toml` and of `[tool.dbm-git]`.
///
/// Draft 7, since editors of TOML know no newer one.
pub fn configuration_schema() -> Schema {
    let settings = SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(without_null))
        .with_transform(RecursiveTransform(in_one_line));
    settings.into_generator().into_root_schema_for::<RawSettings>()
}

/// Comments break where the source does, and an editor breaks them elsewhere.
fn in_one_line(schema: &mut Schema) {
    if let Some(text) = schema.get("description").and_then(|text| text.as_str()) {
        let line = text.replace('\n', " ");
        schema.insert("description".to_owned(), line.into());
    }
}

/// TOML has no null: a key that is not needed is left out.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    for list in ["type", "enum", "anyOf"] {
        let Some(values) = object.get_mut(list).and_then(|value| value.as_array_mut()) else {
            continue;
        };
        values.retain(|value| *value != "null" && !value.is_null() && value["type"] != "null");
        if list != "enum" && values.len() == 1 {
            let only = values.remove(0);
            match only.as_object() {
                Some(inner) => {
                    object.remove(list);
                    object.extend(inner.clone());
                }
                None => {
                    object.insert(list.to_owned(), only);
                }
            }
        }
    }
}
