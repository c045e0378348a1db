//! What is in place and what is not.

use serde::Serialize;

use crate::ops::doctor::{Check, DoctorOutcome, Verdict};

/// `doctor --format json`.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    pub version: u32,
    /// Whether nothing has to be mended.
    pub ok: bool,
    pub checks: Vec<CheckupReport>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct CheckupReport {
    /// A stable name: `upstream`, `hook-pre-push`, `database`, …
    pub id: &'static str,
    pub component: Option<String>,
    /// `ok`, `note` or `problem`.
    pub verdict: &'static str,
    pub message: String,
    pub mend: Option<String>,
}

impl DoctorReport {
    /// The report of `outcome`.
    pub fn new(outcome: &DoctorOutcome) -> Self {
        let checks = outcome.checks.iter().map(|check| CheckupReport {
            id: check.id,
            component: check.component.clone(),
            verdict: match check.verdict {
                Verdict::Fine => "ok",
                Verdict::Note => "note",
                Verdict::Problem => "problem",
            },
            message: check.message.clone(),
            mend: check.mend.clone(),
        });
        Self { version: 1, ok: outcome.problems() == 0, checks: checks.collect() }
    }
}

/// The human form: one line for each thing, hooks of the same kind in one, each
/// problem with what mends it.
pub fn render_doctor(outcome: &DoctorOutcome, unicode: bool) -> String {
    let mut text = String::new();
    let mut component = None;
    let mut checks = outcome.checks.as_slice();
    // As many as there are things to do: one command installs all hooks.
    let mut problems = 0;
    while let [first, ..] = checks {
        if first.component != component {
            component.clone_from(&first.component);
            text += &format!("\n{}\n", component.as_deref().unwrap_or_default());
        }
        let alike = checks.iter().take_while(|check| are_alike(first, check)).count();
        let (group, rest) = checks.split_at(alike);
        text += &render_line(group, unicode);
        problems += usize::from(first.verdict == Verdict::Problem);
        checks = rest;
    }
    text += &match problems {
        0 => "\neverything is in place\n".to_owned(),
        1 => "\n1 problem\n".to_owned(),
        _ => format!("\n{problems} problems\n"),
    };
    text
}

/// The same is to be said of both hooks.
fn are_alike(one: &Check, other: &Check) -> bool {
    let same = one.message == other.message && one.verdict == other.verdict;
    one == other || (same && hook(one).is_some() && hook(other).is_some())
}

fn hook(check: &Check) -> Option<&'static str> {
    check.id.strip_prefix("hook-")
}

fn render_line(group: &[Check], unicode: bool) -> String {
    let [check, ..] = group else { return String::new() };
    let mark = match (check.verdict, unicode) {
        (Verdict::Fine, true) => "✅",
        (Verdict::Note, true) => "ℹ️ ",
        (Verdict::Problem, true) => "⚠️ ",
        (Verdict::Fine, false) => "ok  ",
        (Verdict::Note, false) => "note",
        (Verdict::Problem, false) => "!!  ",
    };
    let hooks: Vec<&str> = group.iter().filter_map(hook).collect();
    let (what, message) = if hooks.is_empty() {
        (check.id.replace('-', " "), check.message.clone())
    } else {
        ("hooks".to_owned(), format!("{}: {}", hooks.join(", "), check.message))
    };
    let mut text = format!("{mark} {what}: {message}\n");
    if let Some(mend) = &check.mend {
        text += &format!("     mend: {mend}\n");
    }
    text
}
