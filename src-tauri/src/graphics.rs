//! Blank windows on Linux: WebKit's DMA-BUF renderer shows nothing with some drivers and without
//! a graphics device (tauri-apps/tauri#9304).

#[cfg(target_os = "linux")]
const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Starts this program again without that renderer, where it is known to fail and the user has
/// not decided otherwise. WebKit reads the environment, and a process can change its own only
/// unsafely; this happens before anything else has been started, and keeps the process id.
#[cfg(target_os = "linux")]
pub(crate) fn avoid_blank_windows() {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(SWITCH).is_some() || renderer_works() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    // Returns only where it failed; then the window is opened as it is.
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(SWITCH, "1")
        .exec();
    tracing::warn!(%error, "not started again without the DMA-BUF renderer");
}

#[cfg(target_os = "linux")]
fn renderer_works() -> bool {
    let nvidia = std::path::Path::new("/proc/driver/nvidia/version").exists();
    let device = std::path::Path::new("/dev/dri").exists();
    device && !nvidia
}

/// Other systems have other web views.
#[cfg(not(target_os = "linux"))]
pub(crate) fn avoid_blank_windows() {}
