//! What to do with one git hook's file: write our own where there is none, put
//! a marked block behind the shebang of a foreign sh script, or refuse and say
//! what to add by hand. Never appends: hook scripts like to end in `exec` or `exit`.
//!
//! Nothing is remembered elsewhere: the markers alone are enough to take our
//! part out again byte for byte, whatever others did to the file meanwhile.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Image;

const FILE: &str = include_str!("../../hooks/file.sh");
const BLOCK: &str = include_str!("../../hooks/block.sh");
const BLOCK_WITH_INPUT: &str = include_str!("../../hooks/block-with-input.sh");

/// What a shim does when a dbm-git that has no verdict fails: it cannot be
/// started, say. The last word is for a closed stderr.
const CRASHED: &str = "echo \"dbm-git: failed in the @hook@ hook ($?), which is skipped\" >&2 || :";

/// The same where 1 is a verdict, and anything else a failure.
const BLOCKED_OR_CRASHED: &str = "case $? in 1) exit 1 ;; *) \
     echo \"dbm-git: failed in the @hook@ hook ($?), which is skipped\" >&2 || : ;; esac";

/// The version in the marker lines; a new one wherever a shim's text changes.
pub const SHIM_VERSION: u32 = 1;

/// How every file that is wholly ours has begun since version 1. A block in a
/// foreign file comes right after its first line, so the two can't be confused.
const OWN_HEAD: &str = "#!/bin/sh\n# This file belongs to dbm-git.\n";

/// What stays of [`OWN_HEAD`] in a file of ours that others have added lines to.
const SHEBANG: &[u8] = b"#!/bin/sh\n";

/// A hook that dbm-git listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    PostMerge,
    PostCommit,
    PostCheckout,
    PostRewrite,
    PrePush,
}

impl Hook {
    /// All of them, in the order in which they are installed and listed.
    pub const ALL: [Self; 5] =
        [Self::PostMerge, Self::PostCommit, Self::PostCheckout, Self::PostRewrite, Self::PrePush];

    /// git's name for it, which is also its file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostMerge => "post-merge",
            Self::PostCommit => "post-commit",
            Self::PostCheckout => "post-checkout",
            Self::PostRewrite => "post-rewrite",
            Self::PrePush => "pre-push",
        }
    }

    /// The hook that git calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// Whether git writes to its standard input; the others get `/dev/null`.
    pub(super) fn has_input(self) -> bool {
        matches!(self, Self::PostRewrite | Self::PrePush)
    }

    /// Whether its verdict decides. The status of `post-checkout` must not: git
    /// passes it on, so that a `git switch` that worked would seem to have failed.
    fn can_block(self) -> bool {
        self == Self::PrePush
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A path of the program that can stand in a script: absolute, UTF-8, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookProgram(String);

/// A path that cannot be baked into a hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHookProgram {
    #[error("the program's path `{}` is not absolute, and hooks run in other folders", .0.display())]
    Relative(PathBuf),
    #[error("the program's path `{}` cannot be written into a script", .0.display())]
    Unwritable(PathBuf),
}

impl HookProgram {
    /// Checks that `path` means the same wherever the hook runs.
    pub fn new(path: &Path) -> Result<Self, InvalidHookProgram> {
        if !path.is_absolute() {
            return Err(InvalidHookProgram::Relative(path.to_owned()));
        }
        match path.to_str() {
            Some(text) if !text.contains(char::is_control) => Ok(Self(text.to_owned())),
            _ => Err(InvalidHookProgram::Unwritable(path.to_owned())),
        }
    }

    /// As one word of sh.
    pub(super) fn quoted(&self) -> String {
        format!("'{}'", self.0.replace('\'', r"'\''"))
    }

    /// As a string literal of Python and JavaScript alike.
    fn string_literal(&self) -> String {
        format!("\"{}\"", self.0.replace('\\', r"\\").replace('"', "\\\""))
    }
}

/// What lies where git looks for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundHook {
    Nothing,
    File {
        image: Image,
        /// Where the path points, if it is a symlink to the file.
        link: Option<PathBuf>,
    },
    /// A folder, a dangling symlink, a socket.
    Other,
}

/// A tool that writes hook files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookManager {
    PreCommit,
    Prek,
    Lefthook,
    Husky,
    SimpleGitHooks,
    GitLfs,
}

impl HookManager {
    /// Recognises the author of a hook file by what its template always says.
    pub fn recognise(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let signs = [
            ("generated by prek", Self::Prek),
            ("generated by pre-commit", Self::PreCommit),
            ("call_lefthook", Self::Lefthook),
            ("SKIP_SIMPLE_GIT_HOOKS", Self::SimpleGitHooks),
            ("$(dirname \"$0\")/h\"", Self::Husky),
            ("$(dirname -- \"$0\")/_/husky.sh\"", Self::Husky),
            ("git lfs ", Self::GitLfs),
        ];
        signs.into_iter().find(|(sign, _)| text.contains(sign)).map(|(_, manager)| manager)
    }

