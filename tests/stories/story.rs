//! Stories: what happens, as a list of events that can be shortened and told.

use crate::support::Random;

/// Whose working tree something happens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Has dbm-git.
    Ada,
    /// Has not.
    Bob,
    /// Ada, in a linked worktree.
    Tree,
}

/// One thing that happens. An event that makes no sense where it stands is
/// passed over, so any part of a story is a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new revision, on one of the heads.
    Create {
        commit: bool,
    },
    Commit,
    Amend,
    Upgrade,
    UpgradeOne,
    DowngradeOne,
    /// A row in one of the tables.
    Insert,
    Fetch,
    Push {
        force: bool,
    },
    PullMerge,
    PullRebase,
    /// To the other branch, which is made if need be.
    Switch,
    /// The other branch into this one.
    MergeOther,
    ResetToUpstream,
    ResetOneBack,
    /// What is not committed is put away, or brought back.
    Stash,
    /// A revision is re-pointed, as people do it with an editor.
    EditDownRevision,
    DropDatabase,
    CopyDatabase,
    RestoreDatabase,
    AddWorktree,
    ForgetLedger,
    DbmRebase {
        apply: bool,
    },
    DbmMerge {
        apply: bool,
    },
    DbmUndo,
    DbmStatus,
    DbmSync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stays the same when other events are left out.
    pub serial: u64,
    pub who: Who,
    pub act: Act,
}

/// What does not change during a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub sequential_ids: bool,
    pub shared_database: bool,
    pub hooks: bool,
    /// Hooks upgrade the database by themselves where they may.
    pub hooks_sync: bool,
    /// Whoever syncs wants no replay.
    pub downgrades: bool,
    /// Whoever syncs has all of it tried out on a copy first.
    pub verifies: bool,
    /// The URL stands in the environment, and env.py does not ask the ini.
    pub url_in_environment: bool,
}

#[derive(Clone, Debug)]
pub struct Story {
    pub seed: u64,
    pub setting: Setting,
    pub events: Vec<Event>,
}

impl Story {
    /// The story of a seed.
    pub fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let setting = Setting {
            sequential_ids: random.chance(30),
            shared_database: random.chance(15),
            hooks: random.chance(60),
            // Drawn from the seed itself: the other draws stay what they were.
            hooks_sync: seed.is_multiple_of(3),
            downgrades: seed % 4 == 1,
            verifies: seed % 5 == 2,
            url_in_environment: random.chance(20),
        };
        let mut teller = Teller { random, acts: Vec::new(), setting };
        if setting.hooks_sync {
            teller.arrive();
        }
        for _ in 0..teller.random.below(4) + 3 {
            teller.scene();
        }
        teller.acts.push((Who::Ada, Act::DbmStatus));
        let events = teller
            .acts
            .into_iter()
            .zip(1..)
            .map(|((who, act), serial)| Event { serial, who, act })
            .collect();
        Self { seed, setting, events }
    }

    /// The story without its event at `index`.
    pub fn without(&self, index: usize) -> Self {
        let mut shorter = self.clone();
        shorter.events.remove(index);
        shorter
    }
}

struct Teller {
    random: Random,
    acts: Vec<(Who, Act)>,
    setting: Setting,
}

impl Teller {
    fn scene(&mut self) {
        match self.random.below(10) {
            0..2 => self.work(Who::Ada),
            2..4 => self.land(),
            4..7 => {
                self.work(Who::Ada);
                self.land();
                self.meet();
            }
            7 => self.branch(),
            8 => self.accident(),
            _ => self.look(),
        }
        if self.random.chance(25) {
            self.look();
        }
    }

    fn add(&mut self, who: Who, act: Act) {
        self.acts.push((who, act));
    }

    fn perhaps(&mut self, percent: usize, who: Who, act: Act) {
        if self.random.chance(percent) {
            self.add(who, act);
        }
    }

    /// New revisions, mostly run.
    fn work(&mut self, who: Who) {
        for _ in 0..self.random.below(2) + 1 {
            let commit = self.random.chance(75);
            self.add(who, Act::Create { commit });
        }
        self.perhaps(75, who, Act::Upgrade);
        self.perhaps(50, who, Act::Insert);
        self.perhaps(10, who, Act::DowngradeOne);
    }

