//! Findings as CI systems want them: each with a file and a line in any case,
//! and with a fingerprint by which it is known again in the next run.

use std::collections::HashMap;

use super::escape::escaped;
use super::region::Region;
use crate::check::{ComponentCheck, Finding, Location, RULES, Rule};
use crate::ops::check::CheckOutcome;
use crate::plan::hash_of;
use crate::tree::RepoPath;

/// A finding with what the formats of CI systems need of it.
#[derive(Clone, Debug)]
pub struct Placed<'a> {
    pub component: &'a ComponentCheck,
    pub finding: &'a Finding,
    pub place: Place<'a>,
    pub related: Vec<(Place<'a>, &'a str)>,
    /// The same in each run as long as the finding is, wherever its lines move.
    pub fingerprint: String,
}

/// A file and a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub path: &'a RepoPath,
    pub region: Region,
}

impl<'a> Place<'a> {
    fn of(component: &'a ComponentCheck, location: &'a Location) -> Self {
        let bytes = component.sources.get(&location.path);
        let region = Region::of(location, bytes.map(|bytes| bytes.as_slice()));
        Self { path: &location.path, region }
    }

    /// `path:line:column`, safe to show.
    pub fn shown(&self) -> String {
        let column = self.region.span.map(|(start, _)| format!(":{}", start.column));
        let path = escaped(self.path.as_str());
        format!("{path}:{}{}", self.region.line, column.unwrap_or_default())
    }
}

impl<'a> Placed<'a> {
    fn of(component: &'a ComponentCheck, finding: &'a Finding, fingerprint: String) -> Self {
        let place = match &finding.location {
            Some(location) => Place::of(component, location),
            None => Place { path: &component.place, region: Region { line: 1, span: None } },
        };
        let related = finding.related.iter();
        let related = related.map(|(at, words)| (Place::of(component, at), words.as_str()));
        Self { component, finding, place, related: related.collect(), fingerprint }
    }

    /// The rule's name, `diverged heads`.
    pub fn name(&self) -> &'static str {
        rule_of(self.finding).map_or("", |rule| rule.name)
    }

    /// The finding's sentence, safe to show.
    pub fn message(&self) -> String {
        escaped(&self.finding.message).into_owned()
    }

    /// The help, safe to show.
    pub fn help(&self) -> Option<String> {
        self.finding.help.as_deref().map(|help| escaped(help).into_owned())
    }

    /// Sentence, related places and help, one to a line.
    pub fn text(&self) -> String {
        let mut lines = vec![self.message()];
        let related = self.related.iter();
        lines.extend(related.map(|(at, words)| format!("{}: {}", at.shown(), escaped(words))));
        if !self.finding.is_new {
            lines.push("note: upstream has this already".to_owned());
        }
        lines.extend(self.help().map(|help| format!("help: {help}")));
        lines.join("\n")
    }

    /// The text that takes the place of the marked part, where that mends it.
    pub fn replacement(&self) -> Option<String> {
        let fix = self.finding.fix.as_ref()?;
        // An edit elsewhere could not be told by this place.
        let is_here = self.finding.location.as_ref()?.span == Some((fix.span.start, fix.span.end));
        let text = String::from_utf8(fix.replacement.clone()).ok()?;
        (is_here && self.place.region.span.is_some()).then_some(text)
    }
}

/// All findings, component by component.
pub fn placed(outcome: &CheckOutcome) -> Vec<Placed<'_>> {
    let mut same: HashMap<String, usize> = HashMap::new();
    let findings = outcome.components.iter().flat_map(|c| c.findings.iter().map(move |f| (c, f)));
    findings
        .map(|(component, finding)| {
            let identity = identity(component, finding);
            let earlier = same.entry(identity.clone()).or_default();
            // The docstring can disagree twice about one revision. Which one is
            // meant is told by their order, which stays when lines move.
            let fingerprint = match *earlier {
                0 => identity,
                nth => hash_of([identity.as_bytes(), nth.to_string().as_bytes()]),
            };
            *earlier += 1;
            Placed::of(component, finding, fingerprint)
        })
        .collect()
}

fn identity(component: &ComponentCheck, finding: &Finding) -> String {
    let (code, revisions, path) = finding.identity();
    let code = code.to_string();
    let path = path.as_ref().map_or("", |path| path.as_str());
    let first = [component.name.as_str(), &code, path].into_iter();
    hash_of(first.chain(revisions.iter().map(|id| id.as_str())).map(str::as_bytes))
}

/// The rule that found it.
pub fn rule_of(finding: &Finding) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == finding.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, outcome};

    #[test]
    fn a_fingerprint_is_one_findings_alone_and_does_not_depend_on_lines() {
        let fingerprints = |outcome: &CheckOutcome| {
            placed(outcome).into_iter().map(|p| p.fingerprint).collect::<Vec<_>>()
        };
        let before = awkward();
        let mut moved = before.clone();
        for finding in moved.components.iter_mut().flat_map(|c| &mut c.findings) {
            finding.location.as_mut().into_iter().for_each(|location| location.line += 7);
            finding.message += ", still";
        }
        assert_eq!(fingerprints(&before), fingerprints(&moved));
        let mut all = fingerprints(&before);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), placed(&before).len());
    }

    #[test]
    fn the_same_finding_in_two_components_is_two() {
        let notation = "<base> -> a\na -> b\na -> c";
        let both = outcome(vec![component("one", notation), component("two", notation)]);
        let fingerprints: Vec<String> = placed(&both).into_iter().map(|p| p.fingerprint).collect();
        assert_eq!(fingerprints.len(), 2);
        assert_ne!(fingerprints[0], fingerprints[1]);
    }
}
