//! `--format junit`: the XML that test reports are read from. A component is a
//! suite. Of `check`, each finding is a case, and so is each rule without any, so
//! that a report without findings says what was looked at; of `verify`, each revision.

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::check::{fails, level_name};
use super::escape::{escaped, escaped_text};
use super::placed::{Placed, placed};
use super::verify::{details, name as fault_name, says};
use crate::check::{RULES, Rule};
use crate::ops::check::CheckOutcome;
use crate::ops::verify::{ComponentVerification, ModelComparison, VerifiedRevision};

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JunitReport {
    suites: Vec<Suite>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Suite {
    name: String,
    cases: Vec<Case>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    name: String,
    took: Duration,
    result: CaseResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CaseResult {
    Passed,
    /// A finding that does not fail the check.
    Told(String),
    /// Something that it stands on has failed.
    Skipped,
    Failed {
        /// How grave it is, or what sort of fault.
        kind: &'static str,
        message: String,
        text: String,
    },
}

impl JunitReport {
    /// Of all that a check found; `is_strict` lets warnings be failures, too.
    pub fn new(outcome: &CheckOutcome, is_strict: bool) -> Self {
        let findings = placed(outcome);
        let suite = |name: &str| {
            let found: Vec<&Placed<'_>> =
                findings.iter().filter(|placed| placed.component.name == name).collect();
            let is_reviewed = outcome.components.iter().any(|c| c.name == name && c.is_reviewed);
            // What nobody looked at has not passed.
            let looked_at = RULES.iter().filter(|rule| is_reviewed || !rule.is_of_review());
            let silent = looked_at.filter(|r| !found.iter().any(|p| p.finding.code == r.code));
            let failed = found.iter().map(|placed| Case::of(placed, is_strict));
            Suite { name: name.to_owned(), cases: failed.chain(silent.map(Case::passed)).collect() }
        };
        Self { suites: outcome.components.iter().map(|c| suite(&c.name)).collect() }
    }

    /// Of revisions that went up, down and up again.
    pub fn of_verifications(verifications: &[ComponentVerification]) -> Self {
        Self { suites: verifications.iter().map(Suite::of).collect() }
    }

    /// The report as XML.
    pub fn to_xml(&self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        self.write(&mut writer).expect("a vector takes all that is written");
        legal(&String::from_utf8_lossy(&writer.into_inner())) + "\n"
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let cases = self.suites.iter().flat_map(|suite| &suite.cases);
        let (tests, failures) = counts(cases);
        writer
            .create_element("testsuites")
            .with_attribute(("name", "dbm-git"))
            .with_attribute(("tests", tests.as_str()))
            .with_attribute(("failures", failures.as_str()))
            .with_attribute(("errors", "0"))
            .write_inner_content(|writer| self.suites.iter().try_for_each(|s| s.write(writer)))?;
        Ok(())
    }
}

impl Suite {
    fn of(verification: &ComponentVerification) -> Self {
        let below = verification.ground_fails.iter().map(|error| {
            let result = CaseResult::Failed {
                kind: "ground-fails",
                message: "what lies below does not run from nothing".to_owned(),
                text: escaped_text(error),
            };
            Case::at_once("what lies below".to_owned(), result)
        });
        let verified = verification.verified.iter().map(Case::verified);
        let left = verification.left.iter();
        let left =
            left.map(|id| Case::at_once(escaped(id.as_str()).into_owned(), CaseResult::Skipped));
        let models = verification.models.iter().filter_map(Case::models);
        let cases = below.chain(verified).chain(left).chain(models).collect();
        Self { name: verification.name.clone(), cases }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let name = escaped(&self.name);
        let class = format!("dbm-git.{name}");
        let (tests, failures) = counts(&self.cases);
        let skipped = self.cases.iter().filter(|case| case.result == CaseResult::Skipped).count();
        let skipped = skipped.to_string();
        writer
            .create_element("testsuite")
            .with_attribute(("name", &*name))
            .with_attribute(("tests", tests.as_str()))
            .with_attribute(("failures", failures.as_str()))
            .with_attribute(("errors", "0"))
            .with_attribute(("skipped", skipped.as_str()))
            .write_inner_content(|writer| {
                self.cases.iter().try_for_each(|case| case.write(writer, &class))
            })?;
        Ok(())
    }
}

impl Case {
    fn of(placed: &Placed<'_>, is_strict: bool) -> Self {
        let finding = placed.finding;
        let level = level_name(finding.level);
        let place = placed.place.shown();
        let text = format!("{place}: {level}[{}]: {}", finding.code, placed.text());
        let result = match fails(level, is_strict) {
            true => CaseResult::Failed { kind: level, message: placed.message(), text },
            false => CaseResult::Told(text),
        };
        Self::at_once(format!("{} {} {place}", finding.code, placed.name()), result)
    }

    fn passed(rule: &Rule) -> Self {
        Self::at_once(format!("{} {}", rule.code, rule.name), CaseResult::Passed)
    }

    /// Something that took no time worth telling.
    fn at_once(name: String, result: CaseResult) -> Self {
        Self { name, took: Duration::ZERO, result }
    }

    fn verified(verified: &VerifiedRevision) -> Self {
        let result = match &verified.fault {
            None => CaseResult::Passed,
            Some(fault) => CaseResult::Failed {
                kind: fault_name(fault),
                message: says(Some(fault)),
                text: escaped_text(&details(verified)),
            },
        };
        let name = escaped(&format!("{} {}", verified.revision, verified.message)).into_owned();
        Self { name, took: verified.took, result }
    }

    fn models(models: &ModelComparison) -> Option<Self> {
        let result = match models {
            ModelComparison::Same => CaseResult::Passed,
            ModelComparison::Drifted(operations) => CaseResult::Failed {
                kind: "drifted",
                message: "the models say something else than the migrations make".to_owned(),
                text: escaped_text(operations),
            },
            ModelComparison::NoModels | ModelComparison::NotCompared(_) => return None,
        };
        Some(Self::at_once("models and migrations agree".to_owned(), result))
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>, class: &str) -> io::Result<()> {
        let case = writer
            .create_element("testcase")
            .with_attribute(("name", self.name.as_str()))
            .with_attribute(("classname", class))
            .with_attribute(("time", seconds(self.took).as_str()));
        match &self.result {
            CaseResult::Passed => case.write_empty()?,
            CaseResult::Skipped => case.write_inner_content(|writer| {
                writer.create_element("skipped").write_empty()?;
                Ok(())
            })?,
            CaseResult::Told(text) => case.write_inner_content(|writer| {
                writer.create_element("system-out").write_text_content(BytesText::new(text))?;
                Ok(())
            })?,
            CaseResult::Failed { kind, message, text } => case.write_inner_content(|writer| {
                writer
                    .create_element("failure")
                    .with_attribute(("message", message.as_str()))
                    .with_attribute(("type", *kind))
                    .write_text_content(BytesText::new(text))?;
                Ok(())
            })?,
        };
        Ok(())
    }
}

/// As JUnit has it: seconds, with no more digits than are known.
fn seconds(took: Duration) -> String {
    if took.is_zero() { "0".to_owned() } else { format!("{:.3}", took.as_secs_f64()) }
}

/// How many there are, and how many of them failed.
fn counts<'a>(cases: impl IntoIterator<Item = &'a Case>) -> (String, String) {
    let (mut tests, mut failures) = (0, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.result, CaseResult::Failed { .. }));
    }
    (tests.to_string(), failures.to_string())
}

