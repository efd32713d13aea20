//! `+CME ERROR` numbers and texts: TS 27.007 §9.2 and the numbers that the module family adds (documented list).

/// A `+CME ERROR` number. Numbers without a known text are kept and printed as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CmeError(pub u16);

impl CmeError {
    /// The command is known but not allowed in this state.
    pub const NOT_ALLOWED: Self = Self(3);
    /// The operation is not supported.
    pub const NOT_SUPPORTED: Self = Self(4);
    /// No card.
    pub const SIM_NOT_INSERTED: Self = Self(10);
    /// The card waits for its PIN.
    pub const SIM_PIN_REQUIRED: Self = Self(11);
    /// The card is blocked and waits for its PUK.
    pub const SIM_PUK_REQUIRED: Self = Self(12);
    /// The card does not answer.
    pub const SIM_FAILURE: Self = Self(13);
    /// The card is still starting.
    pub const SIM_BUSY: Self = Self(14);
    /// Wrong PIN or PUK.
    pub const INCORRECT_PASSWORD: Self = Self(16);
    /// Not registered.
    pub const NO_NETWORK: Self = Self(30);
    /// The operation failed.
    pub const EXE_FAIL: Self = Self(50);
    /// A parameter is not valid.
    pub const INVALID_PARAMETERS: Self = Self(53);
    /// Unknown error.
    pub const UNKNOWN: Self = Self(100);
    /// The operation failed (seen from MQTT).
    pub const OPERATION_FAILED: Self = Self(767);
    /// Other error (seen from a bearer that cannot come up).
    pub const OTHER: Self = Self(65535);
}

/// The text for AT+CMEE=2; `None` for a number without one. The misspelt words are the protocol's own.
#[must_use]
pub fn cme_text(error: CmeError) -> Option<&'static str> {
    TEXTS.binary_search_by_key(&error.0, |row| row.0).ok().map(|at| TEXTS[at].1)
}

#[rustfmt::skip]
const TEXTS: &[(u16, &str)] = &[
    (0, "phone failure"),
    (1, "no connection to phone"),
    (2, "phone-adaptor link reserved"),
    (3, "operation not allowed"),
    (4, "operation not supported"),
    (5, "PH-SIM PIN required"),
    (6, "PH-FSIM PIN required"),
    (7, "PH-FSIM PUK required"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "SIM wrong"),
    (16, "incorrect password"),
    (17, "SIM PIN2 required"),
    (18, "SIM PUK2 required"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (23, "memory failure"),
    (24, "text string too long"),
    (25, "invalid characters in text string"),
    (26, "dial string too long"),
    (27, "invalid characters in dial string"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed - emergency calls only"),
    (40, "network personalization PIN required"),
    (41, "network personalization PUK required"),
    (42, "network subset personalization PIN required"),
    (43, "network subset personalization PUK required"),
    (44, "service provider personalization PIN required"),
    (45, "service provider personalization PUK required"),
    (46, "corporate personalization PIN required"),
    (47, "corporate personalization PUK required"),
    (48, "hidden key required"),
    (49, "EXE_NOT_SURPORT"),
    (50, "EXE_FAIL"),
    (51, "NO MEMORY"),
    (52, "OPTION NOT SURPORT"),
    (53, "parameters are invalid"),
    (54, "EXT_REG_NOT_EXIT"),
    (55, "SMS_NOT_EXIT"),
    (56, "PBK_NOT_EXIT"),
    (57, "FFS_NOT_EXIT"),
    (58, "INVALID_COMMAND_LINE"),
    (59, "ITF_DIFFERENT"),
    (60, "BURN_FLASH_FAIL"),
    (61, "TFLASH NOT EXIST"),
    (62, "FILE NOT EXIST"),
    (63, "FILE TOO LARGE"),
    (96, "INVALID DATE OR TIME"),
    (97, "DIR CREATE FAIL"),
    (98, "DIR NOT EXIST"),
    (99, "NOT IMPLEMENTED"),
    (100, "unknown"),
    (103, "Illegal MS"),
    (106, "Illegal ME"),
    (107, "GPRS services not allowed"),
    (111, "PLMN not allowed"),
    (112, "Location area not allowed"),
    (113, "Roaming not allowed in this location area"),
    (132, "service option not supported"),
    (133, "requested service option not subscribed"),
    (134, "service option temporarily out of order"),
    (148, "unspecified GPRS error"),
    (149, "PDP authentication failure"),
    (150, "invalid mobile class"),
    (151, "AT command timeout"),
    (765, "Invalid input value"),
    (766, "Unsupported mode"),
    (767, "Operation failed"),
    (791, "Param count not enough"),
    (792, "Param count beyond"),
    (793, "Param value range beyond"),
    (794, "Param type not match"),
    (795, "Param format invalid"),
    (796, "Get a null param"),
    (797, "CFUN state is 0 or 4"),
    (811, "Unrecognized Command"),
    (813, "Syntax Error"),
    (814, "Unspecified Error"),
    (815, "Data Transfer Already"),
    (816, "Action Already"),
    (817, "Not At Cmd"),
    (818, "Multi Cmd too long"),
    (901, "PDP_NO_ACTIVE"),
    (902, "PDP_ACTIVE"),
    (910, "TCP_CONNECTION_REJECT"),
    (911, "TCP_CONNECT_OVERTIME"),
    (912, "SOCKET_CONNECTION_EXIST"),
    (913, "SOCKET_CONNECTION_NOT_EXIST"),
    (914, "BUFFER_OVER_SIZE"),
    (915, "SENDING_OVERTIME"),
    (916, "DNS_EXIST"),
    (917, "DNS_PARSE_OVERTIME"),
    (918, "DNS_PARSE_ERROR"),
    (980, "INPUT_VALUE_ERROR"),
    (981, "OTHER_ERROR"),
    (982, "ERROR"),
    (983, "NOT_ALLOWED"),
    (65535, "Other Error"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_and_unique() {
        assert!(TEXTS.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn texts_are_found_and_unknown_numbers_have_none() {
        assert_eq!(cme_text(CmeError::NOT_ALLOWED), Some("operation not allowed"));
        assert_eq!(cme_text(CmeError(65535)), Some("Other Error"));
        assert_eq!(cme_text(CmeError(2999)), None);
    }
}
