//! Who a token speaks for.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use nova_domain::UserId;
use nova_runtime::{AuthConfig, AuthKey};
use serde::Deserialize;

use super::accepted::{self, Accepted, Claim};

/// Clocks of two machines may differ by so many seconds.
const LEEWAY_SECONDS: u64 = 5;

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("NOVA_AUTH_PUBLIC_KEY: not an Ed25519 public key in PEM")]
pub struct KeyError(#[from] jsonwebtoken::errors::Error);

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its time has passed.
    Expired,
    /// Anything else: not a token, another key or algorithm, a claim missing or wrong.
    Invalid,
}

/// Checks tokens with one key and the one algorithm of its kind: what a token's header asks for changes nothing.
#[derive(Clone)]
pub struct TokenVerifier {
    key: DecodingKey,
    validation: Validation,
    accepted: Accepted,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
}

impl TokenVerifier {
    /// Takes the key of the configuration.
    ///
    /// # Errors
    /// When a public key cannot be read.
    pub fn new(config: &AuthConfig) -> Result<Self, KeyError> {
        let (key, algorithm) = match &config.key {
            AuthKey::Secret(secret) => (
                DecodingKey::from_secret(secret.expose().as_bytes()),
                Algorithm::HS256,
            ),
            AuthKey::PublicKeyPem(pem) => {
                (DecodingKey::from_ed_pem(pem.as_bytes())?, Algorithm::EdDSA)
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        match &config.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.set_required_spec_claims(&["exp", "sub", "aud"]);
            }
            None => validation.set_required_spec_claims(&["exp", "sub"]),
        }
        Ok(Self {
            key,
            validation,
            accepted: Accepted::new(),
        })
    }

    /// The user that a token speaks for. A token that was verified before costs a look-up.
    ///
    /// # Errors
    /// Says whether the token has expired; otherwise it is not told why it is not accepted.
    pub fn verify(&self, token: &str) -> Result<UserId, Refusal> {
        let key = accepted::key(token);
        if let Some(claim) = self.accepted.get(&key) {
            if !claim.has_ended(self.leeway()) {
                return Ok(claim.user);
            }
            self.accepted.forget(&key);
        }
        let claim = self.check(token)?;
        self.accepted.keep(key, claim);
        Ok(claim.user)
    }

