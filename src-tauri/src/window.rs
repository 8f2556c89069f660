//! The window. Its web view shows the embedded user interface and nothing else: it goes nowhere,
//! opens no further window, downloads nothing, and keeps nothing on the disk.

use tauri::{
    AppHandle, Theme, Url, WebviewUrl, WebviewWindowBuilder, webview::NewWindowResponse,
    window::Color,
};

/// The window that `capabilities/main.json` names.
pub(crate) const LABEL: &str = "main";

/// `--paper` of `ui/src/styles/tokens.css`, so that a window does not flash in another colour
/// before its first picture.
const LIGHT: Color = Color(0xf1, 0xf1, 0xec, 0xff);
const DARK: Color = Color(0x10, 0x16, 0x15, 0xff);

/// Opens it.
///
/// # Errors
/// Where the system has no web view or no display for it.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let title = std::env::var("SOTTO_WINDOW_TITLE").unwrap_or_else(|_| "Sotto".to_owned());
    let dev_url = app
        .config()
        .build
        .dev_url
        .clone()
        .filter(|_| tauri::is_dev());
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title(title)
        .inner_size(1000.0, 680.0)
        .min_inner_size(700.0, 480.0)
        .background_color(LIGHT)
        .devtools(cfg!(debug_assertions))
        .incognito(!is_automated())
        .on_navigation(move |url| is_own(url, dev_url.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .build()?;
    if window.theme()? == Theme::Dark {
        window.set_background_color(Some(DARK))?;
    }
    Ok(())
}

/// Whether a WebDriver drives the window, which WebKit allows only where the web view may keep
/// something on the disk.
fn is_automated() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some()
}

/// Whether a URL belongs to the user interface.
fn is_own(url: &Url, dev_url: Option<&Url>) -> bool {
    let embedded = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows has no schemes of its own and answers for this name instead.
        "http" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    };
    embedded || dev_url.is_some_and(|dev_url| dev_url.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn goes_nowhere_else() {
        let url = |text: &str| text.parse::<tauri::Url>().unwrap();
        assert!(is_own(&url("tauri://localhost/index.html"), None));
        for foreign in [
            "https://localhost/",
            "http://localhost:1420/",
            "tauri://elsewhere/",
            "data:text/html,x",
            "about:blank",
            "file:///etc/passwd",
        ] {
            assert!(!is_own(&url(foreign), None), "{foreign}");
        }
    }

    #[test]
    fn development_has_one_more_origin() {
        let url = |text: &str| text.parse::<tauri::Url>().unwrap();
        let dev_url = url("http://localhost:1420");
        assert!(is_own(
            &url("http://localhost:1420/src/main.ts"),
            Some(&dev_url)
        ));
        assert!(!is_own(&url("http://localhost:1421/"), Some(&dev_url)));
    }
}
