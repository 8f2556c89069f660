//! Getting a certificate and renewing it (RFC 8555), with the proof made in TLS itself (RFC 8737), so
//! that port 443 is all that is needed.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization,
    NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sotto_wire::time::Clock;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::web::Web;
use super::{Certificate, Served, provider, served};
use crate::config::Acme;

/// Between two looks whether it is time.
const LOOK: Duration = Duration::from_secs(3600);
/// After the first failure; the double after each more. Authorities allow five failures in an hour.
const FIRST: Duration = Duration::from_secs(120);
/// The longest rest after a failure.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// For everything that belongs to one certificate.
const PATIENCE: Duration = Duration::from_secs(300);

/// What keeps a certificate good.
pub(super) struct Issuer {
    acme: Acme,
    host: String,
    certificate: Arc<Certificate>,
    clock: Arc<dyn Clock>,
    first: Duration,
}

impl Issuer {
    /// For one host.
    pub(super) fn new(
        acme: Acme,
        host: String,
        certificate: Arc<Certificate>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            acme,
            host,
            certificate,
            clock,
            first: FIRST,
        }
    }

    /// Resting for so long after a first failure.
    #[cfg(test)]
    pub(super) fn resting(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// Works until `stopping`.
    pub(super) async fn run(&self, stopping: &CancellationToken) {
        let mut failures = 0;
        loop {
            let rest = if self.is_good() {
                LOOK
            } else {
                self.attempt(&mut failures, stopping).await
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Tries once; how long to rest afterwards.
    pub(super) async fn attempt(
        &self,
        failures: &mut u32,
        stopping: &CancellationToken,
    ) -> Duration {
        let issued = tokio::select! {
            biased;
            () = stopping.cancelled() => return Duration::ZERO,
            issued = tokio::time::timeout(PATIENCE, self.issue()) => issued,
        };
        self.certificate.challenge(None);
        let issued = issued.unwrap_or_else(|_| Err("the authority took too long".to_owned()));
        let Err(reason) = issued else {
            *failures = 0;
            tracing::info!("a certificate was issued");
            return LOOK;
        };
        let rest = self
            .first
            .saturating_mul(1 << (*failures).min(16))
            .min(LONGEST);
        *failures = failures.saturating_add(1);
        tracing::error!(
            reason,
            again_in_seconds = rest.as_secs(),
            still_serving_one = self.certificate.not_after() > self.now(),
            "no certificate was issued"
        );
        rest
    }

    /// Whether the certificate has more than a third of its time left.
    fn is_good(&self) -> bool {
        self.certificate.served().is_some_and(|served| {
            let all = served.not_after.saturating_sub(served.not_before);
            self.now()
                .is_some_and(|now| served.not_after - now > all / 3)
        })
    }

    fn now(&self) -> Option<i64> {
        i64::try_from(self.clock.now().0).ok()
    }

    pub(super) async fn issue(&self) -> Result<(), String> {
        let folder = Folder::open(&self.acme).map_err(said)?;
        let account = self.account(&folder).await?;
        let names = [Identifier::Dns(self.host.clone())];
        let order = account.new_order(&NewOrder::new(&names)).await;
        let mut order = order.map_err(said)?;
        self.prove(&mut order).await?;
        let patience = RetryPolicy::default().timeout(PATIENCE);
        let proved = order.poll_ready(&patience).await;
        let proved =
            proved.map_err(|error| format!("{host} is not proved: {error}", host = self.host))?;
        if proved != OrderStatus::Ready {
            return Err("the authority refused the order".to_owned());
        }
        let key = KeyPair::generate().map_err(said)?;
        let mut params = CertificateParams::new(vec![self.host.clone()]).map_err(said)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(said)?;
        order.finalize_csr(request.der()).await.map_err(said)?;
        let chain = order.poll_certificate(&patience).await.map_err(said)?;
        let key = key.serialize_pem();
        let served: Served = served(chain.as_bytes(), key.as_bytes())?;
        folder.keep_certificate(&key, &chain).map_err(said)?;
        self.certificate.serve(served);
        Ok(())
    }

    /// The account of earlier, or a new one.
    async fn account(&self, folder: &Folder) -> Result<Account, String> {
        let web = Web::new(self.acme.roots.as_deref())?;
        let builder = || Account::builder_with_http(Box::new(web.clone()));
        let kept = folder.account();
        if let Some(kept) =
            kept.and_then(|it| serde_json::from_slice::<AccountCredentials>(&it).ok())
        {
            return builder().from_credentials(kept).await.map_err(said);
        }
        let contact: Vec<&str> = self.acme.contact.as_deref().into_iter().collect();
        let terms = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.acme.directory.to_string();
        let created = builder().create(&terms, directory, None).await;
        let (account, credentials) = created.map_err(said)?;
        let text = serde_json::to_vec(&credentials).map_err(said)?;
        folder.keep_account(&text).map_err(said)?;
        Ok(account)
    }

    /// Shows the authority what it asks to see.
    async fn prove(&self, order: &mut Order) -> Result<(), String> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(said)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or("the authority does not offer tls-alpn-01")?;
            let shown = proof(&self.host, &challenge.key_authorization())?;
            self.certificate.challenge(Some(Arc::new(shown)));
            challenge.set_ready().await.map_err(said)?;
        }
        Ok(())
    }
}

/// The certificate that only who has the account's key can make (RFC 8737 §3).
fn proof(host: &str, authorization: &KeyAuthorization) -> Result<CertifiedKey, String> {
    let key = KeyPair::generate().map_err(said)?;
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(said)?;
    let digest = authorization.digest();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let certificate = params.self_signed(&key).map_err(said)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(said)?;
    // Without a look at the certificate: its extension is critical, and the library's verifier knows none.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