    /// What it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::Prek => "prek",
            Self::Lefthook => "lefthook",
            Self::Husky => "husky",
            Self::SimpleGitHooks => "simple-git-hooks",
            Self::GitLfs => "git-lfs",
        }
    }

    /// Whether it writes its files anew when it installs, and so loses our block.
    pub fn drops_blocks(self) -> bool {
        self != Self::GitLfs
    }
}

/// Why a hook's file is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    #[error("it is a script for `{interpreter}`, not for sh or bash")]
    Interpreter { interpreter: String },
    #[error("it is a program, not a script")]
    Binary,
    #[error("its first line ends in CRLF, so that git cannot run it: it needs LF line ends")]
    CrlfShebang,
    #[error("it hands itself to another interpreter (`{line}`), which would read our lines too")]
    SecondReader { line: String },
    #[error("it is not executable, so git ignores it; making it run is not ours to decide")]
    NotExecutable,
    #[error("it is a symlink to `{}`", target.display())]
    Symlink { target: PathBuf },
    #[error("it is not a file")]
    NotAFile,
    #[error("our marker lines in it are incomplete or doubled")]
    DamagedMarkers,
}

/// What to do so that a hook's file calls dbm-git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookPlan {
    /// There is no file: write one that is wholly ours.
    Create(Image),
    /// A foreign sh script gets our block.
    AddBlock(Image),
    /// Our file or block is of another version, or calls another program.
    Update(Image),
    AlreadyCurrent,
    /// Nothing to do for us; `snippet` is what a person can add.
    Refuse {
        reason: HookRefusal,
        snippet: String,
    },
}

/// What to do so that nothing of ours is left in a hook's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookRemoval {
    /// Nothing of ours is in it.
    Absent,
    /// It was only ours.
    Delete,
    /// The bytes from before.
    Restore(Image),
    Refuse(HookRefusal),
}

/// Plans how `hook`'s file comes to call `program`.
pub fn plan_install(found: &FoundHook, hook: Hook, program: &HookProgram) -> HookPlan {
    let refuse = |reason, bytes: &[u8]| HookPlan::Refuse {
        reason,
        snippet: snippet(&interpreter(bytes), hook, program),
    };
    let (image, link) = match found {
        FoundHook::Nothing => {
            return HookPlan::Create(Image { bytes: own_file(hook, program).into(), mode: 0o755 });
        }
        FoundHook::Other => return refuse(HookRefusal::NotAFile, b""),
        FoundHook::File { image, link } => (image, link.as_deref()),
    };
    let Ok(block) = find_block(&image.bytes) else {
        return refuse(HookRefusal::DamagedMarkers, &image.bytes);
    };
    let is_own = block.as_ref().is_some_and(|block| block.is_own_file(&image.bytes));
    let is_runnable = image.mode & 0o111 != 0;
    let after = match &block {
        Some(_) if is_own => {
            Image { bytes: own_file(hook, program).into(), mode: image.mode | 0o111 }
        }
        Some(block) => with_block_at(image, block, &foreign_block(hook, program)),
        None => with_new_block(image, &foreign_block(hook, program)),
    };
    if after == *image && is_runnable {
        return HookPlan::AlreadyCurrent;
    }
    match (obstacle(image, link), block) {
        (Some(HookRefusal::NotExecutable), _) if is_own => HookPlan::Update(after),
        // Added by hand, in a language that only its author can update.
        (Some(HookRefusal::Interpreter { .. }), Some(block))
            if block.version == SHIM_VERSION && is_runnable =>
        {
            HookPlan::AlreadyCurrent
        }
        (Some(reason), _) => refuse(reason, &image.bytes),
        (None, Some(_)) => HookPlan::Update(after),
        (None, None) => HookPlan::AddBlock(after),
    }
}

/// Plans how our part leaves a hook's file.
pub fn plan_uninstall(found: &FoundHook) -> HookRemoval {
    let FoundHook::File { image, link } = found else { return HookRemoval::Absent };
    let block = match find_block(&image.bytes) {
        Ok(Some(block)) => block,
        Ok(None) => return HookRemoval::Absent,
        Err(DamagedMarkers) => return HookRemoval::Refuse(HookRefusal::DamagedMarkers),
    };
    if let Some(target) = link {
        return HookRemoval::Refuse(HookRefusal::Symlink { target: target.clone() });
    }
    if block.is_own_file(&image.bytes) {
        return HookRemoval::Delete;
    }
    HookRemoval::Restore(Image { bytes: cut(&image.bytes, &block), mode: image.mode })
}

/// How a hook's file calls dbm-git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookCall {
    Absent,
    /// Between our marker lines.
    Marked {
        /// The program in them, as far as it is written in sh.
        program: Option<PathBuf>,
    },
    /// In a line that somebody has written.
    ByHand,
    /// Nobody can say what is left of our marked lines.
    Damaged,
}

