//! The manual pages: names, synopsis and options out of the one definition of
//! the command line, the rest out of the tables of `facts`, the examples, and
//! the schema of the configuration.

mod examples;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use schemars::Schema;
use serde_json::Value;

use self::examples::{EXAMPLES, Example, MOMENTS};
use super::args::Args;
use super::facts::{CLONE_SETTINGS, EXIT_CODES, FILES, Fact, VARIABLES};
use crate::project::configuration_schema;

/// One manual page.
#[derive(Debug)]
pub struct Page {
    /// The file that it goes to: `dbm-git-check.1`.
    pub file: String,
    pub text: String,
}

/// All pages, the one of the program itself first.
pub fn pages() -> Vec<Page> {
    // `help` is not a page of its own: the pages are what it would say.
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<Page> = shown.cloned().map(command_page).collect();
    std::iter::once(program_page(program)).chain(commands).collect()
}

fn program_page(program: Command) -> Page {
    page(program, |man, text| {
        man.render_subcommands_section(text)?;
        write_section(text, "EXIT STATUS", &exit_codes())?;
        write_section(text, "ENVIRONMENT", &facts(VARIABLES))?;
        write_section(text, "FILES", &facts(FILES))?;
        write_section(text, "CONFIGURATION", &configuration(&configuration_schema()))?;
        write_section(text, "EXAMPLES", &examples(MOMENTS))?;
        man.render_version_section(text)
    })
}

fn command_page(command: Command) -> Page {
    let own = EXAMPLES.iter().find(|(name, _)| *name == command.get_name());
    page(command, |_, text| {
        if let Some((_, own)) = own {
            write_section(text, "EXAMPLES", &examples(own))?;
        }
        write_section(text, "EXIT STATUS", &exit_codes())?;
        let mut also = Roff::new();
        also.text([bold("dbm-git"), roman("(1)")]);
        write_section(text, "SEE ALSO", &also)
    })
}

/// A page with its usual sections, then those that `further` writes.
fn page(command: Command, further: impl FnOnce(&Man, &mut Vec<u8>) -> std::io::Result<()>) -> Page {
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).source(concat!("dbm-git ", env!("CARGO_PKG_VERSION")));
    // No date, so that each build writes the same; an empty one would be left out, and
    // what follows take its place.
    let man = man.date(" ").manual("dbm-git manual");
    let mut text = Vec::new();
    let write = || {
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
        further(&man, &mut text)
    };
    write().expect("a vector takes all that is written");
    Page { file: man.get_filename(), text: String::from_utf8_lossy(&text).into_owned() }
}

fn write_section(text: &mut Vec<u8>, title: &str, body: &Roff) -> std::io::Result<()> {
    let mut section = Roff::new();
    section.control("SH", [title]);
    text.extend(section.to_roff().into_bytes());
    text.extend(body.to_roff().into_bytes());
    Ok(())
}

fn exit_codes() -> Roff {
    let mut roff = Roff::new();
    for (code, meaning) in EXIT_CODES {
        item(&mut roff, bold(code.to_string()), meaning);
    }
    roff
}

fn facts(facts: &[Fact]) -> Roff {
    let mut roff = Roff::new();
    for (name, meaning) in facts {
        item(&mut roff, bold(*name), meaning);
    }
    roff
}

fn examples(examples: &[Example]) -> Roff {
    let mut roff = Roff::new();
    for (line, what) in examples {
        item(&mut roff, bold(format!("$ {line}")), what);
    }
    roff
}

/// The keys of `dbm-git.toml`, of a component, and of git's own configuration.
fn configuration(schema: &Schema) -> Roff {
    let mut roff = Roff::new();
    text(
        &mut roff,
        "Keys of `dbm-git.toml`, or of `[tool.dbm-git]` in `pyproject.toml`. None is needed as a rule; an unknown one is an error.",
    );
    keys(&mut roff, schema.get("properties"));
    roff.control("SS", ["[components.NAME]"]);
    keys(&mut roff, schema.pointer("/properties/components/additionalProperties/properties"));
    roff.control("SS", ["In git's own configuration, for one clone"]);
    for (name, meaning) in CLONE_SETTINGS {
        item(&mut roff, bold(*name), meaning);
    }
    roff
}

fn keys(roff: &mut Roff, properties: Option<&Value>) {
    let properties = properties.and_then(Value::as_object);
    for (key, schema) in properties.into_iter().flatten() {
        let described = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
        let default = match &schema["default"] {
            Value::String(word) => format!(" Default: `{word}`."),
            _ => String::new(),
        };
        let values: String = choices(schema)
            .map(|(value, meaning)| format!(" `{value}`: {}", lowered(meaning)))
            .collect();
        item(roff, bold(key), &format!("{described}{values}{default}"));
    }
}

/// The words that a key takes, with what each means.
fn choices(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = schema["oneOf"].as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["const"].as_str()?, one["description"].as_str()?)))
}

fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

fn item(roff: &mut Roff, term: Inline, meaning: &str) {
    roff.control("TP", []);
    roff.text([term]);
    text(roff, meaning);
}

/// Text in which backticks stand around what is typed.
fn text(roff: &mut Roff, text: &str) {
    let parts = text.split('`').enumerate();
    let inlines: Vec<Inline> = parts
        .filter(|(_, part)| !part.is_empty())
        .map(|(at, part)| if at % 2 == 1 { italic(part) } else { roman(part) })
        .collect();
    roff.text(inlines);
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_command_has_a_page_and_hidden_ones_have_none() {
        let files: Vec<String> = pages().into_iter().map(|page| page.file).collect();
        assert_eq!(files[0], "dbm-git.1");
        assert!(files.contains(&"dbm-git-check.1".to_owned()), "{files:?}");
        assert!(!files.contains(&"dbm-git-hook.1".to_owned()), "{files:?}");
        let shown = Args::command().get_subcommands().filter(|c| !c.is_hide_set()).count();
        assert_eq!(files.len(), 1 + shown);
    }

    #[test]
    fn the_main_page_has_what_people_look_for() {
        let text = &pages()[0].text;
        for title in ["EXIT STATUS", "FILES", "ENVIRONMENT", "CONFIGURATION", "EXAMPLES"] {
            assert_eq!(
                text.matches(&format!("\n.SH \"{title}\"\n")).count()
                    + text.matches(&format!("\n.SH {title}\n")).count(),
                1,
                "{title}\n{text}"
            );
        }
        for key in ["pre\\-push", "hint\\-after\\-migrate", "dbm\\-git.postMerge"] {
            assert!(text.contains(&format!("\\fB{key}\\fR")), "{key}\n{text}");
        }
    }

    #[test]
    fn every_example_is_a_line_that_is_understood() {
        let all = EXAMPLES.iter().flat_map(|(_, own)| own.iter()).chain(MOMENTS);
        for (line, _) in all {
            // What stands around a call of ours is the shell's.
            let call = &line[line.find("dbm-git").expect("a call of ours")..];
            let call = call.split([')', '|']).next().expect("a first part");
            let words = shlex::split(call).expect("a line of a shell");
            let parsed = Args::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("an error"));
        }
    }

    #[test]
    fn examples_stand_on_the_page_of_their_command() {
        let commands = Args::command();
        for (name, own) in EXAMPLES {
            assert!(commands.find_subcommand(name).is_some(), "{name}");
            for (line, _) in *own {
                assert!(line.contains(&format!("dbm-git {name}")), "{name}: {line}");
            }
        }
    }
}
