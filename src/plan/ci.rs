//! What a continuous-integration platform builds, and from that: which commits
//! have to be in the clone so that it can be judged as it will be once merged.
//!
//! The checkouts are shallow as a rule. A commit says which parents it has even
//! where those are missing, and that is enough: no history has to be fetched to
//! know what a platform's own merge commit was made of.

/// What a platform says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiRun {
    /// `GitHub Actions`.
    pub platform: &'static str,
    pub event: CiEvent,
}

/// Why a platform builds a commit. Commits are as the platform writes them:
/// whole ids, or their first characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CiEvent {
    /// Somebody wants to merge something.
    Proposal(Proposal),
    /// A merge queue: what is checked out is what the branch becomes.
    /// `base` is what the branch is before; else it is the first parent.
    Queue { base: Option<String> },
    /// A branch has these commits already.
    Push { branch: String, before: Option<String>, default_branch: Option<String> },
    /// Nothing that would tell what this is to be merged with.
    Unknown,
}

/// A pull request, or a merge request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// `pull request 12`.
    pub name: String,
    /// The branch that it is to be merged into.
    pub target: String,
    /// Where that branch is, if not in the remote that was cloned.
    pub target_url: Option<String>,
    /// The proposal's own last commit.
    pub head: Option<String>,
    /// What the target was at when the platform merged it with the proposal.
    pub target_commit: Option<String>,
    /// The last commit that the target and the proposal have in common.
    pub diff_base: Option<String>,
    /// The ref that the platform keeps a merge of both at.
    pub merge_ref: Option<String>,
}

/// Whether `text` can be a commit's id, whole or abbreviated. What a platform says
/// goes to git, where anything else would mean something else.
pub fn is_commit_id(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether `text` can be the name of a branch, or of a ref, by git's rules.
pub fn is_ref_name(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "*?[\\^~:".contains(c);
    !text.is_empty()
        && !text.contains(is_odd)
        && !["..", "//", "@{"].iter().any(|odd| text.contains(odd))
        && !text.starts_with(['-', '/'])
        && !text.ends_with(['/', '.'])
        && text.split('/').all(|part| !part.starts_with('.') && !part.ends_with(".lock"))
}

/// The commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadCommit {
    pub id: String,
    /// As the commit itself names them, whether the clone has them or not.
    pub parents: Vec<String>,
}

/// How the base of what is checked out is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BasePlan {
    /// `HEAD` is a merge of the target, as it was, with the proposal: only what
    /// the target got since has to be merged with it.
    Merged { target: String, merged_with: String, proposal: String },
    /// The proposal is not merged with the target yet. `judged` is its commit,
    /// where `HEAD` is another one.
    Unmerged {
        target: String,
        judged: Option<String>,
        merge_base: Option<String>,
        merge_ref: Option<String>,
    },
    /// `HEAD` takes the place of `base`: nothing is left to be merged.
    InPlace { base: String },
    /// `HEAD` is all that there is to judge, and nothing has landed before it.
    Alone,
    /// What is configured, or what the remote calls its default.
    Unknown,
}

/// How the base is found of `head`, which was checked out for `event`.
pub fn plan_base(event: &CiEvent, head: &HeadCommit) -> BasePlan {
    match event {
        CiEvent::Proposal(proposal) => base_of_proposal(proposal, head),
        CiEvent::Queue { base } => match base.as_ref().or(head.parents.first()) {
            Some(base) => BasePlan::InPlace { base: base.clone() },
            None => BasePlan::Unknown,
        },
        CiEvent::Push { branch, before, default_branch } => match (before, default_branch) {
            (_, Some(default)) if default != branch => BasePlan::Unmerged {
                target: default.clone(),
                judged: None,
                merge_base: None,
                merge_ref: None,
            },
            (Some(before), _) if !is_null(before) => BasePlan::InPlace { base: before.clone() },
            (_, Some(_)) => BasePlan::Alone,
            (_, None) => BasePlan::Unknown,
        },
        CiEvent::Unknown => BasePlan::Unknown,
    }
}

fn base_of_proposal(proposal: &Proposal, head: &HeadCommit) -> BasePlan {
    let is = |known: &Option<String>, id: &str| {
        known.as_deref().is_some_and(|known| !known.is_empty() && id.starts_with(known))
    };
    let target = proposal.target.clone();
    // A proposal may well end in a merge of its own.
    if !is(&proposal.head, &head.id)
        && let [one, other] = head.parents.as_slice()
    {
        let sides = if is(&proposal.head, other) || is(&proposal.target_commit, one) {
            Some((one, other))
        } else if is(&proposal.head, one) || is(&proposal.target_commit, other) {
            Some((other, one))
        } else {
            // Platforms put the target first.
            proposal.head.is_none().then_some((one, other))
        };
        if let Some((merged_with, proposal)) = sides {
            let (merged_with, proposal) = (merged_with.clone(), proposal.clone());
            return BasePlan::Merged { target, merged_with, proposal };
        }
    }
    let is_checked_out = proposal.head.is_none() || is(&proposal.head, &head.id);
    BasePlan::Unmerged {
        target,
        judged: proposal.head.clone().filter(|_| !is_checked_out),
        merge_base: proposal.diff_base.clone(),
        merge_ref: proposal.merge_ref.clone(),
    }
}

