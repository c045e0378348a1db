//! A database per branch: what the hook does about one after a `git switch`, where
//! this clone has asked for it by `dbm-git.branchData`.
//!
//! An exchange runs nothing of what is checked out. To take revisions down alembic
//! is run, so that for it everything has to have landed, as for every other hook.

use super::OpsError;
use super::hook_database::{objection, obstacle};
use super::host::Host;
use super::look::Look;
use super::running::{Running, Work};
use super::session::{Session, Source};
use super::settle::settle_exchanges;
use super::snapshots::{
    ExchangeRequest, Taking, bounds, delete_all, exchange, keeps_branch_data, store_of, take,
};
use super::sync::{plan_from, recorded};
use super::transaction::RecoverMode;
use super::write_access::WriteAccess;
use crate::database::{DatabaseError, Limits};
use crate::git::Repository;
use crate::journal::{Journal, OperationKind, Worktree};
use crate::plan::{
    DatabaseSnapshot, Pruning, SnapshotId, SwitchDelay, SwitchFacts, SwitchPlan, SyncPlan,
    SyncStep, SyncStrategy, list, plan_switch,
};
use crate::project::Component;
use crate::revision::RevisionId;

/// What the journal calls a hook that does this.
const COMMAND: &str = "dbm-git hook (branch data)";

/// What helps where a hook does not bring a database in line.
const BY_SYNC: &str = "`dbm-git sync` does it";

/// A switch from one branch to another.
#[derive(Clone, Debug)]
pub struct BranchSwitch {
    left: Option<String>,
    entered: String,
    now: i64,
}

/// What became of a database at a switch.
#[derive(Debug)]
pub struct Switched {
    /// `None` where there is no database to be looked at.
    pub look: Option<Look>,
    /// What there is to say of it.
    pub lines: Vec<String>,
    /// The database has what its branch has been left with.
    pub is_back: bool,
    /// The lines say what there is to do.
    pub is_told: bool,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    is_back: bool,
    is_told: bool,
    /// The commands that do the same later.
    by_hand: String,
}

impl Switched {
    /// Nothing became of it.
    pub fn not(look: Option<Look>) -> Self {
        Self { look, lines: Vec::new(), is_back: false, is_told: false }
    }
}

impl BranchSwitch {
    /// The switch that a hook was called for, where the clone keeps data by branch.
    pub fn of(repository: &Repository, name: &str, arguments: &[String], now: i64) -> Option<Self> {
        let is_switch = name == "post-checkout"
            && arguments.get(2).is_some_and(|flag| flag == "1")
            && keeps_branch_data(repository);
        if !is_switch || repository.in_progress().is_some() {
            return None;
        }
        Some(Self { left: repository.branch_left(), entered: repository.branch()?, now })
    }

