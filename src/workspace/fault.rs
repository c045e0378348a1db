//! Places at which a test can have the process die, as a crash would have it.
//! Compiled only with the feature `fault-points`; an empty function otherwise.

/// Aborts the process if `DBM_GIT_FAULT` is `n` and this is the n-th point passed (from 1).
#[cfg(feature = "fault-points")]
#[expect(clippy::disallowed_methods, reason = "crash tests steer this, and nothing else")]
pub fn point(name: &str) {
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static DEADLY: OnceLock<Option<u64>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let deadly = DEADLY.get_or_init(|| std::env::var("DBM_GIT_FAULT").ok()?.parse().ok());
    let passed = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if *deadly == Some(passed) {
        // The name is for whoever looks at a failed crash test.
        let _ = writeln!(std::io::stderr(), "dying at fault point {passed} (`{name}`)");
        std::process::abort();
    }
}

/// Does nothing: this build cannot be told to die.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub fn point(_name: &str) {}
