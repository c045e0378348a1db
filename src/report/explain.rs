//! The rules, by their codes.

use schemars::JsonSchema;
use serde::Serialize;

use super::check::level_name;
use crate::check::Rule;

/// `explain --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainReport {
    pub version: u32,
    pub rules: Vec<RuleReport>,
}

/// One kind of finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleReport {
    #[schemars(regex(pattern = "^DBM[0-9]{3}$"))]
    pub code: String,
    /// A few words.
    pub name: &'static str,
    /// What its findings usually are.
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    pub level: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A page: what it means, why it matters, how to mend it, an example.
    pub explanation: &'static str,
}

impl ExplainReport {
    /// The report of `rules`.
    pub fn new(rules: &[Rule]) -> Self {
        let report = |rule: &Rule| RuleReport {
            code: rule.code.to_string(),
            name: rule.name,
            level: level_name(rule.level),
            summary: rule.summary,
            explanation: rule.explanation.trim(),
        };
        Self { version: 1, rules: rules.iter().map(report).collect() }
    }
}

/// The list of all rules, one line each: code, level, name, what it is about.
pub fn render_rules(rules: &[Rule]) -> String {
    let widest = |of: fn(&Rule) -> &'static str| {
        rules.iter().map(|rule| of(rule).len()).max().unwrap_or_default()
    };
    let level: fn(&Rule) -> &'static str = |rule| level_name(rule.level);
    let (levels, names) = (widest(level), widest(|rule| rule.name));
    let line = |rule: &Rule| {
        let (code, level, name) = (rule.code, level(rule), rule.name);
        format!("{code}  {level:<levels$}  {name:<names$}  {}\n", rule.summary)
    };
    rules.iter().map(line).collect()
}

/// One rule's page.
pub fn render_rule(rule: &Rule) -> String {
    let level = level_name(rule.level);
    format!("{}: {} ({level})\n\n{}\n", rule.code, rule.name, rule.explanation.trim())
}
