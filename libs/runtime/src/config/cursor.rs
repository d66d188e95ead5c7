//! What cursors of the feed are authenticated with.

use crate::config::auth::{AuthConfig, AuthKey};
use crate::env::{ConfigError, Env};
use crate::secret::Secret;

/// The secret that the key of cursors is derived from; every replica needs the same one.
#[derive(Debug, Clone)]
pub struct CursorConfig {
    /// `NOVA_CURSOR_SECRET`, at least 32 bytes. Without it, the HS256 secret of the tokens, under a label of its own.
    pub secret: Secret,
}

impl CursorConfig {
    /// Reads `NOVA_CURSOR_SECRET`.
    ///
    /// # Errors
    /// When it is too short, or not set where tokens are checked with a public key: that is no secret.
    pub fn from_env(env: &Env, auth: &AuthConfig) -> Result<Self, ConfigError> {
        let variable = "NOVA_CURSOR_SECRET";
        let secret = match (env.get(variable), &auth.key) {
            (Some(text), _) if text.len() < AuthConfig::MIN_SECRET_BYTES => {
                let reason = format!(
                    "must have at least {} bytes, has {}",
                    AuthConfig::MIN_SECRET_BYTES,
                    text.len()
                );
                return Err(ConfigError::new(variable, reason));
            }
            (Some(text), _) => Secret::new(text),
            (None, AuthKey::Secret(secret)) => secret.clone(),
            (None, AuthKey::PublicKeyPem(_)) => {
                let reason = "is not set; a public key for tokens leaves cursors without a secret";
                return Err(ConfigError::new(variable, reason));
            }
        };
        Ok(Self { secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    fn read(pairs: &[(&str, &str)]) -> Result<CursorConfig, ConfigError> {
        let env = Env::from_pairs(pairs.iter().copied());
        CursorConfig::from_env(&env, &AuthConfig::from_env(&env)?)
    }

    #[test]
    fn the_secret_of_tokens_serves_unless_there_is_one_for_cursors() {
        let shared = read(&[("NOVA_AUTH_SECRET", LONG)]).unwrap();
        assert_eq!(shared.secret.expose(), LONG);
        let own = LONG.to_uppercase();
        let apart = read(&[("NOVA_AUTH_SECRET", LONG), ("NOVA_CURSOR_SECRET", &own)]).unwrap();
        assert_eq!(apart.secret.expose(), own);
    }

    #[test]
    fn a_public_key_needs_a_secret_beside_it() {
        let public = ("NOVA_AUTH_PUBLIC_KEY", "-----BEGIN…");
        assert_eq!(read(&[public]).unwrap_err().variable, "NOVA_CURSOR_SECRET");
        assert!(read(&[public, ("NOVA_CURSOR_SECRET", LONG)]).is_ok());
        let short = read(&[("NOVA_AUTH_SECRET", LONG), ("NOVA_CURSOR_SECRET", "hush")]);
        assert_eq!(
            short.unwrap_err().to_string(),
            "NOVA_CURSOR_SECRET: must have at least 32 bytes, has 4"
        );
    }
}
