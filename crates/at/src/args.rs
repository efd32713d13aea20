//! A cursor over one command's parameters: omitted is not the same as bad.

use core::fmt;
use core::ops::RangeInclusive;

/// One parameter as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Nothing between the commas.
    Omitted,
    /// The bytes between two quotes.
    Quoted(&'a [u8]),
    /// Bytes without quotes, blanks around them cut off.
    Bare(&'a [u8]),
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgErrorKind {
    /// It has to be there.
    Missing,
    /// Not a decimal number, or too many digits.
    NotANumber,
    /// A number outside the range, both ends included.
    OutOfRange(u32, u32),
    /// A string longer than this many bytes.
    TooLong(usize),
    /// Bytes that are not UTF-8.
    NotText,
    /// Text in front of or behind the quotes.
    Malformed,
    /// More parameters than the command has.
    Excess,
}

/// A parameter error: which one (from 1) and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgError {
    /// Position, from 1.
    pub index: usize,
    /// Why.
    pub kind: ArgErrorKind,
}

impl fmt::Display for ArgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parameter {} ", self.index)?;
        match self.kind {
            ArgErrorKind::Missing => f.write_str("is missing"),
            ArgErrorKind::NotANumber => f.write_str("is not a number"),
            ArgErrorKind::OutOfRange(low, high) if low == high => write!(f, "has to be {low}"),
            ArgErrorKind::OutOfRange(low, high) => write!(f, "is not within {low} to {high}"),
            ArgErrorKind::TooLong(max) => write!(f, "is longer than {max} bytes"),
            ArgErrorKind::NotText => f.write_str("is not valid text"),
            ArgErrorKind::Malformed => f.write_str("has text outside its quotes"),
            ArgErrorKind::Excess => f.write_str("is one too many"),
        }
    }
}

/// The cursor. Take the parameters in order, then [`finish`](Self::finish), so that trailing ones are an error in one
/// place.
#[derive(Clone, Debug)]
pub struct Args<'a> {
    rest: Option<&'a [u8]>,
    index: usize,
}

impl<'a> Args<'a> {
    /// A cursor over the text behind `=`. Empty text is one omitted parameter, as in `AT+X=`.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text), index: 0 }
    }

    /// How many parameters are left, omitted ones included.
    #[must_use]
    pub fn left(&self) -> usize {
        let mut copy = self.clone();
        let mut count = 0;
        while copy.field().is_some() {
            count += 1;
        }
        count
    }

    /// The next parameter; [`Arg::Omitted`] also when there are no more.
    ///
    /// # Errors
    /// [`ArgErrorKind::Malformed`].
    pub fn arg(&mut self) -> Result<Arg<'a>, ArgError> {
        let field = self.field().unwrap_or(b"");
        match field {
            b"" => Ok(Arg::Omitted),
            [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => Ok(Arg::Quoted(inner)),
            bare if !bare.contains(&b'"') => Ok(Arg::Bare(bare)),
            _ => Err(self.error(ArgErrorKind::Malformed)),
        }
    }

    /// The next parameter's bytes, quoted or bare; `None` when omitted. `""` is an empty string, not omitted.
    ///
    /// # Errors
    /// [`ArgErrorKind::Malformed`].
    pub fn opt_bytes(&mut self) -> Result<Option<&'a [u8]>, ArgError> {
        Ok(match self.arg()? {
            Arg::Omitted => None,
            Arg::Quoted(bytes) | Arg::Bare(bytes) => Some(bytes),
        })
    }

    /// A string of at most `max` bytes, quoted or bare; `None` when omitted.
    ///
    /// # Errors
    /// [`ArgErrorKind::TooLong`], [`ArgErrorKind::NotText`], [`ArgErrorKind::Malformed`].
    pub fn opt_text(&mut self, max: usize) -> Result<Option<&'a str>, ArgError> {
        let Some(bytes) = self.opt_bytes()? else { return Ok(None) };
        if bytes.len() > max {
            return Err(self.error(ArgErrorKind::TooLong(max)));
        }
        core::str::from_utf8(bytes).map(Some).map_err(|_| self.error(ArgErrorKind::NotText))
    }

    /// Like [`opt_text`](Self::opt_text), but it has to be there.
    ///
    /// # Errors
    /// As [`opt_text`](Self::opt_text), and [`ArgErrorKind::Missing`].
    pub fn text(&mut self, max: usize) -> Result<&'a str, ArgError> {
        self.opt_text(max)?.ok_or(self.error(ArgErrorKind::Missing))
    }

    /// A decimal number, quoted or bare; `None` when omitted.
    ///
    /// # Errors
    /// [`ArgErrorKind::NotANumber`], [`ArgErrorKind::OutOfRange`], [`ArgErrorKind::Malformed`].
    pub fn opt_number(&mut self, range: RangeInclusive<u32>) -> Result<Option<u32>, ArgError> {
        let Some(bytes) = self.opt_bytes()? else { return Ok(None) };
        let number = decimal(bytes.trim_ascii()).ok_or(self.error(ArgErrorKind::NotANumber))?;
        match u32::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.error(ArgErrorKind::OutOfRange(*range.start(), *range.end()))),
        }
    }

    /// Like [`opt_number`](Self::opt_number), but it has to be there.
    ///
    /// # Errors
    /// As [`opt_number`](Self::opt_number), and [`ArgErrorKind::Missing`].
    pub fn number(&mut self, range: RangeInclusive<u32>) -> Result<u32, ArgError> {
        self.opt_number(range)?.ok_or(self.error(ArgErrorKind::Missing))
    }

    /// A number small enough for a byte.
    ///
    /// # Errors
    /// As [`number`](Self::number).
    pub fn small(&mut self, range: RangeInclusive<u8>) -> Result<u8, ArgError> {
        let number = self.number(u32::from(*range.start())..=u32::from(*range.end()))?;
        Ok(u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// `0` or `1`.
    ///
    /// # Errors
    /// As [`number`](Self::number).
    pub fn flag(&mut self) -> Result<bool, ArgError> {
        Ok(self.number(0..=1)? == 1)
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`ArgErrorKind::Excess`].
    pub fn finish(&mut self) -> Result<(), ArgError> {
        match self.rest {
            // `AT+X=` of a command without parameters is as good as none.
            None => Ok(()),
            Some(b"") if self.index == 0 => Ok(()),
            Some(_) => {
                self.index += 1;
                Err(self.error(ArgErrorKind::Excess))
            }
        }
    }

    /// An error about the parameter taken last.
    #[must_use]
    pub fn error(&self, kind: ArgErrorKind) -> ArgError {
        ArgError { index: self.index.max(1), kind }
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        // Counted even where nothing is left: an error is about the parameter that should be there.
        self.index += 1;
        let rest = self.rest?;
        let mut quoted = false;
        let comma = rest.iter().position(|&b| {
            quoted ^= b == b'"';
            b == b',' && !quoted
        });
        let field = match comma {
            Some(at) => {
                self.rest = Some(&rest[at + 1..]);
                &rest[..at]
            }
            None => {
                self.rest = None;
                rest
            }
        };
        Some(field.trim_ascii())
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
}