/// Whether somebody has added lines to a file of ours, which leaves early where it
/// is switched off or dbm-git is gone.
pub fn is_own_with_additions(bytes: &[u8]) -> bool {
    let found = find_block(bytes).ok().flatten();
    bytes.starts_with(OWN_HEAD.as_bytes()) && found.is_some_and(|b| !b.is_own_file(bytes))
}

/// Looks for a call of dbm-git in a hook's file.
pub fn call_in(bytes: &[u8], hook: Hook) -> HookCall {
    match find_block(bytes) {
        Ok(Some(block)) => HookCall::Marked { program: baked_in(&bytes[block.span]) },
        Ok(None) if names_us(&String::from_utf8_lossy(bytes), hook) => HookCall::ByHand,
        Ok(None) => HookCall::Absent,
        Err(DamagedMarkers) => HookCall::Damaged,
    }
}

/// Whether a line that is no comment calls `dbm-git hook <name>`, be it in sh,
/// Python, YAML or JSON.
pub fn names_us(text: &str, hook: Hook) -> bool {
    let punctuation = ['"', '\'', ',', '\\', '[', ']', '(', ')', '}', ';', '&', '|'];
    let words = |line: &str| {
        let line: String =
            line.chars().map(|c| if punctuation.contains(&c) { ' ' } else { c }).collect();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let is_comment = |line: &str| line.starts_with('#') || line.starts_with("//");
    text.lines().map(str::trim).filter(|line| !is_comment(line)).any(|line| {
        let words = words(line);
        let is_call = words.windows(2).any(|pair| pair[0] == "hook" && pair[1] == hook.name());
        is_call && line.contains("dbm-git")
    })
}

/// The program that a block of ours calls: the inverse of [`HookProgram::quoted`].
fn baked_in(block: &[u8]) -> Option<PathBuf> {
    let text = std::str::from_utf8(block).ok()?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("dbm_git='"))?;
    Some(line.strip_suffix('\'')?.replace(r"'\''", "'").into())
}

/// A line above our call after which a script may have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyEnd {
    pub line: String,
    /// Nothing decides about it: the script always ends there.
    pub is_certain: bool,
}

/// What may end a shell script before it comes to its call of dbm-git.
pub fn ends_before_us(bytes: &[u8], hook: Hook) -> Option<EarlyEnd> {
    if interpreter(bytes) != Interpreter::Shell {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let above: Vec<&str> = text
        .lines()
        .take_while(|line| marker(line.as_bytes(), ">>>").is_none() && !names_us(line, hook))
        .collect();
    // Their templates end in `exec` on each way through.
    let always = matches!(
        HookManager::recognise(bytes),
        Some(HookManager::PreCommit | HookManager::Prek | HookManager::Husky)
    );
    let template = match HookManager::recognise(bytes) {
        // Its own switch, told by the variable behind it.
        Some(HookManager::SimpleGitHooks) => above.iter().position(|line| line.trim() == "exit 0"),
        _ => None,
    };
    let above = above.iter().enumerate().filter(|(at, _)| Some(*at) != template);
    let above: Vec<&str> = above.map(|(_, line)| *line).collect();
    let end = |line: &&&str| ends_script(line.trim()) || is_husky(line);
    let certain = |line: &&str| always || !line.starts_with([' ', '\t']);
    let found = above.iter().filter(end).map(|line| (certain(line), line.trim()));
    // The first certain one says more than an earlier doubtful one.
    let (is_certain, line) = found.max_by_key(|(is_certain, _)| *is_certain)?;
    Some(EarlyEnd { line: line.to_owned(), is_certain })
}

fn ends_script(line: &str) -> bool {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("exit") => true,
        // `exec <file` and `exec 2>&1` only redirect.
        Some("exec") => words.next().is_some_and(|word| !word.contains(['<', '>'])),
        _ => false,
    }
}

/// The line with which a hook of husky ends in its dispatcher.
fn is_husky(line: &str) -> bool {
    line.trim() == ". \"$(dirname \"$0\")/h\""
}

/// The program that the kernel starts for a script, or that `env` looks for on
/// `PATH`; `None` for what has no shebang.
pub fn interpreter_of(bytes: &[u8]) -> Option<PathBuf> {
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let program = words.next()?;
    if file_name(program) == "env" {
        return words.find(|w| !w.starts_with('-') && !w.contains('=')).map(PathBuf::from);
    }
    Some(program.into())
}

/// Why git would not run a hook's file, or fail over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrunnable {
    NotAFile,
    NotExecutable,
    CrlfShebang,
}

/// What is wrong with a hook's file, whoever wrote it.
pub fn unrunnable(found: &FoundHook) -> Option<Unrunnable> {
    match found {
        FoundHook::Nothing => None,
        FoundHook::Other => Some(Unrunnable::NotAFile),
        FoundHook::File { image, .. } if image.mode & 0o111 == 0 => Some(Unrunnable::NotExecutable),
        FoundHook::File { image, .. } if interpreter(&image.bytes) == Interpreter::Crlf => {
            Some(Unrunnable::CrlfShebang)
        }
        FoundHook::File { .. } => None,
    }
}

