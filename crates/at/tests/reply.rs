//! The framing of answers, byte for byte.

use modemtwin_at::{CmeError, FinalCode, Format, Reply, ResultForm};

const VERBOSE: Format = Format { result_form: ResultForm::Verbose, quiet: false, cmee: 1 };

fn written(format: Format, write: impl FnOnce(&mut Reply)) -> String {
    let mut reply = Reply::new(Vec::new(), format);
    write(&mut reply);
    reply.into_bytes().escape_ascii().to_string()
}

fn code(format: Format, code: FinalCode) -> String {
    written(format, |reply| reply.final_code(code))
}

#[test]
fn result_codes_as_words() {
    assert_eq!(code(VERBOSE, FinalCode::Ok), r"\r\nOK\r\n");
    assert_eq!(code(VERBOSE, FinalCode::Connect), r"\r\nCONNECT\r\n");
    assert_eq!(code(VERBOSE, FinalCode::NoCarrier), r"\r\nNO CARRIER\r\n");
    assert_eq!(code(VERBOSE, FinalCode::Error), r"\r\nERROR\r\n");
}

#[test]
fn result_codes_as_digits() {
    let format = Format { result_form: ResultForm::Numeric, ..VERBOSE };
    assert_eq!(code(format, FinalCode::Ok), r"0\r");
    assert_eq!(code(format, FinalCode::Connect), r"1\r");
    assert_eq!(code(format, FinalCode::NoCarrier), r"3\r");
    assert_eq!(code(format, FinalCode::Error), r"4\r");
}

#[test]
fn cmee_decides_how_errors_look() {
    let cme = |cmee, number| code(Format { cmee, ..VERBOSE }, FinalCode::Cme(CmeError(number)));
    assert_eq!(cme(0, 10), r"\r\nERROR\r\n");
    assert_eq!(cme(1, 10), r"\r\n+CME ERROR: 10\r\n");
    assert_eq!(cme(2, 10), r"\r\n+CME ERROR: SIM not inserted\r\n");
    assert_eq!(cme(2, 2999), r"\r\n+CME ERROR: 2999\r\n");
    let plain = code(Format { cmee: 2, ..VERBOSE }, FinalCode::Error);
    assert_eq!(plain, r"\r\nERROR\r\n", "ERROR stays ERROR");
    let digits = Format { result_form: ResultForm::Numeric, quiet: false, cmee: 0 };
    assert_eq!(code(digits, FinalCode::Cme(CmeError::NOT_ALLOWED)), r"4\r");
    assert_eq!(
        code(Format { cmee: 1, ..digits }, FinalCode::Cme(CmeError::NOT_ALLOWED)),
        r"+CME ERROR: 3\r\n"
    );
}

#[test]
fn quiet_takes_the_code_and_leaves_the_text() {
    let format = Format { quiet: true, ..VERBOSE };
    for silent in [FinalCode::Ok, FinalCode::Connect, FinalCode::Error, FinalCode::Cme(CmeError::NOT_ALLOWED)]
    {
        assert_eq!(code(format, silent), "");
    }
    let text = written(format, |reply| {
        reply.info(format_args!("+CREG: 0,1"));
        reply.final_code(FinalCode::Ok);
    });
    assert_eq!(text, r"\r\n+CREG: 0,1\r\n");
}

#[test]
fn one_line_and_ok() {
    let text = written(VERBOSE, |reply| {
        reply.info(format_args!("+CSQ: {},{}", 20, 99));
        reply.final_code(FinalCode::Ok);
    });
    assert_eq!(text, r"\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
}

#[test]
fn lines_of_a_block_follow_each_other() {
    let text = written(VERBOSE, |reply| {
        reply.info(format_args!("a"));
        reply.info(format_args!("b"));
        reply.end_block();
        reply.info(format_args!("c"));
        reply.final_code(FinalCode::Ok);
        reply.info(format_args!("d"));
    });
    assert_eq!(text, r"\r\na\r\nb\r\n\r\nc\r\n\r\nOK\r\n\r\nd\r\n");
}

#[test]
fn digits_leave_out_the_leading_line_end_of_text_too() {
    let format = Format { result_form: ResultForm::Numeric, ..VERBOSE };
    let text = written(format, |reply| {
        reply.info(format_args!("+CSQ: 20,99"));
        reply.final_code(FinalCode::Ok);
    });
    assert_eq!(text, r"+CSQ: 20,99\r\n0\r");
}

#[test]
fn bytes_go_through_and_what_was_there_stays() {
    let mut reply = Reply::new(b"echo\r".to_vec(), VERBOSE);
    reply.raw(b"\r\n> ");
    reply.set_format(Format { result_form: ResultForm::Numeric, ..VERBOSE });
    reply.final_code(FinalCode::Ok);
    assert_eq!(reply.into_bytes(), b"echo\r\r\n> 0\r");
}
