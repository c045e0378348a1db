//! Generated situations after a pull: what has landed, and own revisions that
//! were begun before, in files of any form.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::spelling::{Piece, Speller};
use crate::support::Random;

/// The version locations of every scenario, relative to its folder.
pub const LOCATIONS: [&str; 2] = ["versions", "plugins/versions"];

/// One situation, always the same for its seed.
pub struct Scenario {
    pub seed: u64,
    /// Landed ones first, each after what it names.
    pub revisions: Vec<Planned>,
    /// How many of the landed ones were there when the own branch began.
    pub common: usize,
}

/// A revision as it is meant, and the file that says so.
pub struct Planned {
    pub id: String,
    /// Positions in the scenario.
    pub downs: Vec<usize>,
    /// By id or by label, and the position meant.
    pub depends_on: Vec<(String, usize)>,
    pub labels: Vec<String>,
    pub is_own: bool,
    pub is_committed: bool,
    pub does_nothing: bool,
    pub location: usize,
    pub file: String,
    pub pieces: Vec<Piece>,
}

impl Planned {
    /// The file's path, relative to the scenario's folder.
    pub fn path(&self) -> String {
        format!("{}/{}", LOCATIONS[self.location], self.file)
    }

    /// The file's content.
    pub fn bytes(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStyle {
    Hex,
    /// `0042`.
    Number,
    /// `0042_word`.
    NumberAndWord,
}

impl IdStyle {
    pub fn is_sequential(self) -> bool {
        self != Self::Hex
    }
}

/// What kinds of things may occur.
struct Shape {
    own_sees_landed: bool,
    landed_diverges: bool,
    labels: bool,
    dependencies: bool,
    merges: bool,
    second_bases: bool,
}

struct Builder<'a> {
    random: &'a mut Random,
    shape: Shape,
    style: IdStyle,
    revisions: Vec<Planned>,
    /// All that lies at or below each revision, by down revision.
    below: Vec<HashSet<usize>>,
    /// The number each id has or would have.
    numbers: Vec<usize>,
}

impl Scenario {
    pub fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let style =
            *random.pick(&[IdStyle::Hex, IdStyle::Hex, IdStyle::Number, IdStyle::NumberAndWord]);
        let shape = Shape {
            own_sees_landed: style != IdStyle::Number && random.chance(35),
            landed_diverges: random.chance(15),
            labels: random.chance(45),
            dependencies: random.chance(40),
            merges: random.chance(60),
            second_bases: random.chance(20),
        };
        let mut builder = Builder {
            random: &mut random,
            shape,
            style,
            revisions: Vec::new(),
            below: Vec::new(),
            numbers: Vec::new(),
        };
        let common = 1 + builder.random.below(7);
        for _ in 0..common {
            builder.add_landed();
        }
        for _ in 0..1 + builder.random.below(4) {
            builder.add_landed();
        }
        builder.add_own(common);
        let mut revisions = builder.revisions;
        for position in 0..revisions.len() {
            let pieces = Speller::new(&mut random).script(&revisions, position);
            revisions[position].pieces = pieces;
        }
        Self { seed, revisions, common }
    }

    pub fn landed(&self) -> impl Iterator<Item = &Planned> {
        self.revisions.iter().filter(|r| !r.is_own)
    }

    pub fn own(&self) -> impl Iterator<Item = &Planned> {
        self.revisions.iter().filter(|r| r.is_own)
    }

    /// All files by path.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.revisions.iter().map(|r| (r.path(), r.bytes())).collect()
    }

    /// Everything that has to run before each revision.
    pub fn earlier(&self) -> Vec<BTreeSet<usize>> {
        let mut earlier: Vec<BTreeSet<usize>> = Vec::new();
        for revision in &self.revisions {
            let named = revision.downs.iter().copied();
            let named = named.chain(revision.depends_on.iter().map(|(_, at)| *at));
            let mut all = BTreeSet::new();
            for at in named {
                all.insert(at);
                all.extend(earlier[at].iter().copied());
            }
            earlier.push(all);
        }
        earlier
    }
}

