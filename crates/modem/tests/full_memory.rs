//! A message that found its memory full comes when the next one has room, whatever made it so.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{AIR724UG, MessageCapacity, Profile, Setup};
use testkit::VirtualStage;
use transcript::{Bindings, Runner, Transcript};

const SMALL: Profile = Profile { message_capacity: MessageCapacity { card: 1, module: 1 }, ..AIR724UG };

const CONVERSATION: &str = "\
> ATE0
< OK
@echo off
> AT+CPMS=\"ME\",\"ME\",\"ME\"
< +CPMS: 0,1,0,1,0,1
< OK
@sms deliver from 10086 \"one\"
< +CMTI: \"ME\",1
@sms deliver from 10086 \"two\"
@silence 5s
# After a restart what comes in goes to the card again.
> AT+RESET
< OK
< RDY
< ^MODE: 17,17
< +E_UTRAN Service
< +CGEV: ME PDN ACT 5
< +CMTI: \"SM\",1
< +NITZ: {*}
";

#[test]
fn a_restart_that_leads_to_another_memory_makes_room() {
    let transcript = Transcript::parse("full", CONVERSATION).unwrap();
    let setup = Setup { profile: &SMALL, ..Setup::new(0, 1, 1_600_000_000_000) };
    let mut stage = VirtualStage::with_setup(setup);
    let bindings = Bindings::new();
    Runner::new(&bindings).run(&mut stage, &transcript).unwrap();
}
