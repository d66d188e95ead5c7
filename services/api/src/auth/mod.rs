//! Bearer tokens: JSON Web Tokens whose `sub` is the user.

mod accepted;
mod token;
mod verifier;

pub use token::{TokenError, sign, sign_for};
pub use verifier::{KeyError, Refusal, TokenVerifier};
