//! In what portions the host's bytes are handed over.

use std::fmt;

use crate::step::Random;

/// In what portions the host's bytes are handed to the stage. A module has to behave the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// Each step in one piece.
    Whole,
    /// Every byte singly.
    Bytewise,
    /// In arbitrary pieces, the same for the same seed.
    Random(u64),
}

impl fmt::Display for Chunking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("in whole steps"),
            Self::Bytewise => f.write_str("one by one"),
            Self::Random(seed) => write!(f, "in random pieces (seed {seed})"),
        }
    }
}

/// Cuts what is sent in one run.
#[derive(Debug)]
pub(super) struct Cutter {
    chunking: Chunking,
    random: Random,
}

impl Cutter {
    pub(super) fn new(chunking: Chunking) -> Self {
        let seed = if let Chunking::Random(seed) = chunking { seed } else { 0 };
        Self { chunking, random: Random::new(seed) }
    }

    /// The length of the next piece of `rest` bytes.
    pub(super) fn next(&mut self, rest: usize) -> usize {
        match self.chunking {
            Chunking::Whole => rest,
            Chunking::Bytewise => rest.min(1),
            // Mostly short pieces: the interesting cuts are inside a command line.
            Chunking::Random(_) => {
                let most = if self.random.up_to(8) == 1 { 100 } else { 12 };
                self.random.up_to(most).min(rest)
            }
        }
    }
}