    /// Checks signature and claims.
    fn check(&self, token: &str) -> Result<Claim, Refusal> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).map_err(
            |error| {
                tracing::debug!(%error, "a token was refused");
                match error.kind() {
                    ErrorKind::ExpiredSignature => Refusal::Expired,
                    _ => Refusal::Invalid,
                }
            },
        )?;
        let Claims { sub, exp } = claims.claims;
        Ok(Claim {
            user: sub.parse().map_err(|_| Refusal::Invalid)?,
            ends: exp,
        })
    }

    fn leeway(&self) -> f64 {
        self.validation.leeway as f64
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("algorithms", &self.validation.algorithms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::Utc;
    use jsonwebtoken::{EncodingKey, Header};
    use nova_runtime::Secret;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::sign;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const USER: &str = "0190b5a0-0000-7000-8000-000000000001";
    /// A key pair made for this test.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKbCSrtPtElxRTSNZ9J8BXEZwQI4PrnuYhwp9xTs2V8G\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAs83VVykIWau5g49dHCIc0wyQrzYbXD91SQMdL82iiLo=\n-----END PUBLIC KEY-----\n";

    fn verifier(key: AuthKey, audience: Option<&str>) -> TokenVerifier {
        let audience = audience.map(str::to_owned);
        TokenVerifier::new(&AuthConfig { key, audience }).unwrap()
    }

    fn hs256() -> TokenVerifier {
        verifier(AuthKey::Secret(Secret::new(SECRET)), None)
    }

    fn claims(more: &Value) -> Value {
        let mut claims = json!({"sub": USER, "exp": Utc::now().timestamp() + 60});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        claims
    }

    fn token(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
    }

    fn signed(claims: &Value) -> String {
        token(
            Algorithm::HS256,
            &EncodingKey::from_secret(SECRET.as_bytes()),
            claims,
        )
    }

    #[test]
    fn a_token_of_ours_speaks_for_its_user() {
        let user: UserId = USER.parse().unwrap();
        let token = sign(SECRET.as_bytes(), user, Duration::from_secs(60)).unwrap();
        assert_eq!(hs256().verify(&token), Ok(user));
        assert_eq!(hs256().verify(&signed(&claims(&json!({})))), Ok(user));
    }

    #[test]
    fn a_token_that_was_accepted_is_accepted_until_it_ends() {
        let verifier = hs256();
        // Within the leeway now, and beyond it in a moment.
        let ends = Utc::now().timestamp() - 4;
        let token = signed(&claims(&json!({"exp": ends})));
        let accepted = verifier.verify(&token);
        assert_eq!(accepted, Ok(USER.parse().unwrap()));
        let key = accepted::key(&token);
        assert!(verifier.accepted.get(&key).is_some());
        let claim = Claim {
            user: accepted.unwrap(),
            ends: 1.0,
        };
        verifier.accepted.keep(key, claim);
        // What is remembered has ended: the token itself is asked.
        assert_ne!(verifier.verify(&token), Err(Refusal::Invalid));
        let refused = signed(&claims(&json!({"exp": 1})));
        assert_eq!(verifier.verify(&refused), Err(Refusal::Expired));
        assert!(verifier.accepted.get(&accepted::key(&refused)).is_none());
    }

    #[test]
    fn an_expired_token_is_told_apart() {
        let past = Utc::now().timestamp() - 3_600;
        assert_eq!(
            hs256().verify(&signed(&claims(&json!({"exp": past})))),
            Err(Refusal::Expired)
        );
    }

    #[test]
    fn every_other_token_is_refused() {
        let soon = Utc::now().timestamp() + 3_600;
        let other_key = EncodingKey::from_secret(b"another key of another service..");
        let right_key = EncodingKey::from_secret(SECRET.as_bytes());
        let mut no_exp = claims(&json!({}));
        no_exp.as_object_mut().unwrap().remove("exp");
        let mut no_sub = claims(&json!({}));
        no_sub.as_object_mut().unwrap().remove("sub");
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMTkwYjVhMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJleHAiOjQxMDI0NDQ4MDB9.";
        for (why, bad) in [
            ("no token", String::new()),
            ("not a token", "abc.def.ghi".to_owned()),
            ("no signature", unsigned.to_owned()),
            (
                "another key",
                token(Algorithm::HS256, &other_key, &claims(&json!({}))),
            ),
            (
                "another algorithm",
                token(Algorithm::HS512, &right_key, &claims(&json!({}))),
            ),
            ("no exp", signed(&no_exp)),
            ("no sub", signed(&no_sub)),
            (
                "a sub that is no id",
                signed(&claims(&json!({"sub": "ada"}))),
            ),
            ("not yet valid", signed(&claims(&json!({"nbf": soon})))),
            (
                "for another service",
                signed(&claims(&json!({"aud": "billing"}))),
            ),
        ] {
            assert_eq!(hs256().verify(&bad), Err(Refusal::Invalid), "{why}");
        }
    }

    #[test]
    fn a_public_key_takes_eddsa_alone() {
        let verifier = verifier(AuthKey::PublicKeyPem(PUBLIC.to_owned()), None);
        let key = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap();
        let good = token(Algorithm::EdDSA, &key, &claims(&json!({})));
        assert_eq!(verifier.verify(&good), Ok(USER.parse().unwrap()));
        // The classic confusion: the public key, known to all, used as the secret of HS256.
        let confused = EncodingKey::from_secret(PUBLIC.as_bytes());
        let bad = token(Algorithm::HS256, &confused, &claims(&json!({})));
        assert_eq!(verifier.verify(&bad), Err(Refusal::Invalid));
    }

    #[test]
    fn an_audience_is_asked_for_when_configured() {
        let verifier = verifier(AuthKey::Secret(Secret::new(SECRET)), Some("nova"));
        assert!(
            verifier
                .verify(&signed(&claims(&json!({"aud": "nova"}))))
                .is_ok()
        );
        assert_eq!(
            verifier.verify(&signed(&claims(&json!({"aud": "billing"})))),
            Err(Refusal::Invalid)
        );
        assert_eq!(
            verifier.verify(&signed(&claims(&json!({})))),
            Err(Refusal::Invalid)
        );
    }

    #[test]
    fn a_key_that_is_none_is_named() {
        let config = AuthConfig {
            key: AuthKey::PublicKeyPem("not a key".to_owned()),
            audience: None,
        };
        assert!(
            TokenVerifier::new(&config)
                .unwrap_err()
                .to_string()
                .starts_with("NOVA_AUTH_PUBLIC_KEY: ")
        );
    }
}
