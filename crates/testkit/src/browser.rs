//! A user at the PDS's sign-in page.

use crate::network::Account;
use crate::paths;
use sotto_core::app::Browser;
use sotto_core::views::ErrorView;
use std::process::{Command, Stdio};

/// What the user does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Signs in and consents.
    Approve,
    /// Signs in and refuses.
    Deny,
    /// Looks at the page and does nothing.
    Hesitate,
}

/// Opens the page as a browser would, with `tests/network/approve.mjs`.
pub struct TestBrowser {
    /// Whose page.
    pub account: Account,
    /// What happens there.
    pub decision: Decision,
}

impl Browser for TestBrowser {
    fn open(&self, url: &str) -> Result<(), ErrorView> {
        if self.decision == Decision::Hesitate {
            return Ok(());
        }
        let mut command = Command::new(paths::node());
        command
            .arg(paths::root().join("tests/network/approve.mjs"))
            .args([
                url,
                &self.account.handle,
                &self.account.password,
                "--follow",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if self.decision == Decision::Deny {
            command.arg("--deny");
        }
        let mut child = command.spawn().expect("approve.mjs starts");
        std::thread::spawn(move || child.wait());
        Ok(())
    }
}