/// Our marked lines in a file.
#[derive(Debug)]
struct Block {
    /// From the first byte of the opening marker line to the end of the closing
    /// one, its line end included where it has one.
    span: Range<usize>,
    version: u32,
}

impl Block {
    /// Whether nothing but our own head and this block is in the file.
    fn is_own_file(&self, bytes: &[u8]) -> bool {
        &bytes[..self.span.start] == OWN_HEAD.as_bytes() && self.span.end == bytes.len()
    }

    /// Whether the closing line has a line end; it has none where the file's
    /// last line had none and we had to add one before the block.
    fn is_terminated(&self, bytes: &[u8]) -> bool {
        bytes[self.span.clone()].ends_with(b"\n")
    }
}

#[derive(Debug)]
struct DamagedMarkers;

fn find_block(bytes: &[u8]) -> Result<Option<Block>, DamagedMarkers> {
    let (mut opening, mut closing) = (Vec::new(), Vec::new());
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        if let Some(version) = marker(line, ">>>") {
            opening.push((start, version));
        } else if let Some(version) = marker(line, "<<<") {
            closing.push((end, version));
        }
        start = end;
    }
    match (opening.as_slice(), closing.as_slice()) {
        ([], []) => Ok(None),
        ([(start, version)], [(end, closed)]) if start < end && version == closed => {
            Ok(Some(Block { span: *start..*end, version: *version }))
        }
        _ => Err(DamagedMarkers),
    }
}

/// The version in a marker line, be it a comment of sh, Python or JavaScript.
fn marker(line: &[u8], arrows: &str) -> Option<u32> {
    let text = std::str::from_utf8(line.trim_ascii()).ok()?;
    let text = text.strip_prefix("# ").or_else(|| text.strip_prefix("// "))?;
    text.strip_prefix(arrows)?
        .strip_prefix(" dbm-git hook v")?
        .strip_suffix(arrows)?
        .strip_suffix(' ')?
        .parse()
        .ok()
}

/// Replaces `block` where it stands: its owner may have moved it.
fn with_block_at(image: &Image, block: &Block, text: &str) -> Image {
    let text = if block.is_terminated(&image.bytes) { text } else { text.trim_end() };
    let before = &image.bytes[..block.span.start];
    // Someone added lines to a file of ours; now it is theirs.
    let before = if before == OWN_HEAD.as_bytes() { SHEBANG } else { before };
    let bytes = [before, text.as_bytes(), &image.bytes[block.span.end..]].concat();
    Image { bytes, mode: image.mode }
}

/// Puts the block right after the shebang line, or at the top without one.
fn with_new_block(image: &Image, text: &str) -> Image {
    let bytes = image.bytes.as_slice();
    let newline = bytes.iter().position(|byte| *byte == b'\n');
    let bytes = match (bytes.starts_with(b"#!"), newline) {
        (false, _) => [text.as_bytes(), bytes].concat(),
        (true, Some(at)) => [&bytes[..=at], text.as_bytes(), &bytes[at + 1..]].concat(),
        (true, None) => [bytes, "\n".as_bytes(), text.trim_end().as_bytes()].concat(),
    };
    Image { bytes, mode: image.mode }
}

/// The file without the block: the inverse of [`with_new_block`].
fn cut(bytes: &[u8], block: &Block) -> Vec<u8> {
    let before = &bytes[..block.span.start];
    let before = if before == OWN_HEAD.as_bytes() {
        SHEBANG
    } else if block.is_terminated(bytes) {
        before
    } else {
        before.strip_suffix(b"\n").unwrap_or(before)
    };
    [before, &bytes[block.span.end..]].concat()
}

/// Who reads a script.
#[derive(Debug, PartialEq, Eq)]
enum Interpreter {
    /// sh, bash or dash; git runs text without a shebang through sh too.
    Shell,
    /// Its shebang line ends in CRLF; the kernel takes the CR for a part of the name.
    Crlf,
    Binary,
    Other(String),
}

