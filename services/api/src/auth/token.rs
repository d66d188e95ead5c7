//! Tokens for development and tests. In production an identity provider signs them.

use std::time::Duration;

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use nova_domain::UserId;
use serde::Serialize;

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The time to live leaves the calendar.
    #[error("the time to live is too long")]
    TooLong,
    /// The signature could not be made.
    #[error("the token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// Signs a token for `user` with an HS256 secret, valid from now for `ttl`, for no audience.
///
/// # Errors
/// When `ttl` is longer than the calendar, or signing fails.
pub fn sign(secret: &[u8], user: UserId, ttl: Duration) -> Result<String, TokenError> {
    sign_for(secret, user, ttl, None)
}

/// As [`sign`], for an audience: an API with `NOVA_AUTH_AUDIENCE` takes no other tokens.
///
/// # Errors
/// As [`sign`].
pub fn sign_for(
    secret: &[u8],
    user: UserId,
    ttl: Duration,
    audience: Option<&str>,
) -> Result<String, TokenError> {
    let iat = Utc::now().timestamp();
    let ttl = i64::try_from(ttl.as_secs()).map_err(|_| TokenError::TooLong)?;
    let claims = Claims {
        sub: user.to_string(),
        iat,
        exp: iat.checked_add(ttl).ok_or(TokenError::TooLong)?,
        aud: audience,
    };
    let key = EncodingKey::from_secret(secret);
    Ok(jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &key,
    )?)
}
