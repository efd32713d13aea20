//! What a module is made from.

use alloc::vec::Vec;
use core::fmt;

use crate::io::{LineKind, World};
use crate::profile::{AIR724UG, Profile};

/// Everything that decides how an instance behaves, besides its inputs. Same set-up, same inputs, same outputs.
/// Its `Debug` form hides what was kept: passwords and messages are in it.
#[derive(Clone)]
pub struct Setup {
    /// The module type.
    pub profile: &'static Profile,
    /// Which of many: IMEI, IMSI and ICCID follow from it. At most 999,999.
    pub instance: u32,
    /// Decides whatever is arbitrary: the bearer's address, cell numbers.
    pub seed: u64,
    /// Its lines, by number; at least one.
    pub lines: Vec<LineKind>,
    /// The network's time at [`Time(0)`](crate::Time), milliseconds since 1970-01-01 UTC.
    pub unix_millis: i64,
    /// The surroundings at power-on.
    pub world: World,
    /// What was kept last as [`Section::Settings`](crate::Section::Settings).
    pub settings: Option<Vec<u8>>,
    /// What was kept last as [`Section::Messages`](crate::Section::Messages).
    pub messages: Option<Vec<u8>>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, instance, seed, lines, unix_millis, world, settings, messages } = self;
        f.debug_struct("Setup")
            .field("profile", &profile.name)
            .field("instance", instance)
            .field("seed", seed)
            .field("lines", lines)
            .field("unix_millis", unix_millis)
            .field("world", world)
            .field("settings", &settings.as_ref().map(Vec::len))
            .field("messages", &messages.as_ref().map(Vec::len))
            .finish()
    }
}

impl Setup {
    /// An Air724UG with one line, a ready card, good coverage.
    #[must_use]
    pub fn new(instance: u32, seed: u64, unix_millis: i64) -> Self {
        Self {
            profile: &AIR724UG,
            instance,
            seed,
            lines: alloc::vec![LineKind::Plain],
            unix_millis,
            world: World::default(),
            settings: None,
            messages: None,
        }
    }

    /// An arbitrary number that depends on the seed, the instance and `salt` only (SplitMix64's finaliser; not for secrets).
    #[must_use]
    pub(crate) fn arbitrary(&self, salt: u64) -> u64 {
        let mut z = self
            .seed
            .wrapping_add(u64::from(self.instance).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .wrapping_add(salt.wrapping_mul(0xD1B5_4A32_D192_ED03));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