    /// Settles an exchange that a killed process has left, before anybody looks.
    pub fn settle(&self, session: &Session, host: &Host) -> Result<(), OpsError> {
        let repository = &session.repository;
        let worktree = Worktree::new(repository.common_dir(), repository.git_dir());
        let Some(mut journal) = Journal::open_existing(repository.common_dir())? else {
            return Ok(());
        };
        let is_ours = |kind| kind == OperationKind::Restore;
        let steps = journal.open_steps(&worktree)?;
        let open = journal.open_operation(&worktree)?;
        let is_all_ours = open.is_none_or(|operation| is_ours(operation.kind));
        match steps {
            Some(id) if is_ours(journal.operation(id)?.kind) => {
                let mut access = WriteAccess::locked(repository, COMMAND, self.now)?;
                settle_exchanges(session, host, id, &mut access, RecoverMode::Auto).map(drop)
            }
            // It was written down and not begun; or not even that, and only the mark is there.
            None if is_all_ours && worktree.may_be_open() => {
                WriteAccess::begin(repository, COMMAND, self.now).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Does with a component's database what the switch asks for.
    pub fn apply(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        mut look: Look,
    ) -> Switched {
        let mut said = Said::default();
        if let Err(error) = self.try_apply(session, component, host, &mut look, &mut said) {
            said.lines.push(failure(&error, &said.by_hand));
        }
        let Said { lines, is_back, is_told, .. } = said;
        Switched { look: Some(look), lines, is_back, is_told }
    }

    fn try_apply(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        look: &mut Look,
        said: &mut Said,
    ) -> Result<(), OpsError> {
        let (plan, snapshots) = self.plan(session, component, look)?;
        if plan == SwitchPlan::Stay {
            return Ok(());
        }
        if let Some(obstacle) = obstacle(session, look)? {
            said.lines.push(format!("the data stay as they are: {obstacle}"));
            return Ok(());
        }
        said.by_hand = by_hand(match &plan {
            SwitchPlan::Swap { restored, .. } => Some(*restored),
            _ => None,
        });
        match plan {
            SwitchPlan::Stay => Ok(()),
            SwitchPlan::Delay(delay) => {
                said.lines.push(self.delayed(&delay));
                Ok(())
            }
            SwitchPlan::Swap { restored, pruning } => {
                let Some(restored) = snapshots.into_iter().find(|s| s.id == restored) else {
                    return Ok(());
                };
                self.swap(session, component, host, look, said, restored, &pruning)
            }
            SwitchPlan::Descend { pruning } => {
                self.leave(session, component, host, look, said, (&pruning, true))
            }
            SwitchPlan::Keep { pruning } => {
                self.leave(session, component, host, look, said, (&pruning, false))
            }
        }
    }

    /// What is to be done, and the snapshots that there are of this database.
    fn plan(
        &self,
        session: &Session,
        component: &Component,
        look: &Look,
    ) -> Result<(SwitchPlan, Vec<DatabaseSnapshot>), OpsError> {
        let all = match Journal::open_existing(session.repository.common_dir())? {
            Some(mut journal) => journal.snapshots()?,
            None => Vec::new(),
        };
        let is_of_this = |s: &&DatabaseSnapshot| s.identity == look.target.identity;
        let snapshots: Vec<DatabaseSnapshot> = all.iter().filter(is_of_this).cloned().collect();
        let is_of_no_interest = look.view.foreign.is_empty()
            && !snapshots.iter().any(|s| s.is_of_branch(&self.entered));
        if is_of_no_interest {
            return Ok((SwitchPlan::Stay, snapshots));
        }
        let store = store_of(session, &look.target, Limits::hook_change())?;
        let plan = plan_switch(&SwitchFacts {
            left: self.left.as_deref(),
            entered: &self.entered,
            files: &look.snapshot,
            live: &look.view,
            kind: store.kind(),
            bytes: store.bytes()?,
            uncommitted: &uncommitted(session, component, look)?,
            snapshots: &snapshots,
            all: &all,
            branches: &session.repository.local_branches()?,
            bounds: bounds(&session.repository),
        });
        Ok((plan, snapshots))
    }

    fn swap(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        look: &mut Look,
        said: &mut Said,
        restored: DatabaseSnapshot,
        pruning: &Pruning,
    ) -> Result<(), OpsError> {
        let mut access = WriteAccess::begin(&session.repository, COMMAND, self.now)?;
        let summary = format!("{}: the data of {}", component.name, self.entered);
        let operation = access.begin_steps(session, OperationKind::Restore, &summary)?;
        let limits = Limits::hook_change();
        let keeps_for = self.taking();
        let request = ExchangeRequest { operation, restored, keeps_for, undoes: None, limits };
        let kept = exchange(session, component, look, &request, access.journal())?;
        said.is_back = true;
        let kept =
            kept.map_or(String::new(), |kept| format!("{} (snapshot {}), ", self.kept(), kept.id));
        said.lines.push(format!(
            "{kept}brought the data of `{}` back (`dbm-git undo {operation}`)",
            self.entered
        ));
        let dropped = delete_all(session, host, &pruning.dropped, access.journal())?;
        said.lines.extend(pruned(&dropped));
        Ok(())
    }

    /// Keeps what is there, and takes down what the entered branch lacks, if it is to go now.
    fn leave(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        look: &mut Look,
        said: &mut Said,
        (pruning, goes_down): (&Pruning, bool),
    ) -> Result<(), OpsError> {
        let mut access = WriteAccess::begin(&session.repository, COMMAND, self.now)?;
        let (taking, limits) = (self.taking(), Limits::hook_change());
        let kept = take(session, component, look, &taking, limits, access.journal())?;
        let kept_as = format!("{} (snapshot {})", self.kept(), kept.id);
        let dropped = delete_all(session, host, &pruning.dropped, access.journal())?;
        let went = match goes_down {
            true => self.take_down(session, component, host, look, &mut access),
            false => Ok(Err(format!("it may take more than two seconds: {BY_SYNC}"))),
        };
        said.is_told = !matches!(went, Ok(Ok(_)));
        said.lines.push(match went {
            Ok(Ok(gone)) => format!("{kept_as}, and took {} down", list(&gone)),
            Ok(Err(reason)) => {
                format!("{kept_as}; not brought in line, since {reason}")
            }
            Err(error) => format!("{kept_as}; not brought in line: {}", last_line(&error)),
        });
        said.lines.extend(pruned(&dropped));
        Ok(())
    }

    /// Takes down what the entered branch lacks: what went, or why nothing did.
    fn take_down(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        look: &mut Look,
        access: &mut WriteAccess,
    ) -> Result<Result<Vec<RevisionId>, String>, OpsError> {
        if let Some(reason) = objection(session, component, look)? {
            return Ok(Err(format!("{reason}: {BY_SYNC}")));
        }
        let footprints = look.footprints(access.journal())?;
        let plan = plan_from(look, &look.snapshot, &look.view, SyncStrategy::Auto, &footprints);
        let plan = match plan.map(descent_of) {
            Err(refusal) => return Ok(Err(format!("{refusal}: `dbm-git status` says more"))),
            Ok(None) => return Ok(Err(format!("more than that is to be done: {BY_SYNC}"))),
            Ok(Some(plan)) => plan,
        };
        let steps = plan.steps.iter().map(|step| recorded(component, look, step)).collect();
        let mut running = Running::begin(session, component, host, look)?;
        let summary = format!("{}: {} taken down", component.name, plan.reverted.len());
        let operation = access.begin_steps(session, OperationKind::Sync, &summary)?;
        // The snapshot is the backup.
        let work =
            Work { operation, steps, needs_backup: false, settled: Vec::new(), takes_back: None };
        running.run(work, access, host, &mut |_| {})?;
        Ok(Ok(plan.reverted))
    }

    fn taking(&self) -> Taking {
        Taking { name: None, branch: self.left.clone(), now: self.now }
    }

    fn kept(&self) -> String {
        match &self.left {
            Some(left) => format!("kept the data of `{left}`"),
            None => "kept the data that were there".to_owned(),
        }
    }

    fn delayed(&self, delay: &SwitchDelay) -> String {
        match delay {
            SwitchDelay::Uncommitted { revisions } => format!(
                "the data stay as they are: the database has run {}, which {} not committed",
                list(revisions),
                if revisions.len() == 1 { "is" } else { "are" },
            ),
            SwitchDelay::TooSlow { millis, restored } => {
                let seconds = millis.div_ceil(1000);
                let command = by_hand(*restored);
                format!(
                    "the data stay as they are, since it may take {seconds} s: {command} does it"
                )
            }
            SwitchDelay::Waiting { snapshot, revisions } => format!(
                "the data of `{}` wait for {}, which {} not here: `dbm-git snapshots restore {snapshot}`",
                self.entered,
                list(revisions),
                if revisions.len() == 1 { "is" } else { "are" },
            ),
            SwitchDelay::NoRoom { .. } => "the data stay as they are: there is no room for a \
                                           snapshot; `dbm-git snapshots` shows what takes it"
                .to_owned(),
        }
    }
}

/// The part of a plan that takes revisions down; `None` where more has to be repaired
/// than that, or nobody has seen whether it can be done.
fn descent_of(mut plan: SyncPlan) -> Option<SyncPlan> {
    plan.steps.retain(|planned| !matches!(planned.step, SyncStep::Upgrade { .. }));
    let is_down = |step: &SyncStep| matches!(step, SyncStep::Downgrade { .. } | SyncStep::SetRows);
    let is_plain = plan.steps.iter().all(|planned| is_down(&planned.step));
    (plan.is_proven && is_plain && !plan.steps.is_empty()).then_some(plan)
}

/// What has run in the database and is in no commit: it came along.
fn uncommitted(
    session: &Session,
    component: &Component,
    look: &Look,
) -> Result<Vec<RevisionId>, OpsError> {
    let Some(head) = session.repository.head()? else { return Ok(Vec::new()) };
    let committed = session.history(component, &Source::Commit(head))?;
    let applied = (0..look.snapshot.graph.len()).filter(|&node| look.view.applied[node]);
    let ids = applied.map(|node| look.snapshot.id(node).clone());
    Ok(ids.filter(|id| committed.graph.node(id.as_str()).is_none()).collect())
}

/// The commands that do at leisure what a switch could not.
fn by_hand(restored: Option<SnapshotId>) -> String {
    match restored {
        Some(id) => format!("`dbm-git snapshots restore {id}`"),
        None => "`dbm-git snapshots save && dbm-git sync`".to_owned(),
    }
}

fn failure(error: &OpsError, by_hand: &str) -> String {
    match error {
        OpsError::Database(used @ DatabaseError::InUse { .. }) => {
            format!("the data stay as they are: {used}; afterwards {by_hand} does it")
        }
        _ => {
            format!("the data stay as they are: {}; `dbm-git status` says more", last_line(error))
        }
    }
}

fn last_line(error: &OpsError) -> String {
    let text = super::with_causes(error);
    text.trim_end().lines().last().unwrap_or_default().trim().to_owned()
}

fn pruned(dropped: &[DatabaseSnapshot]) -> Option<String> {
    let titles: Vec<String> = dropped.iter().map(DatabaseSnapshot::title).collect();
    let ids: Vec<SnapshotId> = dropped.iter().map(|snapshot| snapshot.id).collect();
    (!dropped.is_empty()).then(|| {
        let noun = if ids.len() == 1 { "snapshot" } else { "snapshots" };
        format!(
            "dropped the oldest {noun}, {}, to make room (`dbm-git.snapshotCount`)",
            list(&titles)
        )
    })
}
