//! Proof that the twin's two inner crates need no operating system.
//!
//! This library brings its own panic handler and its own allocator. If `at`, `modem` or anything below them links `std`,
//! there are two panic handlers and the build fails. It also drives a module, so that the code really is linked.
#![no_std]

extern crate alloc;
#[cfg(feature = "std-on-purpose")]
extern crate std;

mod arena;

use core::panic::PanicInfo;

use modemtwin_at as _;
use modemtwin_modem::{Input, LineId, Modem, Output, Setup, Time};

#[global_allocator]
static ARENA: arena::Arena = arena::Arena::new();

#[panic_handler]
fn halt(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Switches a module on, sends it `AT` and returns how many bytes it has written, boot messages included.
#[unsafe(no_mangle)]
pub extern "C" fn no_std_probe() -> usize {
    let mut modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
    let mut written = drain(&mut modem);
    modem.handle(Time(10), Input::Line { line: LineId(0), bytes: b"AT\r" });
    written += drain(&mut modem);
    written
}

fn drain(modem: &mut Modem) -> usize {
    let mut written = 0;
    while let Some(output) = modem.poll_output() {
        if let Output::Write { bytes, .. } = output {
            written += bytes.len();
        }
    }
    written
}