impl Builder<'_> {
    fn add_landed(&mut self) {
        let all: Vec<usize> = (0..self.revisions.len()).collect();
        let stray = self.shape.landed_diverges && self.random.chance(30);
        self.add(&all, false, stray);
    }

    fn add_own(&mut self, common: usize) {
        let landed = self.revisions.len();
        let mut visible: Vec<usize> = (0..common).collect();
        let count = 1 + self.random.below(6);
        let uncommitted = if self.random.chance(30) { self.random.below(count + 1) } else { count };
        for position in 0..count {
            if self.shape.own_sees_landed && visible.len() < landed && self.random.chance(40) {
                visible.extend(common..landed);
            }
            let at = self.revisions.len();
            // Several heads are the point of it.
            let stray = self.random.chance(35);
            self.add(&visible, true, stray);
            self.revisions[at].is_committed = position < uncommitted;
            visible.push(at);
        }
    }

    /// Adds a revision on top of some of `visible`; `stray` ones begin a
    /// second head without a label.
    fn add(&mut self, visible: &[usize], is_own: bool, stray: bool) {
        let (downs, label) = self.downs(visible, is_own, stray);
        let at = self.revisions.len();
        let mut below: HashSet<usize> =
            downs.iter().flat_map(|&down| self.below[down].clone()).collect();
        below.insert(at);
        let number = 1 + visible.iter().map(|&v| self.numbers[v]).max().unwrap_or(0);
        let id = self.id(number, is_own);
        let location = match downs.first() {
            Some(&down) if self.random.chance(90) => self.revisions[down].location,
            _ => self.random.below(LOCATIONS.len()),
        };
        let depends_on = self.dependencies(visible, &downs);
        let file = self.file_name(&id, at);
        let does_nothing = downs.len() > 1 && self.random.chance(60);
        self.revisions.push(Planned {
            file,
            labels: label.map(|()| format!("label_{at}")).into_iter().collect(),
            does_nothing,
            is_committed: true,
            pieces: Vec::new(),
            id,
            downs,
            depends_on,
            is_own,
            location,
        });
        self.below.push(below);
        self.numbers.push(number);
    }

    /// Down revisions, and whether a label begins a branch there.
    fn downs(&mut self, visible: &[usize], is_own: bool, stray: bool) -> (Vec<usize>, Option<()>) {
        let heads = self.heads(visible);
        let Some(&newest) = heads.last() else { return (Vec::new(), None) };
        if stray {
            return (vec![*self.random.pick(visible)], None);
        }
        if self.shape.second_bases && self.random.chance(8) {
            return (Vec::new(), (!is_own || self.random.chance(50)).then_some(()));
        }
        if self.shape.labels && self.random.chance(20) {
            return (vec![*self.random.pick(visible)], Some(()));
        }
        if self.shape.merges && self.random.chance(if is_own { 35 } else { 20 }) {
            let among = if is_own && self.random.chance(50) { visible } else { &heads };
            let mut downs: Vec<usize> = Vec::new();
            for _ in 0..4 {
                let next = *self.random.pick(among);
                let apart =
                    |&d: &usize| !self.below[d].contains(&next) && !self.below[next].contains(&d);
                if downs.len() < 3 && downs.iter().all(apart) {
                    downs.push(next);
                }
            }
            return (downs, None);
        }
        let own_heads: Vec<usize> =
            heads.iter().copied().filter(|&h| self.revisions[h].is_own == is_own).collect();
        let among = if own_heads.is_empty() { vec![newest] } else { own_heads };
        (vec![*self.random.pick(&among)], None)
    }

    fn heads(&self, visible: &[usize]) -> Vec<usize> {
        let named: HashSet<usize> =
            visible.iter().flat_map(|&v| self.revisions[v].downs.iter().copied()).collect();
        visible.iter().copied().filter(|v| !named.contains(v)).collect()
    }

    /// Revisions that are not among the ancestors anyway, by id or label.
    fn dependencies(&mut self, visible: &[usize], downs: &[usize]) -> Vec<(String, usize)> {
        if !self.shape.dependencies || visible.is_empty() || !self.random.chance(30) {
            return Vec::new();
        }
        let at = *self.random.pick(visible);
        if downs.iter().any(|&down| self.below[down].contains(&at)) {
            return Vec::new();
        }
        let revision = &self.revisions[at];
        let label = revision.labels.first().filter(|_| self.random.chance(60));
        vec![(label.unwrap_or(&revision.id).clone(), at)]
    }

    fn id(&mut self, number: usize, is_own: bool) -> String {
        let side = if is_own { 'f' } else { 'm' };
        let id = match self.style {
            IdStyle::Hex => return self.random.hex_id(),
            IdStyle::Number => format!("{number:04}"),
            IdStyle::NumberAndWord => format!("{number:04}_{side}{}", self.revisions.len()),
        };
        // Two own heads may begin at one number, but not with one id.
        let same = |r: &Planned| r.id == id && r.is_own == is_own;
        if self.revisions.iter().any(same) { self.id(number + 1, is_own) } else { id }
    }

    fn file_name(&mut self, id: &str, at: usize) -> String {
        match self.random.below(if self.style.is_sequential() { 2 } else { 4 }) {
            0 => format!("{id}_word_{at}.py"),
            1 => format!("{id}-{at}.py"),
            2 => format!("2024_{:02}_{id}.py", at + 1),
            _ => format!("word{at} {id}.py"),
        }
    }
}
