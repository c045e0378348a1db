//! The table of rules, and running it.

use std::collections::HashSet;

use super::{
    dbm001_diverged_heads, dbm002_missing_down_revision, dbm003_duplicate_id, dbm004_cycle,
    dbm005_unreadable, dbm006_dynamic, dbm007_merged_ancestor, dbm008_landed_repointed,
    dbm009_landed_gone, dbm010_landed_edited, dbm011_unresolved_name, dbm012_illegal_id,
    dbm013_stale_docstring, dbm014_second_base, dbm015_would_diverge, dbm016_uncommitted,
    dbm017_unused_suppression, dbm018_lock_file, dbm101_semantic_conflict,
};
use crate::check::review::{
    Reviewed, dbm201_empty_upgrade, dbm202_no_downgrade, dbm203_dropped, dbm204_not_null,
    dbm205_lossy_type, dbm206_rename, dbm207_sql_without_downgrade, dbm208_rows_under_lock,
    dbm209_application_import, dbm210_value_in_transaction, dbm211_value_dropped,
    dbm212_type_left_behind, dbm213_blocking_index, dbm214_concurrently_in_transaction,
    dbm215_blocking_constraint, review,
};
use crate::check::{Code, Finding, Judged, Level};

/// One kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub code: Code,
    /// A few words: `diverged heads`.
    pub name: &'static str,
    /// What its findings usually are.
    pub level: Level,
    /// One sentence.
    pub summary: &'static str,
    /// A page: what it means, why it matters in Alembic, how to mend it, an example.
    pub explanation: &'static str,
    pub run: Run,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// The history as a whole, and what is known around it.
    History(fn(&Judged<'_>) -> Vec<Finding>),
    /// What one revision does, where somebody asks for a review.
    Revision(fn(&Reviewed<'_>) -> Vec<Finding>),
}

impl Rule {
    /// A finding of this rule at its usual level.
    pub(in crate::check) fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(self.code, self.level, message)
    }

    /// Whether it looks at what single revisions do (DBM2xx).
    pub fn is_of_review(&self) -> bool {
        matches!(self.run, Run::Revision(_))
    }

    pub(in crate::check) fn run_on(&self, judged: &Judged<'_>) -> Vec<Finding> {
        match self.run {
            Run::History(run) => run(judged),
            Run::Revision(_) => Vec::new(),
        }
    }
}

/// All rules in the order of their codes.
pub const RULES: &[Rule] = &[
    dbm001_diverged_heads::RULE,
    dbm002_missing_down_revision::RULE,
    dbm003_duplicate_id::RULE,
    dbm004_cycle::RULE,
    dbm005_unreadable::RULE,
    dbm006_dynamic::RULE,
    dbm007_merged_ancestor::RULE,
    dbm008_landed_repointed::RULE,
    dbm009_landed_gone::RULE,
    dbm010_landed_edited::RULE,
    dbm011_unresolved_name::RULE,
    dbm012_illegal_id::RULE,
    dbm013_stale_docstring::RULE,
    dbm014_second_base::RULE,
    dbm015_would_diverge::RULE,
    dbm016_uncommitted::RULE,
    dbm017_unused_suppression::RULE,
    dbm018_lock_file::RULE,
    dbm101_semantic_conflict::RULE,
    dbm201_empty_upgrade::RULE,
    dbm202_no_downgrade::RULE,
    dbm203_dropped::RULE,
    dbm204_not_null::RULE,
    dbm205_lossy_type::RULE,
    dbm206_rename::RULE,
    dbm207_sql_without_downgrade::RULE,
    dbm208_rows_under_lock::RULE,
    dbm209_application_import::RULE,
    dbm210_value_in_transaction::RULE,
    dbm211_value_dropped::RULE,
    dbm212_type_left_behind::RULE,
    dbm213_blocking_index::RULE,
    dbm214_concurrently_in_transaction::RULE,
    dbm215_blocking_constraint::RULE,
];

/// The rule that a person names: `DBM001`, `dbm001`, `1`, `diverged heads` or `diverged-heads`.
pub fn rule(text: &str) -> Option<&'static Rule> {
    let wanted = text.trim().to_lowercase().replace(['-', '_'], " ");
    let number = wanted.strip_prefix("dbm").unwrap_or(&wanted).trim();
    RULES.iter().find(|rule| number.parse() == Ok(rule.code.0) || rule.name == wanted)
}

/// Everything that is wrong with the judged history: the gravest first, then
/// by place. Each finding says whether upstream, judged alone, has it too.
pub fn run_rules(judged: &Judged<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule.run_on(judged)).collect();
    if let Some(upstream) = judged.upstream_alone() {
        let codes: HashSet<Code> = findings.iter().map(|finding| finding.code).collect();
        let known: HashSet<_> = RULES
            .iter()
            .filter(|rule| codes.contains(&rule.code))
            .flat_map(|rule| rule.run_on(&upstream))
            .map(|finding| finding.identity())
            .collect();
        for finding in &mut findings {
            finding.is_new &= !known.contains(&finding.identity());
        }
    }
    // What is reviewed has not landed, so that all of this is new.
    findings.extend(review(judged));
    sort_findings(&mut findings);
    findings
}

