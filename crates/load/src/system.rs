//! What the system says of processes: the processor time and the memory they take.

use std::fs;

/// Clock ticks in a second, as Linux counts processor time for everyone.
const TICKS: f64 = 100.0;

/// Seconds of processor time that a process took so far.
pub(crate) fn seconds_of(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program is in brackets, and may hold anything.
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// The same of a process and its children.
pub(crate) fn seconds_of_family(parent: u32) -> f64 {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let family = children.filter(|&it| it == parent || parent_of(it) == Some(parent));
    family.map(seconds_of).sum()
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}

/// Bytes of memory that a process has in use.
pub(crate) fn memory_of(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.unwrap_or_default() * 1024.0
}

/// How many files and sockets a process of this user may have open.
pub(crate) fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max open files"));
    let soft = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(1024)
}
