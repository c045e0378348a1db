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
        let mut turn = Turn { switch: self, session, component, host, said: Said::default() };
        if let Err(error) = turn.take(&mut look) {
            let line = failure(&error, &turn.said.by_hand);
            turn.said.lines.push(line);
        }
        let Said { lines, is_back, is_told, .. } = turn.said;
        Switched { look: Some(look), lines, is_back, is_told }
    }
}

/// A switch of one component's database.
struct Turn<'a> {
    switch: &'a BranchSwitch,
    session: &'a Session,
    component: &'a Component,
    host: &'a Host,
    said: Said,
}

impl Turn<'_> {
    fn take(&mut self, look: &mut Look) -> Result<(), OpsError> {
        let (plan, snapshots) = self.plan(look)?;
        if plan == SwitchPlan::Stay {
            return Ok(());
        }
        if let Some(obstacle) = obstacle(self.session, look)? {
            self.say(format!("the data stay as they are: {obstacle}"));
            return Ok(());
        }
        self.said.by_hand = by_hand(match &plan {
            SwitchPlan::Swap { restored, .. } => Some(*restored),
            _ => None,
        });
        match plan {
            SwitchPlan::Stay => Ok(()),
            SwitchPlan::Delay(delay) => {
                self.say(self.delayed(&delay));
                Ok(())
            }
            SwitchPlan::Swap { restored, pruning } => {
                let Some(restored) = snapshots.into_iter().find(|s| s.id == restored) else {
                    return Ok(());
                };
                self.swap(look, restored, &pruning)
            }
            SwitchPlan::Descend { pruning } => self.leave(look, &pruning, true),
            SwitchPlan::Keep { pruning } => self.leave(look, &pruning, false),
        }
    }

    fn say(&mut self, line: String) {
        self.said.lines.push(line);
    }

    /// What is to be done, and the snapshots that there are of this database.
    fn plan(&self, look: &Look) -> Result<(SwitchPlan, Vec<DatabaseSnapshot>), OpsError> {
        let repository = &self.session.repository;
        let all = match Journal::open_existing(repository.common_dir())? {
            Some(mut journal) => journal.snapshots()?,
            None => Vec::new(),
        };
        let entered = &self.switch.entered;
        let is_of_this = |s: &&DatabaseSnapshot| s.identity == look.target.identity;
        let snapshots: Vec<DatabaseSnapshot> = all.iter().filter(is_of_this).cloned().collect();
        let is_of_no_interest =
            look.view.foreign.is_empty() && !snapshots.iter().any(|s| s.is_of_branch(entered));
        if is_of_no_interest {
            return Ok((SwitchPlan::Stay, snapshots));
        }
        let store = store_of(self.session, self.host, &look.target, Limits::hook_change())?;
        let plan = plan_switch(&SwitchFacts {
            left: self.switch.left.as_deref(),
            entered,
            files: &look.snapshot,
            live: &look.view,
            kind: store.kind(),
            bytes: store.bytes()?,
            tables: store.tables()?,
            uncommitted: &self.uncommitted(look)?,
            snapshots: &snapshots,
            all: &all,
            branches: &repository.local_branches()?,
            bounds: bounds(repository),
        });
        Ok((plan, snapshots))
    }

    /// What has run in the database and is in no commit: it came along.
    fn uncommitted(&self, look: &Look) -> Result<Vec<RevisionId>, OpsError> {
        let Some(head) = self.session.repository.head()? else { return Ok(Vec::new()) };
        let committed = self.session.history(self.component, &Source::Commit(head))?;
        let applied = (0..look.snapshot.graph.len()).filter(|&node| look.view.applied[node]);
        let ids = applied.map(|node| look.snapshot.id(node).clone());
        Ok(ids.filter(|id| committed.graph.node(id.as_str()).is_none()).collect())
    }

    fn access(&self) -> Result<WriteAccess, OpsError> {
        WriteAccess::begin(&self.session.repository, COMMAND, self.switch.now)
    }

    fn swap(
        &mut self,
        look: &mut Look,
        restored: DatabaseSnapshot,
        pruning: &Pruning,
    ) -> Result<(), OpsError> {
        let mut access = self.access()?;
        let entered = &self.switch.entered;
        let summary = format!("{}: the data of {entered}", self.component.name);
        let operation = access.begin_steps(self.session, OperationKind::Restore, &summary)?;
        let request = ExchangeRequest {
            operation,
            restored,
            keeps_for: self.taking(),
            undoes: None,
            limits: Limits::hook_change(),
        };
        let journal = access.journal();
        let kept = exchange(self.session, self.component, self.host, look, &request, journal)?;
        self.said.is_back = true;
        let kept = kept.map_or(String::new(), |kept| format!("{}, ", self.kept_as(&kept)));
        self.say(format!(
            "{kept}brought the data of `{entered}` back (`dbm-git undo {operation}`)"
        ));
        self.make_room(pruning, journal);
        Ok(())
    }

    /// Keeps what is there, and takes down what the entered branch lacks, if it is to go now.
    fn leave(
        &mut self,
        look: &mut Look,
        pruning: &Pruning,
        goes_down: bool,
    ) -> Result<(), OpsError> {
        let mut access = self.access()?;
        let (taking, limits) = (self.taking(), Limits::hook_change());
        let journal = access.journal();
        let kept = take(self.session, self.component, self.host, look, &taking, limits, journal)?;
        let went = match goes_down {
            true => self.take_down(look, &mut access),
            false => Ok(Err(format!("it may take more than two seconds: {BY_SYNC}"))),
        };
        self.said.is_told = !matches!(went, Ok(Ok(_)));
        let kept_as = self.kept_as(&kept);
        self.say(match went {
            Ok(Ok(gone)) => format!("{kept_as}, and took {} down", list(&gone)),
            Ok(Err(reason)) => format!("{kept_as}; not brought in line, since {reason}"),
            Err(error) => format!("{kept_as}; not brought in line: {}", last_line(&error)),
        });
        self.make_room(pruning, access.journal());
        Ok(())
    }

    /// Takes down what the entered branch lacks: what went, or why nothing did.
    fn take_down(
        &self,
        look: &mut Look,
        access: &mut WriteAccess,
    ) -> Result<Result<Vec<RevisionId>, String>, OpsError> {
        let (session, component) = (self.session, self.component);
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
        let steps =
            plan.steps.iter().map(|step| recorded(component, look, &look.snapshot, step)).collect();
        let mut running = Running::begin(session, component, self.host, look)?;
        let summary = format!("{}: {} taken down", component.name, plan.reverted.len());
        let operation = access.begin_steps(session, OperationKind::Sync, &summary)?;
        // The snapshot is the backup.
        let work =
            Work { operation, steps, needs_backup: false, settled: Vec::new(), takes_back: None };
        running.run(work, access, self.host, &mut |_| {})?;
        Ok(Ok(plan.reverted))
    }

    /// Deletes what has to go, once the new one is complete.
    fn make_room(&mut self, pruning: &Pruning, journal: &mut Journal) {
        match delete_all(self.session, self.host, &pruning.dropped, journal) {
            Ok(dropped) => self.said.lines.extend(pruned(&dropped)),
            Err(error) => self.say(format!(
                "no older snapshot could be dropped: {}; `dbm-git snapshots prune` does it",
                last_line(&error)
            )),
        }
    }

    fn taking(&self) -> Taking {
        Taking { name: None, branch: self.switch.left.clone(), now: self.switch.now }
    }

    fn kept_as(&self, kept: &DatabaseSnapshot) -> String {
        match &self.switch.left {
            Some(left) => format!("kept the data of `{left}` (snapshot {})", kept.id),
            None => format!("kept the data that were there (snapshot {})", kept.id),
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
                self.switch.entered,
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

/// The commands that do at leisure what a switch could not.
fn by_hand(restored: Option<SnapshotId>) -> String {
    match restored {
        Some(id) => format!("`dbm-git snapshots restore {id}`"),
        None => "`dbm-git snapshots save && dbm-git sync`".to_owned(),
    }
}

fn failure(error: &OpsError, by_hand: &str) -> String {
    match error {
        OpsError::Database(used @ (DatabaseError::InUse { .. } | DatabaseError::Locked { .. })) => {
            format!("the data stay as they are: {used}; afterwards {by_hand} does it")
        }
        OpsError::Database(half @ DatabaseError::HalfExchanged { .. }) => {
            format!("{half}: `dbm-git recover` tries again")
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
