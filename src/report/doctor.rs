//! What is in place and what is not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::doctor::{Checkup, CheckupState, DoctorOutcome, Fixed, Mend};

/// `doctor --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorReport {
    pub version: u32,
    /// Whether nothing is an error.
    pub ok: bool,
    pub checks: Vec<CheckupReport>,
    /// What `--fix` has done, before these checks were made.
    pub fixed: Vec<FixedReport>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckupReport {
    /// A stable name: `upstream`, `hook-pre-push`, `database`, …
    pub id: &'static str,
    pub component: Option<String>,
    #[schemars(extend("enum" = ["ok", "warning", "error"]))]
    pub state: &'static str,
    pub message: String,
    /// What mends it, as a shell takes it.
    pub command: Option<String>,
    /// What to do where no command could know it.
    pub advice: Option<String>,
    /// Whether `doctor --fix` mends it.
    pub fixable: bool,
    /// Of a hook: what git runs for it, in that order.
    pub runs: Vec<String>,
}

/// One fix.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FixedReport {
    pub what: String,
    /// Why it could not be done.
    pub error: Option<String>,
}

impl DoctorReport {
    /// The report of `outcome`.
    pub fn new(outcome: &DoctorOutcome, fixed: &[Fixed]) -> Self {
        let report =
            |fixed: &Fixed| FixedReport { what: fixed.what.clone(), error: fixed.failure.clone() };
        Self {
            version: 1,
            ok: outcome.state() < CheckupState::Error,
            checks: outcome.checkups.iter().map(CheckupReport::new).collect(),
            fixed: fixed.iter().map(report).collect(),
        }
    }
}

impl CheckupReport {
    fn new(checkup: &Checkup) -> Self {
        let (command, advice) = match &checkup.mend {
            None => (None, None),
            Some(Mend::Command(text)) => (Some(text.clone()), None),
            Some(Mend::Advice(text)) => (None, Some(text.clone())),
        };
        Self {
            id: checkup.id,
            component: checkup.component.clone(),
            state: match checkup.state {
                CheckupState::Ok => "ok",
                CheckupState::Warning => "warning",
                CheckupState::Error => "error",
            },
            message: checkup.message.clone(),
            command,
            advice,
            fixable: checkup.fix.is_some(),
            runs: checkup.runs.clone(),
        }
    }
}

/// The human form: one line for each thing, hooks of the same kind in one, each
/// thing that is not right with what mends it.
pub fn render_doctor(outcome: &DoctorOutcome, unicode: bool) -> String {
    let mut text = String::new();
    let mut component = None;
    let mut checkups = outcome.checkups.as_slice();
    // As many as there are things to do: one command installs all hooks.
    let (mut errors, mut warnings, mut fixable) = (0, 0, 0);
    while let [first, ..] = checkups {
        if first.component != component {
            component.clone_from(&first.component);
            text += &format!("\n{}\n", component.as_deref().unwrap_or_default());
        }
        let alike = checkups.iter().take_while(|checkup| are_alike(first, checkup)).count();
        let (group, rest) = checkups.split_at(alike);
        text += &render_line(group, unicode);
        errors += usize::from(first.state == CheckupState::Error);
        warnings += usize::from(first.state == CheckupState::Warning);
        fixable += usize::from(first.fix.is_some());
        checkups = rest;
    }
    text += &format!("\n{}\n", summary(errors, warnings));
    if fixable > 0 {
        text += &format!("`dbm-git doctor --fix` mends {fixable} of these\n");
    }
    text
}

fn summary(errors: usize, warnings: usize) -> String {
    let counted = |number: usize, noun: &str| {
        (number > 0).then(|| format!("{number} {noun}{}", if number == 1 { "" } else { "s" }))
    };
    let parts: Vec<String> =
        [counted(errors, "problem"), counted(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "everything is in place".to_owned() } else { parts.join(", ") }
}

/// The same is to be said of both hooks.
fn are_alike(one: &Checkup, other: &Checkup) -> bool {
    let said = |checkup: &Checkup| (checkup.message.clone(), checkup.state, checkup.mend.clone());
    one == other || (said(one) == said(other) && hook(one).is_some() && hook(other).is_some())
}

fn hook(checkup: &Checkup) -> Option<&'static str> {
    checkup.id.strip_prefix("hook-")
}

fn render_line(group: &[Checkup], unicode: bool) -> String {
    let [checkup, ..] = group else { return String::new() };
    let mark = match (checkup.state, unicode) {
        (CheckupState::Ok, true) => "✅",
        (CheckupState::Warning, true) => "⚠️ ",
        (CheckupState::Error, true) => "❌",
        (CheckupState::Ok, false) => "ok  ",
        (CheckupState::Warning, false) => "warn",
        (CheckupState::Error, false) => "!!  ",
    };
    let hooks: Vec<&str> = group.iter().filter_map(hook).collect();
    let (what, message) = if hooks.is_empty() {
        (checkup.id.replace('-', " "), checkup.message.clone())
    } else {
        ("hooks".to_owned(), format!("{}: {}", hooks.join(", "), checkup.message))
    };
    let mut text = format!("{mark} {what}: {message}\n");
    match &checkup.mend {
        None => {}
        Some(Mend::Command(command)) => text += &format!("     mend: {command}\n"),
        Some(Mend::Advice(advice)) => text += &format!("     to do: {advice}\n"),
    }
    text
}
