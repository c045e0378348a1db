//! `doctor`: everything that has to be in place, looked at one by one, and each
//! thing that is not right with what mends it. Looking changes nothing;
//! [`fix`] mends what needs no decision of anybody.

mod fix;
mod hooks;
mod look;

pub use crate::plan::{Checkup, CheckupState, Fix, Mend};
pub use fix::{Fixed, fix};
pub use hooks::hook_checkups;
pub use look::{DoctorOutcome, doctor};
