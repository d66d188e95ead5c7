//! Whether there is a console, and for whom.

use std::path::PathBuf;

use nova_runtime::{ApiConfig, AuthConfig, AuthKey, ConfigError, Env, Secret};

const SWITCH: &str = "NOVA_CONSOLE";
const HOSTS: &str = "NOVA_CONSOLE_HOSTS";
const CONTROL: &str = "NOVA_CONSOLE_CONTROL";

/// A console that was asked for and is allowed.
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// What tokens are signed with.
    pub(super) secret: Secret,
    /// For whom tokens are meant, if the API asks.
    pub(super) audience: Option<String>,
    /// `NOVA_CONSOLE_HOSTS`, separated by commas: names beside the loopback ones that the page may be opened under.
    pub(super) hosts: Vec<String>,
    /// `NOVA_CONSOLE_CONTROL`: the socket of the development stack's supervisor. Without it no server can be paused.
    pub(super) control: Option<PathBuf>,
}

impl ConsoleConfig {
    /// Reads `NOVA_CONSOLE` (`on` or `off`, the default) and what belongs to it.
    ///
    /// # Errors
    /// When it is on without a secret to sign tokens with, or on an address that others can reach and no
    /// `NOVA_CONSOLE_HOSTS` says that this is meant.
    pub fn from_env(
        env: &Env,
        api: &ApiConfig,
        auth: &AuthConfig,
    ) -> Result<Option<Self>, ConfigError> {
        if !env.switch_or(SWITCH, false)? {
            return Ok(None);
        }
        let AuthKey::Secret(secret) = &auth.key else {
            return Err(ConfigError::new(
                SWITCH,
                "is for development with NOVA_AUTH_SECRET; with NOVA_AUTH_PUBLIC_KEY nobody here can sign tokens",
            ));
        };
        let hosts: Vec<String> = env
            .get(HOSTS)
            .unwrap_or_default()
            .split(',')
            .map(|host| host.trim().to_ascii_lowercase())
            .filter(|host| !host.is_empty())
            .collect();
        if hosts.is_empty() && !api.addr.ip().is_loopback() {
            return Err(ConfigError::new(
                SWITCH,
                format!(
                    "signs tokens for anybody, and NOVA_API_ADDR={} is not a loopback address; name the hosts it may be opened under in {HOSTS} if this is meant",
                    api.addr
                ),
            ));
        }
        Ok(Some(Self {
            secret: secret.clone(),
            audience: auth.audience.clone(),
            hosts,
            control: env.get(CONTROL).map(PathBuf::from),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    fn read(pairs: &[(&str, &str)]) -> Result<Option<ConsoleConfig>, ConfigError> {
        let env = Env::from_pairs(pairs.iter().copied());
        let auth = AuthConfig::from_env(&env)?;
        ConsoleConfig::from_env(&env, &ApiConfig::from_env(&env)?, &auth)
    }

    #[test]
    fn it_is_off_unless_told_otherwise() {
        for off in ["", "off"] {
            let config = read(&[("NOVA_AUTH_SECRET", LONG), (SWITCH, off)]).unwrap();
            assert!(config.is_none(), "{off}");
        }
        assert!(read(&[("NOVA_AUTH_SECRET", LONG), (SWITCH, "yes")]).is_err());
        let on = read(&[("NOVA_AUTH_SECRET", LONG), (SWITCH, "on")]).unwrap();
        assert!(on.unwrap().control.is_none());
    }

    #[test]
    fn it_refuses_to_be_a_production_console() {
        let public_key = read(&[("NOVA_AUTH_PUBLIC_KEY", "-----BEGIN…"), (SWITCH, "on")]);
        assert_eq!(public_key.unwrap_err().variable, SWITCH);

        let open = [
            ("NOVA_AUTH_SECRET", LONG),
            (SWITCH, "on"),
            ("NOVA_API_ADDR", "0.0.0.0:8080"),
        ];
        let refused = read(&open).unwrap_err().to_string();
        assert!(refused.contains(HOSTS), "{refused}");
        let meant = [&open[..], &[(HOSTS, "Dev.example, other")]].concat();
        assert_eq!(
            read(&meant).unwrap().unwrap().hosts,
            ["dev.example", "other"]
        );
    }
}
