//! The numbers of the formula, checked before they are used.

use serde::{Deserialize, Serialize};

/// The largest weight, decay or coefficient accepted. Within it no score of finite input can overflow.
pub const MAX_COEFFICIENT: f64 = 1_000_000.0;

/// A number that the formula cannot use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Not a finite number from 0 to [`MAX_COEFFICIENT`].
    #[error("{field} must be a number from 0 to {MAX_COEFFICIENT}, not {value}")]
    OutOfRange {
        /// The field's name, for example `weights.freshness`.
        field: &'static str,
        /// What was given.
        value: f64,
    },
    /// Every weight is 0, so every post would score the same.
    #[error("at least one weight must be greater than 0")]
    NoWeight,
}

/// How much each term counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Of the post's age.
    pub freshness: f64,
    /// Of what everybody did with the post.
    pub engagement: f64,
    /// Of what the viewer did with the author's posts.
    pub affinity: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            freshness: 0.30,
            engagement: 0.40,
            affinity: 0.30,
        }
    }
}

/// The formula's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FormulaConfig {
    /// Weight of each term.
    pub weights: Weights,
    /// How fast freshness falls, per hour of age.
    pub decay_per_hour: f64,
    /// How many likes a comment is worth.
    pub comment_weight: f64,
    /// How many likes a share is worth.
    pub share_weight: f64,
}

impl Default for FormulaConfig {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            decay_per_hour: 0.10,
            comment_weight: 2.0,
            share_weight: 3.0,
        }
    }
}

impl FormulaConfig {
    /// Checks every number once, so that scoring need not.
    ///
    /// # Errors
    /// The first number that is not finite, negative or above [`MAX_COEFFICIENT`]; or that all weights are 0.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Weights {
            freshness,
            engagement,
            affinity,
        } = self.weights;
        for (field, value) in [
            ("weights.freshness", freshness),
            ("weights.engagement", engagement),
            ("weights.affinity", affinity),
            ("decay_per_hour", self.decay_per_hour),
            ("comment_weight", self.comment_weight),
            ("share_weight", self.share_weight),
        ] {
            // A NaN is in no range.
            if !(0.0..=MAX_COEFFICIENT).contains(&value) {
                return Err(ConfigError::OutOfRange { field, value });
            }
        }
        if freshness + engagement + affinity <= 0.0 {
            return Err(ConfigError::NoWeight);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(FormulaConfig::default().validate(), Ok(()));
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        for value in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.1,
            MAX_COEFFICIENT * 2.0,
        ] {
            let mut config = FormulaConfig::default();
            config.weights.affinity = value;
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains("weights.affinity"), "{error}");

            let config = FormulaConfig {
                decay_per_hour: value,
                ..FormulaConfig::default()
            };
            assert!(
                config
                    .validate()
                    .unwrap_err()
                    .to_string()
                    .contains("decay_per_hour")
            );
        }
    }

    #[test]
    fn one_weight_has_to_count() {
        let config = FormulaConfig {
            weights: Weights {
                freshness: 0.0,
                engagement: 0.0,
                affinity: 0.0,
            },
            ..FormulaConfig::default()
        };
        assert_eq!(config.validate(), Err(ConfigError::NoWeight));
    }
}
