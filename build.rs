//! Links the program so that it starts faster: git runs it forty times a day, and a start
//! costs more than what most runs then do.
#![expect(clippy::disallowed_methods, reason = "a build script reads what cargo tells, and writes")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Packagers whose policy is that programs lie wherever the kernel puts them set it.
const PIE: &str = "DBM_GIT_PIE";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={PIE}");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // What is linked without libraries is linked in a way of its own.
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") != "linux" || target("ENV") != "gnu" || is_static {
        return;
    }
    if env::var_os(PIE).is_none() {
        link_in_place();
    }
    // What links for another machine knows its libraries, this one may not.
    if env::var("TARGET") == env::var("HOST") && has_static_unwinder() {
        let folder = env::var("OUT_DIR").expect("cargo sets it");
        link_unwinder(Path::new(&folder)).expect("cargo made this folder for us to write to");
    }
}

/// Has the program itself lie at the same place each time, as Go's programs do: of eleven
/// thousand addresses in its tables none has to be written anew at every start, and none
/// of their pages copied for that. Libraries, heap and stack lie anywhere as before.
fn link_in_place() {
    println!("cargo:rustc-link-arg-bins=-no-pie");
}

/// Has the unwinder linked in. As a library it costs every start the opening of one
/// more file, and its constructor asks the processor for its features, which in a
/// virtual machine each time leads out of that.
fn link_unwinder(folder: &Path) -> std::io::Result<()> {
    // The standard library links `gcc_s`, and this is what the linker finds by that name.
    fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo:rustc-link-arg-bins=-L{}", folder.display());
    Ok(())
}

/// Whether the linker has the parts of gcc as archives.
fn has_static_unwinder() -> bool {
    ["libgcc_eh.a", "libgcc.a"].iter().all(|name| {
        let found = Command::new("cc").arg(format!("-print-file-name={name}")).output();
        // What is not found is printed as it was asked for.
        found.is_ok_and(|found| String::from_utf8_lossy(&found.stdout).trim() != *name)
    })
}