fn interpreter(bytes: &[u8]) -> Interpreter {
    if bytes.contains(&0) {
        return Interpreter::Binary;
    }
    let Some(rest) = bytes.strip_prefix(b"#!") else { return Interpreter::Shell };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return Interpreter::Crlf;
    }
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace().map(file_name);
    let program = match words.next() {
        Some("env") => words.find(|word| *word != "-S" && !word.contains('=')),
        first => first,
    };
    match program {
        Some("sh" | "bash" | "dash") => Interpreter::Shell,
        other => Interpreter::Other(other.unwrap_or_default().to_owned()),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What keeps us from editing the file.
fn obstacle(image: &Image, link: Option<&Path>) -> Option<HookRefusal> {
    if let Some(target) = link {
        return Some(HookRefusal::Symlink { target: target.to_owned() });
    }
    match interpreter(&image.bytes) {
        Interpreter::Binary => return Some(HookRefusal::Binary),
        Interpreter::Crlf => return Some(HookRefusal::CrlfShebang),
        Interpreter::Other(interpreter) => return Some(HookRefusal::Interpreter { interpreter }),
        Interpreter::Shell => {}
    }
    if image.mode & 0o111 == 0 {
        return Some(HookRefusal::NotExecutable);
    }
    second_reader(&image.bytes).map(|line| HookRefusal::SecondReader { line })
}

/// The line with which a script for two interpreters names itself to the second:
/// `'''exec' /opt/python "$0" "$@"` (pip's launchers), `exec wish "$0"`, perl's `eval 'exec …'`.
fn second_reader(bytes: &[u8]) -> Option<String> {
    let is = |word: &str, wanted| word.trim_matches(['\'', '"', '{', '}', ';']) == wanted;
    String::from_utf8_lossy(bytes)
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .find(|line| {
            let mut words = line.split_whitespace();
            words.any(|word| is(word, "exec")) && words.any(|word| is(word, "$0"))
        })
        .map(str::to_owned)
}

fn own_file(hook: Hook, program: &HookProgram) -> String {
    fill(FILE, hook, program)
}

fn foreign_block(hook: Hook, program: &HookProgram) -> String {
    fill(if hook.has_input() { BLOCK_WITH_INPUT } else { BLOCK }, hook, program)
}

fn fill(template: &str, hook: Hook, program: &HookProgram) -> String {
    // Whoever feeds us (git, or a manager that moved us to `*.legacy`) must not
    // find a closed pipe because we had nothing to do.
    let leave = if hook.has_input() { "cat >/dev/null\n  exit 0" } else { "exit 0" };
    template
        .replace("@leave@", leave)
        .replace("@failed@", if hook.can_block() { BLOCKED_OR_CRASHED } else { CRASHED })
        .replace("@hook@", hook.name())
        // Last, so that nothing in the path is taken for a placeholder.
        .replace("@binary@", &program.quoted())
}

/// What a person can add to a file that we leave alone.
fn snippet(interpreter: &Interpreter, hook: Hook, program: &HookProgram) -> String {
    match interpreter {
        Interpreter::Other(name) if name.starts_with("python") => python_snippet(hook, program),
        Interpreter::Other(name) if name == "node" => node_snippet(hook, program),
        Interpreter::Other(name) if !name.ends_with("sh") => command(hook, program),
        Interpreter::Binary => command(hook, program),
        _ => foreign_block(hook, program),
    }
}

fn command(hook: Hook, program: &HookProgram) -> String {
    format!("{} hook {hook} \"$@\"\n", program.quoted())
}

fn python_snippet(hook: Hook, program: &HookProgram) -> String {
    let program = program.string_literal();
    let input = if hook.has_input() { "input=dbm_git_input, " } else { "" };
    let mut body = "import io, os, subprocess, sys\n".to_owned();
    if hook.has_input() {
        body += "dbm_git_input = sys.stdin.buffer.read()\n\
                 sys.stdin = io.TextIOWrapper(io.BytesIO(dbm_git_input))\n";
    }
    body += &format!(
        "if (os.environ.get(\"DBM_GIT\") != \"0\" and not os.environ.get(\"DBM_GIT_IN_HOOK\")\n\
         \x20       and os.path.exists({program})):\n\
         \x20   dbm_git = subprocess.run([{program}, \"hook\", \"{hook}\", *sys.argv[1:]],\n\
         \x20       {input}env={{**os.environ, \"DBM_GIT_IN_HOOK\": \"1\"}})\n"
    );
    if hook.can_block() {
        body += "    if dbm_git.returncode == 1: sys.exit(1)\n";
    }
    marked("#", &body)
}

/// Standard input can be read only once there: the rest of the script has to
/// take `dbmGitInput` instead.
fn node_snippet(hook: Hook, program: &HookProgram) -> String {
    let program = program.string_literal();
    let input = if hook.has_input() { "input: dbmGitInput, " } else { "" };
    let mut body = String::new();
    if hook.has_input() {
        body += "const dbmGitInput = require(\"node:fs\").readFileSync(0);\n";
    }
    body += &format!(
        "if (process.env.DBM_GIT !== \"0\" && !process.env.DBM_GIT_IN_HOOK) {{\n\
         \x20 const dbmGit = require(\"node:child_process\").spawnSync({program},\n\
         \x20   [\"hook\", \"{hook}\", ...process.argv.slice(2)],\n\
         \x20   {{ {input}stdio: [\"pipe\", \"inherit\", \"inherit\"],\n\
         \x20     env: {{ ...process.env, DBM_GIT_IN_HOOK: \"1\" }} }});\n"
    );
    if hook.can_block() {
        body += "  if (dbmGit.status === 1) process.exit(1);\n";
    }
    body += "}\n";
    marked("//", &body)
}

fn marked(comment: &str, body: &str) -> String {
    format!(
        "{comment} >>> dbm-git hook v{SHIM_VERSION} >>>\n{body}\
         {comment} <<< dbm-git hook v{SHIM_VERSION} <<<\n"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKED: &str = "# >>> dbm-git hook v1 >>>\n# <<< dbm-git hook v1 <<<\n";

    fn program(path: &str) -> HookProgram {
        HookProgram::new(Path::new(path)).expect("a path that can be baked in")
    }

    fn ours() -> HookProgram {
        program("/opt/dbm-git")
    }

    fn file(bytes: impl Into<Vec<u8>>, mode: u32) -> FoundHook {
        FoundHook::File { image: Image { bytes: bytes.into(), mode }, link: None }
    }

    fn script(text: &str) -> FoundHook {
        file(text, 0o755)
    }

    /// The text after installing, which must be a change.
    #[track_caller]
    fn installed(found: &FoundHook, hook: Hook) -> String {
        match plan_install(found, hook, &ours()) {
            HookPlan::Create(image) | HookPlan::AddBlock(image) | HookPlan::Update(image) => {
                String::from_utf8(image.bytes).expect("utf-8")
            }
            other => panic!("not a change: {other:?}"),
        }
    }

    #[track_caller]
    fn refusal(found: &FoundHook) -> (String, String) {
        match plan_install(found, Hook::PrePush, &ours()) {
            HookPlan::Refuse { reason, snippet } => (reason.to_string(), snippet),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[track_caller]
    fn check_block_goes_after(before: &str, rest: &str) {
        let block = foreign_block(Hook::PostMerge, &ours());
        let text = format!("{before}{rest}");
        let plan = plan_install(&script(&text), Hook::PostMerge, &ours());
        let bytes = format!("{before}{block}{rest}").into_bytes();
        assert_eq!(plan, HookPlan::AddBlock(Image { bytes, mode: 0o755 }));
    }

    #[test]
    fn without_a_file_there_will_be_an_executable_one_that_ends_by_calling_us() {
        for hook in Hook::ALL {
            let HookPlan::Create(image) = plan_install(&FoundHook::Nothing, hook, &ours()) else {
                panic!("not created");
            };
            let text = String::from_utf8(image.bytes.clone()).expect("utf-8");
            assert_eq!(image.mode, 0o755);
            assert!(text.starts_with(OWN_HEAD), "{text}");
            let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            let call = format!("\"$dbm_git\" hook {hook} \"$@\" || ");
            assert!(commands.last().is_some_and(|last| last.starts_with(&call)), "{text}");
            assert_eq!(plan_uninstall(&script(&text)), HookRemoval::Delete);
        }
    }

    #[test]
    fn no_placeholder_is_left_and_every_shim_carries_the_current_version() {
        for hook in Hook::ALL {
            for text in [own_file(hook, &ours()), foreign_block(hook, &ours())] {
                for name in ["@hook@", "@binary@", "@failed@", "@leave@"] {
                    assert!(!text.contains(name), "{text}");
                }
                let block = find_block(text.as_bytes()).expect("whole").expect("marked");
                assert_eq!(block.version, SHIM_VERSION);
            }
        }
    }

    #[test]
    fn the_block_comes_right_after_the_shebang_of_any_sh() {
        for line in [
            "#!/bin/sh\n",
            "#! /usr/bin/bash -eu\n",
            "#!/bin/dash\n",
            "#!/usr/bin/env sh\n",
            "#!/usr/bin/env -S LANG=C bash -e\n",
        ] {
            check_block_goes_after(line, "exec true\n");
            check_block_goes_after(line, "");
        }
    }

    #[test]
    fn text_without_a_shebang_is_run_by_sh_and_gets_the_block_on_top() {
        check_block_goes_after("", "echo hello\nexit 0\n");
        check_block_goes_after("", "echo hello\r\nexit 0\r\n");
        check_block_goes_after("", "");
    }

    #[test]
    fn a_foreign_hook_keeps_its_mode() {
        let plan = plan_install(&file("#!/bin/sh\n", 0o700), Hook::PostMerge, &ours());
        assert!(matches!(plan, HookPlan::AddBlock(Image { mode: 0o700, .. })), "{plan:?}");
    }

    #[test]
    fn only_pre_push_hands_on_our_verdict() {
        for hook in Hook::ALL {
            for text in [own_file(hook, &ours()), foreign_block(hook, &ours())] {
                assert_eq!(text.contains("1) exit 1 ;;"), hook == Hook::PrePush, "{text}");
                assert!(text.contains(&format!("failed in the {hook} hook")), "{text}");
            }
        }
    }

    #[test]
    fn installing_again_changes_nothing() {
        for hook in Hook::ALL {
            for found in [FoundHook::Nothing, script("#!/bin/sh\nexit 0\n"), script("")] {
                let once = installed(&found, hook);
                let again = plan_install(&script(&once), hook, &ours());
                assert_eq!(again, HookPlan::AlreadyCurrent, "{once}");
            }
        }
    }

    #[test]
    fn an_outdated_block_is_updated_where_it_stands() {
        let text = format!("#!/bin/sh\nPATH=/x\n{MARKED}exit 0\n");
        let block = foreign_block(Hook::PostCommit, &ours());
        let expected = format!("#!/bin/sh\nPATH=/x\n{block}exit 0\n");
        assert_eq!(installed(&script(&text), Hook::PostCommit), expected);
    }

    #[test]
    fn a_moved_program_is_an_update_of_our_file() {
        let old = own_file(Hook::PrePush, &program("/old/dbm-git"));
        let new = Image { bytes: own_file(Hook::PrePush, &ours()).into(), mode: 0o755 };
        for mode in [0o755, 0o644] {
            let plan = plan_install(&file(old.clone(), mode), Hook::PrePush, &ours());
            assert_eq!(plan, HookPlan::Update(new.clone()));
        }
    }

    #[test]
    fn lines_that_others_added_to_our_file_outlive_us() {
        let text = format!("{}git lfs post-merge\n", own_file(Hook::PostMerge, &ours()));
        let updated = installed(&script(&text), Hook::PostMerge);
        let block = foreign_block(Hook::PostMerge, &ours());
        assert_eq!(updated, format!("#!/bin/sh\n{block}git lfs post-merge\n"));
        let rest = Image { bytes: b"#!/bin/sh\ngit lfs post-merge\n".to_vec(), mode: 0o755 };
        for text in [text, updated] {
            assert_eq!(plan_uninstall(&script(&text)), HookRemoval::Restore(rest.clone()));
        }
    }

    #[test]
    fn a_program_path_with_quotes_and_placeholders_is_one_word_of_sh() {
        let text = own_file(Hook::PostMerge, &program("/it's/@hook@/@leave@/dbm git"));
        assert!(text.contains("dbm_git='/it'\\''s/@hook@/@leave@/dbm git'\n"), "{text}");
    }

    #[test]
    fn a_program_path_must_mean_the_same_everywhere() {
        for path in ["dbm-git", "target/dbm-git", "/a\nb"] {
            assert!(HookProgram::new(Path::new(path)).is_err(), "{path}");
        }
    }

    #[test]
    fn what_we_cannot_edit_is_refused_with_a_reason() {
        let check = |found: FoundHook, reason: &str| assert_eq!(refusal(&found).0, reason);
        check(
            script("#!/usr/bin/env python3\n"),
            "it is a script for `python3`, not for sh or bash",
        );
        check(file(b"\x7fELF\0".to_vec(), 0o755), "it is a program, not a script");
        check(
            script("#!/bin/sh\r\nexit 0\r\n"),
            "its first line ends in CRLF, so that git cannot run it: it needs LF line ends",
        );
        check(
            file("#!/bin/sh\n", 0o644),
            "it is not executable, so git ignores it; making it run is not ours to decide",
        );
        check(FoundHook::Other, "it is not a file");
        check(
            script("#!/bin/sh\n'''exec' /opt/python \"$0\" \"$@\"\n' '''\nimport sys\n"),
            "it hands itself to another interpreter (`'''exec' /opt/python \"$0\" \"$@\"`), \
             which would read our lines too",
        );
    }

    #[test]
    fn incomplete_or_doubled_markers_are_nobodys_to_guess() {
        let reversed = "# <<< dbm-git hook v1 <<<\n# >>> dbm-git hook v1 >>>\n";
        let mixed = "# >>> dbm-git hook v1 >>>\n# <<< dbm-git hook v2 <<<\n";
        let doubled = format!("{MARKED}{MARKED}");
        for text in ["# >>> dbm-git hook v1 >>>\n", reversed, mixed, &doubled] {
            let found = script(&format!("#!/bin/sh\n{text}"));
            assert_eq!(refusal(&found).0, "our marker lines in it are incomplete or doubled");
            let damaged = HookRemoval::Refuse(HookRefusal::DamagedMarkers);
            assert_eq!(plan_uninstall(&found), damaged);
        }
    }

    #[test]
    fn a_symlink_is_left_alone_until_its_target_carries_the_block() {
        let linked = |text: &str| FoundHook::File {
            image: Image { bytes: text.into(), mode: 0o755 },
            link: Some("../../pre-push.sh".into()),
        };
        let (reason, snippet) = refusal(&linked("#!/bin/sh\nexit 0\n"));
        assert_eq!(reason, "it is a symlink to `../../pre-push.sh`");
        let by_hand = linked(&format!("#!/bin/sh\n{snippet}exit 0\n"));
        assert_eq!(plan_install(&by_hand, Hook::PrePush, &ours()), HookPlan::AlreadyCurrent);
        assert!(matches!(plan_uninstall(&by_hand), HookRemoval::Refuse(_)));
    }

    #[test]
    fn a_snippet_added_by_hand_is_recognised_and_can_be_taken_out() {
        for shebang in ["#!/usr/bin/python3\n", "#!/usr/bin/env node\n"] {
            let (_, snippet) = refusal(&script(shebang));
            let added = script(&format!("{shebang}{snippet}print(1)\n"));
            assert_eq!(plan_install(&added, Hook::PrePush, &ours()), HookPlan::AlreadyCurrent);
            let rest = Image { bytes: format!("{shebang}print(1)\n").into(), mode: 0o755 };
            assert_eq!(plan_uninstall(&added), HookRemoval::Restore(rest));
        }
    }

    #[test]
    fn a_snippet_is_in_the_language_of_the_hook() {
        let snippet = |shebang: &str| refusal(&script(shebang)).1;
        assert!(snippet("#!/usr/bin/python3\n").contains("subprocess.run([\"/opt/dbm-git\", "));
        assert!(snippet("#!/usr/bin/env node\n").contains("spawnSync(\"/opt/dbm-git\","));
        assert_eq!(snippet("#!/bin/zsh\n"), foreign_block(Hook::PrePush, &ours()));
        assert_eq!(snippet("#!/usr/bin/perl\n"), "'/opt/dbm-git' hook pre-push \"$@\"\n");
    }

    #[test]
    fn the_authors_of_hooks_are_recognised_by_their_templates() {
        for (text, expected) in [
            ("# File generated by pre-commit: https://pre-commit.com\n", "pre-commit"),
            ("# File generated by prek: https://github.com/j178/prek\n", "prek"),
            ("call_lefthook run \"pre-push\" \"$@\"\n", "lefthook"),
            (". \"$(dirname \"$0\")/h\"\n", "husky"),
            ("if [ \"$SKIP_SIMPLE_GIT_HOOKS\" = \"1\" ]; then\n", "simple-git-hooks"),
            ("git lfs pre-push \"$@\"\n", "git-lfs"),
        ] {
            let found = HookManager::recognise(format!("#!/bin/sh\n{text}").as_bytes());
            assert_eq!(found.map(HookManager::name), Some(expected));
        }
        assert_eq!(HookManager::recognise(b"#!/bin/sh\nmake lint\n"), None);
    }

    /// Texts such as hooks are made of, with any line ends, with and without a
    /// last one, also empty, also not UTF-8.
    fn hook_text() -> impl Strategy<Value = Vec<u8>> {
        let first = prop::sample::select(vec!["#!/bin/sh", "#!/usr/bin/env bash", "", ":"]);
        let line = prop_oneof![
            Just(b"exit 0".to_vec()),
            Just(OWN_HEAD.trim_end().as_bytes().to_vec()),
            Just(b"exec true \"$@\"".to_vec()),
            prop::collection::vec(1u8.., 0..20),
        ];
        let end = prop::sample::select(vec!["\n", "\r\n", ""]);
        let first_end = prop::sample::select(vec!["\n", ""]);
        (first, first_end, prop::collection::vec((line, end), 0..6)).prop_map(
            |(first, first_end, lines)| {
                let mut text = [first, first_end].concat().into_bytes();
                for (line, end) in &lines {
                    text.extend_from_slice(line);
                    text.extend_from_slice(end.as_bytes());
                }
                text
            },
        )
    }

    proptest! {
        #[test]
        fn uninstalling_restores_what_installing_found(
            text in hook_text(),
            hook in prop::sample::select(Hook::ALL.to_vec()),
        ) {
            let before = Image { bytes: text, mode: 0o755 };
            let found = FoundHook::File { image: before.clone(), link: None };
            let HookPlan::AddBlock(first) = plan_install(&found, hook, &ours()) else {
                // `#!/bin/sh` that runs into the next line is no sh.
                prop_assert!(obstacle(&before, None).is_some());
                return Ok(());
            };
            let found = FoundHook::File { image: first, link: None };
            prop_assert_eq!(plan_install(&found, hook, &ours()), HookPlan::AlreadyCurrent);
            prop_assert_eq!(plan_uninstall(&found), HookRemoval::Restore(before.clone()));
            let moved = plan_install(&found, hook, &program("/elsewhere/dbm-git"));
            let HookPlan::Update(image) = moved else { panic!("{moved:?}") };
            let found = FoundHook::File { image, link: None };
            prop_assert_eq!(plan_uninstall(&found), HookRemoval::Restore(before));
        }

        #[test]
        fn arbitrary_marker_lines_are_survived(parts in prop::collection::vec(
            prop::sample::select(vec![
                "#!/bin/sh\n", "# >>> dbm-git hook v1 >>>\n", "# <<< dbm-git hook v1 <<<\n",
                "# >>> dbm-git hook v1 >>>", "# <<< dbm-git hook v1 <<<", "\r\n", "x\n",
            ]),
            0..6,
        )) {
            let found = script(&parts.concat());
            if let HookRemoval::Restore(image) = plan_uninstall(&found) {
                let left = FoundHook::File { image, link: None };
                prop_assert_eq!(plan_uninstall(&left), HookRemoval::Absent);
            }
            let plan = plan_install(&found, Hook::PostMerge, &ours());
            prop_assert!(!matches!(plan, HookPlan::Create(_)));
        }
    }
}
