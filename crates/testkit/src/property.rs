//! Helpers for property tests.

use std::time::Duration;

use modem::Setup;
use transcript::{PowerOn, Stage, StageError};

use crate::stage::VirtualStage;

/// How much time passes after the last byte; longer than any command may take.
const REST: Duration = Duration::from_secs(700);

/// Everything that a module says on its first line after boot when the host sends `bytes`, cut before each index in
/// `cuts` (in any order; indices behind the end do not matter). All bytes come at one moment; then connects are refused and
/// enough time passes for every command to end. The answer may not depend on `cuts`.
///
/// ```
/// use modem::Setup;
/// use modemtwin_testkit::answers;
///
/// let setup = Setup::new(0, 1, 1_600_000_000_000);
/// assert_eq!(answers(&setup, b"AT\r", &[1])?, b"AT\r\r\nOK\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The module broke a rule of its boundary.
pub fn answers(setup: &Setup, bytes: &[u8], cuts: &[usize]) -> Result<Vec<u8>, StageError> {
    let mut stage = VirtualStage::with_setup(setup.clone());
    stage.power_on(&PowerOn { settings: &[], lines: 1, cold: false })?;
    let mut cuts: Vec<usize> = cuts.iter().copied().filter(|&cut| cut < bytes.len()).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut start = 0;
    for cut in cuts {
        stage.send(0, &bytes[start..cut])?;
        start = cut;
    }
    let mut passed = Duration::ZERO;
    while passed < REST {
        stage.refuse_connects()?;
        passed += stage.wait(REST - passed)?;
    }
    let mut said = Vec::new();
    stage.receive(0, &mut said)?;
    Ok(said)
}
