//! Peers, the world and power, seen through a module.

use modemtwin_testkit::check_str;

/// A module whose bearer is up, with echo off.
const UP: &str = "\
> ATE0
< OK
@echo off
> AT+CIPMUX={mux}
< OK
> AT+CSTT
< OK
> AT+CIICR
< OK
> AT+CIFSR
< {ip}
";

#[track_caller]
fn plays(mux: u8, text: &str) {
    if let Err(failures) = check_str(&format!("@set mux {mux}\n{UP}{text}")) {
        panic!("{failures}");
    }
}

#[track_caller]
fn fails(mux: u8, text: &str, says: &str) {
    let failures = check_str(&format!("@set mux {mux}\n{UP}{text}")).expect_err(text).to_string();
    assert!(failures.contains(says), "{failures}");
}

const CONNECTED: &str = "\
> AT+CIPSTART=TCP,example.com,80
< OK
@peer expect-connect tcp example.com 80
@peer expect-tls none
@peer accept 192.0.2.7:80
< CONNECT OK
";

#[test]
fn a_connection_carries_data_both_ways_and_the_peer_closes() {
    plays(
        0,
        &format!(
            "{CONNECTED}> AT+CIPSEND=5\n<prompt\n>raw 5 \"hello\"\n< SEND OK\n@peer expect last\n\
             @peer send \"world\"\n<data \"world\"\n<< \\r\\n\n@peer close\n< CLOSED\n"
        ),
    );
}

#[test]
fn what_the_peer_received_has_to_be_asked_for() {
    let sends = format!("{CONNECTED}> AT+CIPSEND=5\n<prompt\n>raw 5 \"hello\"\n< SEND OK\n");
    fails(0, &sends, "connection 1 received more than any @peer expect asks for");
    fails(0, &format!("{sends}@peer expect \"help\"\n"), "connection 1 received something else");
    fails(0, &format!("{sends}@peer expect \"hello!\"\n"), "connection 1 received too little within 200s");
    plays(0, &format!("{sends}@rest any\n"));
}

#[test]
fn more_than_the_module_grants_arrives_in_the_end() {
    // In segments of 1460 bytes, each followed by CR LF.
    plays(
        0,
        &format!(
            "{CONNECTED}@peer send-bytes 70000 count-up\n<data bytes 1460 count-up\n<< \\r\\n\n<any 68634\n"
        ),
    );
}

#[test]
fn connects_are_expected_as_they_were_asked_for() {
    let asks = "> AT+CIPSTART=TCP,example.com,80\n< OK\n";
    fails(0, &format!("{asks}@peer expect-connect udp example.com 80\n"), "asked for in another way");
    fails(0, &format!("{asks}@peer expect-tls version=4\n"), "asked for in another way");
    fails(0, asks, "connection 1 was never answered");
    fails(0, "@within 1s\n@peer accept\n", "no connect waits for an answer within 1s");
}

#[test]
fn tls_requests_are_seen_field_by_field() {
    plays(
        0,
        "> AT+CIPSSL=1\n< OK\n> AT+SSLCFG=\"seclevel\",0,1\n< OK\n> AT+SSLCFG=\"cacert\",0,\"ca.crt\"\n< OK\n\
         > AT+SSLCFG=\"ciphersuite\",0,0X0035\n< OK\n> AT+SSLCFG=\"negotiatetimeout\",0,10\n< OK\n\
         > AT+CIPSTART=TCP,example.com,443\n< OK\n\
         @peer expect-tls context=0 version=4 suites=0035 seclevel=1 cacert=ca.crt clientcert=none clientkey=none\n\
         @peer expect-tls verifymode=0 hostname=none host=example.com ignorelocaltime=0 clientrandom=none premaster=none\n\
         @peer expect-tls negotiatetimeout=10\n\
         @peer tls-timeout\n@silence 9s\n@within 1s\n< STATE: IP STATUS\n< CONNECT FAIL\n",
    );
}

#[test]
fn several_connections_are_told_apart() {
    plays(
        1,
        "> AT+CIPSTART=0,TCP,a.example,1\n< OK\n> AT+CIPSTART=1,TCP,b.example,2\n< OK\n\
         @peer 2 accept\n< 1, CONNECT OK\n@peer 1 refuse\n< 0, CONNECT FAIL\n\
         @peer 2 send \"x\"\n<< \\r\\n+RECEIVE,1,1:\\r\\nx\n\
         > AT+CIPCLOSE=1,1\n@peer 2 expect-close quick\n< 1, CLOSE OK\n",
    );
}

#[test]
fn scripted_names_fail_by_themselves() {
    plays(
        0,
        "@dns gone.example fails\n> AT+CIPSTART=TCP,gone.example,80\n< OK\n< STATE: IP STATUS\n< CONNECT FAIL\n",
    );
}

#[test]
fn losing_the_bearer_and_the_module_are_world_steps() {
    plays(
        0,
        &format!(
            "{CONNECTED}@world bearer lost\n< +CGEV: NW PDN DEACT 5\n< +PDP: DEACT\n@peer expect-close\n"
        ),
    );
    plays(0, &format!("{CONNECTED}@restart\n@echo on\n> AT\n< OK\n"));
}

#[test]
fn the_module_is_switched_off_and_on() {
    check_str("> AT+CPOWD=1\n< NORMAL POWER DOWN\n@power off\n>> AT\\r\n@silence 5s\n@world power-key\n@wait 60s\n@rest any\n")
        .unwrap();
    let failures = check_str("> AT\n< OK\n@within 1s\n@power off\n").unwrap_err().to_string();
    assert!(failures.contains("has not switched itself off within 1s"), "{failures}");
}

#[test]
fn cold_boots_belong_to_the_conversation() {
    check_str("@boot cold\n@rest any\n> AT\n").unwrap_err();
    check_str("> AT\n< OK\n@restart cold\n@wait 60s\n@rest any\n").unwrap();
    check_str("@module card none\n> AT+CPIN?\n< +CME ERROR: 10\n").unwrap();
}
