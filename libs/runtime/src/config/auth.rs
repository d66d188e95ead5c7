//! What bearer tokens are checked with.

use crate::env::{ConfigError, Env};
use crate::secret::Secret;

/// The key; its kind fixes the one algorithm that is accepted.
#[derive(Debug, Clone)]
pub enum AuthKey {
    /// HS256, `NOVA_AUTH_SECRET`: whoever can check tokens can also make them. At least 32 bytes.
    Secret(Secret),
    /// EdDSA (Ed25519), `NOVA_AUTH_PUBLIC_KEY`: a public key in PEM.
    PublicKeyPem(String),
}

/// How bearer tokens are checked.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The key.
    pub key: AuthKey,
    /// `NOVA_AUTH_AUDIENCE`: the `aud` a token must carry. Without it, a token made for an audience is refused.
    pub audience: Option<String>,
}

impl AuthConfig {
    /// Fewest bytes of an HS256 secret: as many as the hash has (RFC 7518, 3.2).
    pub const MIN_SECRET_BYTES: usize = 32;

    /// Reads `NOVA_AUTH_*`.
    ///
    /// # Errors
    /// When neither key is set, or both, or the secret is too short.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let audience = env.get("NOVA_AUTH_AUDIENCE").map(str::to_owned);
        if let Some(pem) = env.explicit("NOVA_AUTH_PUBLIC_KEY") {
            if env.explicit("NOVA_AUTH_SECRET").is_some() {
                return Err(ConfigError::new(
                    "NOVA_AUTH_PUBLIC_KEY",
                    "set this or NOVA_AUTH_SECRET, not both",
                ));
            }
            return Ok(Self {
                key: AuthKey::PublicKeyPem(pem.to_owned()),
                audience,
            });
        }
        let variable = "NOVA_AUTH_SECRET";
        let Some(secret) = env.get(variable) else {
            return Err(ConfigError::new(
                variable,
                "is not set, and neither is NOVA_AUTH_PUBLIC_KEY",
            ));
        };
        if secret.len() < Self::MIN_SECRET_BYTES {
            let reason = format!(
                "must have at least {} bytes, has {}",
                Self::MIN_SECRET_BYTES,
                secret.len()
            );
            return Err(ConfigError::new(variable, reason));
        }
        Ok(Self {
            key: AuthKey::Secret(Secret::new(secret)),
            audience,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    fn read(pairs: &[(&str, &str)]) -> Result<AuthConfig, ConfigError> {
        AuthConfig::from_env(&Env::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn exactly_one_key_is_taken() {
        assert!(matches!(
            read(&[("NOVA_AUTH_SECRET", LONG)]).unwrap().key,
            AuthKey::Secret(_)
        ));
        let public = read(&[("NOVA_AUTH_PUBLIC_KEY", "-----BEGIN…")]).unwrap();
        assert!(matches!(public.key, AuthKey::PublicKeyPem(_)));
        assert_eq!(read(&[]).unwrap_err().variable, "NOVA_AUTH_SECRET");
        let both = read(&[("NOVA_AUTH_SECRET", LONG), ("NOVA_AUTH_PUBLIC_KEY", "x")]);
        assert_eq!(both.unwrap_err().variable, "NOVA_AUTH_PUBLIC_KEY");
    }

    #[test]
    fn a_short_secret_is_refused_and_not_shown() {
        let error = read(&[("NOVA_AUTH_SECRET", "hush")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "NOVA_AUTH_SECRET: must have at least 32 bytes, has 4"
        );
        assert!(!format!("{:?}", read(&[("NOVA_AUTH_SECRET", LONG)])).contains(LONG));
    }
}