    /// Landed work arrives where there is no other: hooks may run it.
    fn arrive(&mut self) {
        self.add(Who::Ada, Act::Upgrade);
        self.add(Who::Bob, Act::Create { commit: true });
        self.add(Who::Bob, Act::Push { force: false });
        self.add(Who::Ada, Act::PullMerge);
    }

    /// Somebody else's revisions reach upstream.
    fn land(&mut self) {
        self.perhaps(70, Who::Bob, Act::PullMerge);
        for _ in 0..self.random.below(2) + 1 {
            self.add(Who::Bob, Act::Create { commit: true });
        }
        self.perhaps(40, Who::Bob, Act::Upgrade);
        if self.random.chance(10) {
            self.add(Who::Bob, Act::Amend);
            self.add(Who::Bob, Act::Push { force: true });
        } else {
            self.add(Who::Bob, Act::Push { force: false });
        }
    }

    /// They come here, and the heads are mended in one way or the other.
    fn meet(&mut self) {
        let pull = if self.random.chance(50) { Act::PullMerge } else { Act::PullRebase };
        self.add(Who::Ada, pull);
        self.perhaps(25, Who::Ada, Act::Upgrade);
        let apply = self.random.chance(10);
        match self.random.below(10) {
            0..5 => self.add(Who::Ada, Act::DbmRebase { apply }),
            5..7 => self.add(Who::Ada, Act::DbmMerge { apply }),
            7..9 => self.add(Who::Ada, Act::EditDownRevision),
            _ => {}
        }
        self.perhaps(80, Who::Ada, Act::Commit);
        self.perhaps(25, Who::Ada, Act::Upgrade);
        self.perhaps(30, Who::Ada, Act::Push { force: false });
    }

    /// Work on a branch, with a look at the other one in between.
    fn branch(&mut self) {
        let who = if self.random.chance(25) { Who::Tree } else { Who::Ada };
        if who == Who::Tree {
            self.add(Who::Ada, Act::AddWorktree);
        }
        self.add(who, Act::Switch);
        self.work(who);
        self.add(who, Act::Commit);
        self.add(who, Act::Switch);
        self.perhaps(30, who, Act::Upgrade);
        self.perhaps(30, who, Act::DbmStatus);
        self.perhaps(40, Who::Ada, Act::Create { commit: true });
        self.perhaps(60, Who::Ada, Act::MergeOther);
        self.perhaps(30, Who::Ada, Act::DbmRebase { apply: false });
    }

    fn accident(&mut self) {
        let act = *self.random.pick(&[
            Act::ResetToUpstream,
            Act::ResetOneBack,
            Act::Amend,
            Act::ForgetLedger,
            Act::DropDatabase,
            Act::DbmUndo,
            Act::EditDownRevision,
        ]);
        match self.random.below(10) {
            0..5 => self.add(Who::Ada, act),
            5..7 => {
                self.add(Who::Ada, Act::Stash);
                self.perhaps(50, Who::Ada, Act::Upgrade);
                self.perhaps(70, Who::Ada, Act::Stash);
            }
            _ => {
                self.add(Who::Ada, Act::CopyDatabase);
                self.work(Who::Ada);
                self.perhaps(40, Who::Ada, Act::PullMerge);
                self.perhaps(40, Who::Ada, Act::DbmRebase { apply: false });
                self.add(Who::Ada, Act::RestoreDatabase);
            }
        }
        let also = if self.setting.shared_database { Who::Bob } else { Who::Ada };
        self.perhaps(30, also, Act::Upgrade);
    }

    fn look(&mut self) {
        let act = *self.random.pick(&[
            Act::DbmStatus,
            Act::DbmStatus,
            Act::DbmSync,
            Act::Upgrade,
            Act::UpgradeOne,
            Act::DowngradeOne,
            Act::Fetch,
        ]);
        self.add(Who::Ada, act);
    }
}