/// The gravest first, then by place.
pub fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let place = finding.location.clone();
        (
            std::cmp::Reverse(finding.level),
            place.is_none(),
            place,
            finding.code,
            finding.message.clone(),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, judge, locations, with_upstream};

    #[test]
    fn the_table_is_in_the_order_of_the_codes_and_every_rule_explains_itself() {
        let codes: Vec<u16> = RULES.iter().map(|rule| rule.code.0).collect();
        assert_eq!(codes, (1..=18).chain([101]).chain(201..=215).collect::<Vec<_>>());
        for rule in RULES {
            let text = rule.explanation;
            assert!(text.contains("Why it matters\n"), "{}", rule.code);
            assert!(text.contains("How to mend it\n"), "{}", rule.code);
            assert!(text.contains("Example\n"), "{}", rule.code);
            assert!(text.lines().all(|line| line.chars().count() <= 88), "{}", rule.code);
        }
    }

    #[test]
    fn a_rule_is_found_by_code_number_or_name() {
        for text in ["DBM003", "dbm003", "3", "duplicate revision id", "duplicate-revision-id"] {
            assert_eq!(rule(text).map(|rule| rule.code), Some(Code(3)), "{text}");
        }
        assert!(rule("DBM099").is_none());
    }

    #[test]
    fn a_healthy_history_has_no_findings() {
        let healthy = history("<base> -> a\na -> b\na -> c\nb, c -> d (x), merge\nd -> e");
        assert_eq!(run_rules(&judge(&healthy)), []);
        assert_eq!(run_rules(&judge(&history(""))), []);
    }

    #[test]
    fn what_upstream_has_too_is_not_new() {
        let landed = history("<base> -> a\na -> b\na -> c");
        let ours = history("<base> -> a\na -> b\na -> c\nx -> y");
        let judged = with_upstream(&ours, &landed, &ours);
        let seen: Vec<(u16, bool)> =
            run_rules(&judged).iter().map(|f| (f.code.0, f.is_new)).collect();
        assert_eq!(seen, [(1, false), (2, true)]);
    }

    #[test]
    fn errors_come_first_then_places() {
        let ours = history("<base> -> a\n<base> -> b\na, b -> m\nzz -> k\nyy -> j");
        let seen: Vec<String> = run_rules(&judge(&ours))
            .iter()
            .map(|f| format!("{} {}", f.code, f.location.as_ref().expect("a file").path))
            .collect();
        assert_eq!(seen, ["DBM002 versions/j.py", "DBM002 versions/k.py", "DBM014 versions/b.py"]);
        assert_eq!(judge(&ours).version_locations, locations());
    }

    /// Every second revision is a merge of the last two, over 10,000 revisions:
    /// a walk per merge point to the bottom would take minutes.
    #[test]
    fn a_long_ladder_of_merges_is_judged_by_local_walks() {
        let mut lines = String::from("<base> -> r0\n");
        for at in 0..3_333 {
            lines += &format!("r{at} -> a{at}\nr{at} -> b{at}\na{at}, b{at} -> r{}\n", at + 1);
        }
        assert_eq!(run_rules(&judge(&history(&lines))), []);
    }
}
