//! The words of `--help` that are no option's: exit codes and examples.

use clap::builder::styling::{AnsiColor, Styles};

pub(super) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  it did what it was asked to do; `run` and `lab`: it was stopped by SIGINT
     or SIGTERM, or `run` had no line left
  1  it failed; the last line on standard error says why
  2  the command line is wrong";

pub(super) const MAIN_EXAMPLES: &str = "\
Try it:
  modemtwin demo    the whole mutual-TLS session, in a few seconds
  modemtwin lab     servers to connect to, and the AT lines for them
  modemtwin run     a module at ./modem0; then `picocom ./modem0`
";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  modemtwin run
      one module at the PTY ./modem0; type `picocom ./modem0`, then AT
  modemtwin run --pty /tmp/ttyLTE --state ./state
      where your driver looks for it, with its files kept beside you
  modemtwin run --resolve tcplab.openluat.com:127.0.0.1:57513
      the guide's server is the one that `modemtwin lab` started
  modemtwin run --modules 3
      ./modem0, ./modem1 and ./modem2, each with its own IMEI, card and files
  modemtwin run --tcp 127.0.0.1:5000
      for a driver on a simulator; try it with `nc -C 127.0.0.1 5000`
  modemtwin run --serial /dev/ttyUSB0
      in the place of the module that your board is wired to
  modemtwin run --pty ./uart1 --pty ./usb --baud 115200
      two lines of one module, with the timing of a UART
  modemtwin run --world arrears.txt
      a card in arrears, if the file says `card in arrears`: GSM only, no data
  modemtwin run --stdio
      type AT commands here; Ctrl-] ends it

The power key: SIGUSR1 (`kill -USR1 PID`) presses it for two seconds, which
switches modules that are off on, as after AT+CPOWD=1.
";

pub(super) const LAB_EXAMPLES: &str = "\
Certificates and keys are made at the first start and used again until they are
about to expire. They are for trying things: anybody who can read the directory
can pretend to be this server or this client.

Examples:
  modemtwin lab
      servers on 127.0.0.1, certificates in the user's data directory
  modemtwin lab --dir ./lab --port-base 4430
      the first server at 4430, the others at the eleven ports after it
  modemtwin lab --show http,ftp
      with AT lines to type into a module for HTTP and FTP
";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
The module forgets its SSL contexts when it is switched off, so they are given
here as the AT commands that set them.

Examples:
  modemtwin explain --state ./state --session session.txt
      the contexts that the AT+SSLCFG lines of a log or a transcript make
  modemtwin explain --sslcfg 'AT+SSLCFG=\"cacert\",0,\"server.crt\"' \\
                    --sslcfg 'AT+SSLCFG=\"seclevel\",0,1'
      one context, with the files of module 0 of this user
";

pub(super) const PLAY_EXAMPLES: &str = "\
What the module says has to be what is written, byte for byte; the first step
that goes otherwise ends it.

Examples:
  modemtwin play session.at
      on the line of a twin that runs: ./modem0
  modemtwin play session.at --line /dev/ttyUSB0 --set port=8080 --bind ca=./ca.crt
      on a real module; {port} in the transcript is 8080, `ca` is that file
";

pub(super) const SMS_EXAMPLES: &str = "\
A module that is not running gets the message when it runs again. What modules
send is in DIR/modem0/outbox, one message a line; only its owner can read it.

Examples:
  modemtwin sms --state ./state --from +8613800138000 'Hello, world'
      a text for module 0
  modemtwin sms --to 3 --pdu 0405810180F600000290310262042304F4F29C0E
      an SMS-DELIVER as it is, for module 3 of this user
";