/// Control characters are escaped by then; these two no XML may hold either.
fn legal(xml: &str) -> String {
    xml.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, outcome};

    #[test]
    fn findings_are_failures_and_rules_without_any_pass() {
        insta::assert_snapshot!(JunitReport::new(&awkward(), false).to_xml(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="dbm-git" tests="39" failures="1" errors="0">
          <testsuite name="default" tests="20" failures="0" errors="0" skipped="0">
            <testcase name="DBM013 stale docstring versions/b.py:3:14" classname="dbm-git.default" time="0">
              <system-out>versions/b.py:3:14: warning[DBM013]: the docstring says `Revision ID: x`, the code `b`
        versions/b.py:6:12: what alembic reads
        help: write `b` there</system-out>
            </testcase>
            <testcase name="DBM013 stale docstring versions/b.py:4:10" classname="dbm-git.default" time="0">
              <system-out>versions/b.py:4:10: warning[DBM013]: the docstring says `Revises: y`, the code `a`
        versions/b.py:6:40: what alembic reads
        help: write `a` there</system-out>
            </testcase>
            <testcase name="DBM001 diverged heads" classname="dbm-git.default" time="0"/>
            <testcase name="DBM002 missing down revision" classname="dbm-git.default" time="0"/>
            <testcase name="DBM003 duplicate revision id" classname="dbm-git.default" time="0"/>
            <testcase name="DBM004 cycle" classname="dbm-git.default" time="0"/>
            <testcase name="DBM005 unreadable script" classname="dbm-git.default" time="0"/>
            <testcase name="DBM006 dynamic header" classname="dbm-git.default" time="0"/>
            <testcase name="DBM007 merged ancestor" classname="dbm-git.default" time="0"/>
            <testcase name="DBM008 landed revision re-pointed" classname="dbm-git.default" time="0"/>
            <testcase name="DBM009 landed revision gone" classname="dbm-git.default" time="0"/>
            <testcase name="DBM010 landed revision edited" classname="dbm-git.default" time="0"/>
            <testcase name="DBM011 unresolved name" classname="dbm-git.default" time="0"/>
            <testcase name="DBM012 illegal revision id" classname="dbm-git.default" time="0"/>
            <testcase name="DBM014 second base" classname="dbm-git.default" time="0"/>
            <testcase name="DBM015 would diverge" classname="dbm-git.default" time="0"/>
            <testcase name="DBM016 uncommitted revision" classname="dbm-git.default" time="0"/>
            <testcase name="DBM017 unused suppression" classname="dbm-git.default" time="0"/>
            <testcase name="DBM018 lock file" classname="dbm-git.default" time="0"/>
            <testcase name="DBM101 semantic conflict" classname="dbm-git.default" time="0"/>
          </testsuite>
          <testsuite name="o|d: d,%" tests="19" failures="1" errors="0" skipped="0">
            <testcase name="DBM006 dynamic header a b/50%, ä:1.py:1:6" classname="dbm-git.o|d: d,%" time="0">
              <failure message="a `{x}`\nand ]]&gt;\u{1b}[31m 100%: &lt;b&gt;|[y](1)" type="error">a b/50%, ä:1.py:1:6: error[DBM006]: a `{x}`\nand ]]&gt;\u{1b}[31m 100%: &lt;b&gt;|[y](1)
        a b/50%, ä:1.py:1: and | there\nyonder
        help: run `git merge a|b`, then think</failure>
            </testcase>
            <testcase name="DBM009 landed revision gone alembic.ini:1" classname="dbm-git.o|d: d,%" time="0">
              <system-out>alembic.ini:1: note[DBM009]: nowhere
        note: upstream has this already</system-out>
            </testcase>
            <testcase name="DBM001 diverged heads" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM002 missing down revision" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM003 duplicate revision id" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM004 cycle" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM005 unreadable script" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM007 merged ancestor" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM008 landed revision re-pointed" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM010 landed revision edited" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM011 unresolved name" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM012 illegal revision id" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM013 stale docstring" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM014 second base" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM015 would diverge" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM016 uncommitted revision" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM017 unused suppression" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM018 lock file" classname="dbm-git.o|d: d,%" time="0"/>
            <testcase name="DBM101 semantic conflict" classname="dbm-git.o|d: d,%" time="0"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn a_warning_is_a_failure_only_where_it_fails_the_check() {
        let failures = |is_strict| {
            let xml = JunitReport::new(&awkward(), is_strict).to_xml();
            xml.matches("<failure ").count()
        };
        assert_eq!((failures(false), failures(true)), (1, 3));
    }

    #[test]
    fn without_findings_every_rule_has_passed() {
        let clean = outcome(vec![component("default", "<base> -> a")]);
        let xml = JunitReport::new(&clean, true).to_xml();
        let of_history = RULES.iter().filter(|rule| !rule.is_of_review()).count();
        assert_eq!(xml.matches("<testcase ").count(), of_history);
        let mut reviewed = clean.clone();
        reviewed.components[0].is_reviewed = true;
        let all = JunitReport::new(&reviewed, true).to_xml();
        assert_eq!(all.matches("<testcase ").count(), RULES.len());
        assert!(!xml.contains("<failure") && !xml.contains("<system-out"), "{xml}");
    }

    #[test]
    fn what_no_xml_may_hold_is_replaced() {
        assert_eq!(legal("a\u{ffff}b"), "a\u{fffd}b");
    }
}
