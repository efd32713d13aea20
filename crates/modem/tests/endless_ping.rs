//! AT+CIPPING=<host>,0: echoes without end, which only some firmwares have, until the bearer goes away.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{AIR724UG, Profile, Setup};
use testkit::VirtualStage;
use transcript::{Bindings, Runner, Transcript};

const SIBLING: Profile = Profile { endless_ping: true, ..AIR724UG };

const CONVERSATION: &str = "\
> ATE0
< OK
@echo off
> AT+CSTT;+CIICR;+CIFSR
< {ip}
> AT+CIPPING=192.0.2.8,0,32,10
< +CIPPING: 1,\"192.0.2.8\",600,255
@wait 199s
<any 6859
@world bearer lost
< ERROR
@rest any
";

#[test]
fn echoes_without_end_go_on_until_the_bearer_is_lost() {
    let transcript = Transcript::parse("endless", CONVERSATION).unwrap();
    let setup = Setup { profile: &SIBLING, ..Setup::new(0, 1, 1_600_000_000_000) };
    let mut stage = VirtualStage::with_setup(setup);
    let bindings = Bindings::new();
    Runner::new(&bindings).run(&mut stage, &transcript).unwrap();
}
