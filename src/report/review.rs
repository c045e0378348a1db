//! The review of one revision, a few lines for each finding.

use super::check::level_name;
use crate::check::{Code, Finding};
use crate::script::Destructive;

/// DBM203, which names again what is shown as destroying data.
const DROPPED: Code = Code(203);

/// What is to be looked at, each line indented by `indent`; what is among
/// `destructive` is shown there.
pub fn render_review(findings: &[Finding], destructive: &[Destructive], indent: &str) -> String {
    let line = |finding: &Finding| finding.location.as_ref().map_or(1, |place| place.line);
    let is_shown = |finding: &&Finding| {
        finding.code != DROPPED || !destructive.iter().any(|drop| drop.line == line(finding))
    };
    let mut text = String::new();
    for finding in findings.iter().filter(is_shown) {
        let (code, level) = (finding.code, level_name(finding.level));
        text += &format!("{indent}line {}: {level}[{code}]: {}\n", line(finding), finding.message);
        if let Some(help) = &finding.help {
            text += &format!("{indent}  help: {help}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Level, Location};
    use crate::tree::RepoPath;

    #[test]
    fn what_destroys_data_is_not_told_twice() {
        let at = |code, line| {
            let path = RepoPath::new("versions/a.py").expect("inside");
            Finding::new(Code(code), Level::Warning, "it is so").at(Location {
                path,
                line,
                span: None,
            })
        };
        let findings = [at(203, 1), at(203, 2), at(204, 1).help("do this")];
        let destructive = [Destructive { line: 1, what: "op.drop_table('a')".to_owned() }];
        insta::assert_snapshot!(render_review(&findings, &destructive, "  "), @"
        line 2: warning[DBM203]: it is so
        line 1: warning[DBM204]: it is so
          help: do this
        ");
    }
}
