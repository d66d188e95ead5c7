//! What to simulate.

use std::time::Duration;

use url::Url;

/// What to simulate, against which API.
#[derive(Clone)]
pub struct SimulateOptions {
    /// The API's base URL, without a path.
    pub api: Url,
    /// The HS256 secret that the API checks tokens with.
    pub auth_secret: String,
    /// The audience the API asks for, if it does.
    pub audience: Option<String>,
    /// How many users there are.
    pub users: usize,
    /// Requests a second while running; 0 is as fast as it goes.
    pub rate: f64,
    /// Everything that is decided follows from it.
    pub seed: u64,
    /// How long to run after the population is there; none is until the token is cancelled.
    pub duration: Option<Duration>,
    /// Creates the users, their follows and the first posts before running, as fast as it goes.
    pub bootstrap: bool,
    /// Posts made while bootstrapping.
    pub first_posts: usize,
    /// Requests under way at once.
    pub concurrency: usize,
    /// How long a day takes, for the daily course of posting.
    pub day: Duration,
    /// Counts on stderr while it runs.
    pub quiet: bool,
}

impl SimulateOptions {
    /// 200 users, 50 requests a second, until cancelled.
    pub fn new(api: Url, auth_secret: impl Into<String>) -> Self {
        Self {
            api,
            auth_secret: auth_secret.into(),
            audience: None,
            users: 200,
            rate: 50.0,
            seed: 1,
            duration: None,
            bootstrap: true,
            first_posts: 400,
            concurrency: 16,
            day: Duration::from_secs(86_400),
            quiet: false,
        }
    }
}
