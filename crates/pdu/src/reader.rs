//! A cursor over a TPDU's bytes.

use crate::error::PduError;

pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, PduError> {
        let (first, rest) = self.0.split_first().ok_or(PduError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], PduError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PduError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn seven(&mut self) -> Result<[u8; 7], PduError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(PduError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
