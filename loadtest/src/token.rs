//! Bearer tokens of the users that the load is made of.

use std::time::Duration;

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use nova_domain::UserId;
use serde::Serialize;

const LIFETIME: Duration = Duration::from_secs(6 * 3_600);

#[derive(Serialize)]
struct Claims {
    sub: UserId,
    iat: i64,
    exp: i64,
}

/// Signs with the HS256 secret that the API checks tokens with. One token costs a few microseconds.
pub struct Signer(EncodingKey);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// With the secret of the API.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(EncodingKey::from_secret(secret.as_bytes()))
    }

    /// A token that is good for six hours, longer than any run.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn token(&self, user: UserId) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = Utc::now().timestamp();
        let claims = Claims {
            sub: user,
            iat,
            exp: iat + i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX / 2),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0)
    }
}
