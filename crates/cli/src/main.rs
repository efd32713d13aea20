//! `modemtwin`: a software twin of the openLuat Air724UG LTE Cat.1 module, on the command line.

mod args;
mod commands;
mod demo;
mod explain;
mod lab;
mod lines;
mod log;
mod paste;
mod play;
mod record;
mod resolve;
mod run;
mod running;
mod screen;
mod show;
mod sms;
mod surroundings;

use std::process::ExitCode;

use clap::Parser;

use args::{Action, Cli};

/// The exit code for a wrong command line, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Cli { action } = Cli::parse();
    let result = match action {
        Action::Commands(options) => commands::commands(&options),
        Action::Explain(options) => explain::explain(&options),
        Action::Play(options) => play::play(&options),
        Action::Sms(options) => sms::sms(&options),
        Action::Run(options) => {
            log::start(options.log);
            run::run(&options)
        }
        Action::Lab(options) => {
            log::start(options.log);
            lab::lab(&options)
        }
        Action::Demo(options) => {
            // Connections are told on standard output, at the end.
            log::start(args::Log { quiet: options.log.verbose == 0, ..options.log });
            demo::demo(&options)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if screen::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            screen::shout("modemtwin:", &screen::causes(&error));
            if error.is::<args::Usage>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}
