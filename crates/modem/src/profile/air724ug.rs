//! openLuat Air724UG, firmware V401881 generation.

use super::{NameLimits, Profile, Timing};

/// The Air724UG. Captured: manufacturer and revision format. Documented: the six suites, the contexts, the segment size, the
/// prompt, the file capacity. Assumed: everything that names a network or a card (a test TAC, so that no real device
/// is impersonated), the delays, and every limit without a source in its record.
pub const AIR724UG: Profile = Profile {
    name: "air724ug",
    manufacturer: "AirM2M",
    model: "Air724UG",
    revision: "AirM2M_Air724UG_V401881_LTE_AT",
    hardware: "A12",
    chip: "RDA8910",
    build_time: "May  6 2024 10:00:00",
    tac: "00172400",
    plmn: "46004",
    operator: ("CHINA MOBILE", "CMCC"),
    iccid_prefix: "898604",
    apn: "cmiot",
    default_cid: 5,
    links: 8,
    connections: 8,
    ssl_contexts: &[0, 1, 2, 3, 4, 5, 34, 88, 153],
    ssl_suites: &[0x0035, 0x002F, 0x0005, 0x0004, 0x000A, 0x003D],
    sslcfg_misprints: false,
    ssl: true,
    line_limit: 16 * 1024,
    line_queue: 32 * 1024,
    line_backlog: 16 * 1024,
    segment: 1460,
    send_buffer: 16 * 1460,
    name_limits: NameLimits { host: 128, apn: 128, user: 32, password: 32 },
    prompt: "\r\n> ",
    file_capacity: 1_304_000,
    file_name_limit: 64,
    file_chunk: 10_240,
    cmee: 1,
    timing: Timing {
        card_ready: 300,
        attach: 2_000,
        network_time: 100,
        bearer_up: 100,
        bearer_limit: 90_000,
        connect: 75_000,
        send: 50_000,
        close: 10_000,
        reboot: 1_500,
    },
};
