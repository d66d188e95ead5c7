//! Bearer tokens of simulated users.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use nova_domain::UserId;
use serde::Serialize;

use crate::client::ClientError;

/// Long enough for one request with its retries, so none is kept.
const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Serialize)]
struct Claims<'a> {
    sub: UserId,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// Signs tokens with the secret that the API checks them with.
pub(crate) struct Signer {
    key: EncodingKey,
    audience: Option<String>,
}

impl Signer {
    pub(crate) fn new(secret: &str, audience: Option<String>) -> Self {
        let key = EncodingKey::from_secret(secret.as_bytes());
        Self { key, audience }
    }

    pub(crate) fn token(&self, user: UserId) -> Result<String, ClientError> {
        let iat = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let claims = Claims {
            sub: user,
            iat,
            exp: iat + LIFETIME.as_secs(),
            aud: self.audience.as_deref(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.key).map_err(ClientError::Token)
    }
}
