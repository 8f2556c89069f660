//! From the errors of every part to what the user interface shows.

use crate::account::data_dir::DataDirError;
use crate::account::relay_name::RelayNameError;
use crate::account::set_up::SetUpError;
use crate::account::vault::VaultError;
use crate::attachments::AttachmentProblem;
use crate::db::DbError;
use crate::discovery::DiscoveryError;
use crate::messages::{ComposeError, EngineError};
use crate::safety::SafetyError;
use crate::views::ErrorView;
pub(super) use crate::views::shown;
use sotto_identity::anchoring::AnchoringError;
use sotto_identity::did_document::DocumentError;
use sotto_identity::http::HttpError;
use sotto_identity::oauth::OAuthError;
use std::fmt::Display;

fn view(code: &str, error: impl Display) -> ErrorView {
    ErrorView::with_detail(shown(code), error)
}

/// One line for each part: its code, and its text as the detail.
macro_rules! shown_by_code {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for ErrorView {
            fn from(error: $error) -> Self {
                view(error.code(), &error)
            }
        })+
    };
}

shown_by_code!(
    AnchoringError,
    AttachmentProblem,
    ComposeError,
    DataDirError,
    DbError,
    DiscoveryError,
    DocumentError,
    EngineError,
    OAuthError,
    RelayNameError,
    SafetyError,
    SetUpError,
    VaultError,
);

impl From<HttpError> for ErrorView {
    fn from(error: HttpError) -> Self {
        view("internal", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_engine_are_those_of_the_interface() {
        for (code, expected) in [
            ("key-package.too-wide", "key_package.invalid"),
            ("key-package.none", "key_package.none"),
            ("message.too-long", "message.too_long"),
            ("database.full", "database.full"),
        ] {
            assert_eq!(shown(code), expected);
        }
        let error = ErrorView::from(DbError::WrongKey);
        assert_eq!(error.code, "database.corrupt");
    }
}