/// What stands for no commit: 40 zeros, or 64.
fn is_null(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal() -> Proposal {
        Proposal { target: "main".to_owned(), head: Some("f1".to_owned()), ..Proposal::default() }
    }

    /// `M: b1 f1` is a merge commit and its parents.
    #[track_caller]
    fn check(event: CiEvent, head: &str, expected: &str) {
        let (id, parents) = head.split_once(':').unwrap_or((head, ""));
        let parents = parents.split_whitespace().map(str::to_owned).collect();
        let plan = plan_base(&event, &HeadCommit { id: id.to_owned(), parents });
        let or_head = |text: Option<String>| text.unwrap_or_else(|| "HEAD".to_owned());
        let told = match plan {
            BasePlan::Merged { target, merged_with, proposal } => {
                format!("{proposal} was merged with {target} at {merged_with}")
            }
            BasePlan::Unmerged { target, judged, merge_base, merge_ref } => {
                let known = merge_base.or(merge_ref).map_or(String::new(), |k| format!(" by {k}"));
                format!("{} into {target}{known}", or_head(judged))
            }
            BasePlan::InPlace { base } => format!("in place of {base}"),
            BasePlan::Alone => "alone".to_owned(),
            BasePlan::Unknown => "unknown".to_owned(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn what_git_would_take_for_something_else_is_no_id_and_no_name() {
        for id in ["0123456", "ABCDEF0", &"a".repeat(40), &"0".repeat(64)] {
            assert!(is_commit_id(id), "{id}");
        }
        for no_id in ["", "HEAD", "abc", ":/text", "+refs/heads/a:refs/heads/b", &"a".repeat(65)] {
            assert!(!is_commit_id(no_id), "{no_id}");
        }
        for name in ["main", "release/1.0", "ä", "refs/pull/1/merge"] {
            assert!(is_ref_name(name), "{name}");
        }
        for no_name in
            ["", "*", "a b", "-x", "a..b", "a:b", "a\nb", "/a", "a/", ".a", "a.lock", "a@{1}"]
        {
            assert!(!is_ref_name(no_name), "{no_name}");
        }
    }

    #[test]
    fn a_merge_of_the_platform_says_what_it_was_made_of() {
        let event = || CiEvent::Proposal(proposal());
        check(event(), "m: b1 f1", "f1 was merged with main at b1");
        // One platform merges the target into the proposal.
        check(event(), "m: f1 b1", "f1 was merged with main at b1");
        let unnamed = Proposal { head: None, ..proposal() };
        check(CiEvent::Proposal(unnamed), "m: b1 f1", "f1 was merged with main at b1");
        let by_target = Proposal { head: None, target_commit: Some("b1".to_owned()), ..proposal() };
        check(CiEvent::Proposal(by_target), "m: f1 b1", "f1 was merged with main at b1");
    }

    #[test]
    fn a_proposal_that_ends_in_a_merge_is_not_one_of_the_platform() {
        check(CiEvent::Proposal(proposal()), "f1: x y", "HEAD into main");
        check(CiEvent::Proposal(proposal()), "m: x y", "f1 into main");
    }

    #[test]
    fn a_proposal_is_found_where_something_else_is_checked_out() {
        let with_ref = Proposal { merge_ref: Some("refs/pull/1/merge".to_owned()), ..proposal() };
        check(CiEvent::Proposal(with_ref.clone()), "b1: b0", "f1 into main by refs/pull/1/merge");
        check(CiEvent::Proposal(with_ref), "f1: f0", "HEAD into main by refs/pull/1/merge");
        let with_base = Proposal { diff_base: Some("b0".to_owned()), ..proposal() };
        check(CiEvent::Proposal(with_base), "f1", "HEAD into main by b0");
    }

    #[test]
    fn what_stands_in_a_queue_takes_the_place_of_its_base() {
        check(CiEvent::Queue { base: Some("b1".to_owned()) }, "q: b1 f1", "in place of b1");
        check(CiEvent::Queue { base: None }, "q: b1 f1", "in place of b1");
        check(CiEvent::Queue { base: None }, "q", "unknown");
    }

    #[test]
    fn a_push_replaces_what_was_there_or_is_compared_with_the_default_branch() {
        let push = |branch: &str, before: Option<&str>, default: Option<&str>| CiEvent::Push {
            branch: branch.to_owned(),
            before: before.map(str::to_owned),
            default_branch: default.map(str::to_owned),
        };
        check(push("main", Some("b1"), Some("main")), "b2: b1", "in place of b1");
        check(push("main", Some("0000"), Some("main")), "b2: b1", "alone");
        check(push("main", None, Some("main")), "b2: b1", "alone");
        check(push("work", Some("f0"), Some("main")), "f1: f0", "HEAD into main");
        check(push("work", Some("f0"), None), "f1: f0", "in place of f0");
        check(push("work", None, None), "f1: f0", "unknown");
        check(CiEvent::Unknown, "f1: f0", "unknown");
    }
}
