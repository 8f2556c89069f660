//! The named errors of the lexicons.

macro_rules! error_names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The `error` of an answer of the PDS API (§1.9).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorName {
            $($(#[$doc])* $name),+
        }

        impl ErrorName {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The text on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }
        }
    };
}

error_names! {
    /// There is no token.
    AuthenticationRequired,
    /// The token is malformed, or lives too long.
    BadJwt,
    /// The token is for somebody else.
    BadJwtAudience,
    /// The token is for another method.
    BadJwtLexiconMethod,
    /// The account did not sign the token.
    BadJwtSignature,
    /// The token is past its time.
    JwtExpired,
    /// The token was used before.
    JwtReplayed,
    /// The account is not on this PDS.
    NotHosted,
    /// The PDS cannot change the account's DID document. Nothing was changed.
    DocumentNotManaged,
    /// The input is not what the lexicon says.
    InvalidRequest,
    /// The record is malformed.
    InvalidRecord,
    /// The claim is not one of the record's key for this account, domain and policy.
    InvalidClaim,
    /// The claim's `seq` does not grow.
    ClaimNotNewer,
    /// No succession leads to the record's key.
    Unendorsed,
    /// Another record is in force than the one that was named.
    InvalidSwap,
    /// The DID document could not be changed; the record is as before.
    DocumentFailed,
    /// The record was changed, the DID document perhaps not. The same again completes it.
    HalfDone,
    /// PDS or PLC directory cannot be asked.
    UpstreamFailure,
    /// Asked too often.
    RateLimitExceeded,
}

impl ErrorName {
    /// Reads the text; `None` for an unknown one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}
