//! A certificate that somebody else renews.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::{Certificate, Served, TlsError, served};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(30);

/// Reads certificate and key.
///
/// # Errors
/// [`TlsError`]
pub(super) fn read(chain: &Path, key: &Path) -> Result<Served, TlsError> {
    let text = |path: &Path| {
        std::fs::read(path).map_err(|reason| TlsError::File {
            path: path.display().to_string(),
            reason,
        })
    };
    served(&text(chain)?, &text(key)?).map_err(|problem| TlsError::Content {
        path: chain.display().to_string(),
        problem,
    })
}

/// Takes the files over whenever they change. What does not fit together is not taken: whoever writes
/// them may be between the two.
pub(super) async fn watch(
    chain: &Path,
    key: &Path,
    certificate: &Certificate,
    stopping: &CancellationToken,
) {
    let mut known = changed(chain, key);
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let found = changed(chain, key);
        if found == known {
            continue;
        }
        match read(chain, key) {
            Ok(served) => {
                certificate.serve(served);
                known = found;
                tracing::info!("the certificate was read anew");
            }
            Err(error) => {
                tracing::error!(reason = %error, "the changed certificate is not used");
            }
        }
    }
}

fn changed(chain: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [chain, key].map(|path| std::fs::metadata(path).and_then(|it| it.modified()).ok())
}
