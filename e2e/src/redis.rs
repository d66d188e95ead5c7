//! Straight to Redis, past Nova.

use nova_domain::UserId;
use redis::aio::MultiplexedConnection;

use crate::world::World;

impl World {
    /// A connection of its own.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn redis(&self) -> MultiplexedConnection {
        redis::Client::open(self.stack.endpoints().redis.as_str())
            .expect("Redis's address")
            .get_multiplexed_async_connection()
            .await
            .expect("Redis answers")
    }

    /// Removes every page and snapshot of a user, as their time-outs would.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn forget_feeds_of(&self, user: UserId) {
        let mut redis = self.redis().await;
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("feed:*{user}*"))
            .query_async(&mut redis)
            .await
            .expect("KEYS");
        assert!(!keys.is_empty(), "{user} had no feed");
        let removed: usize = redis::cmd("DEL")
            .arg(&keys)
            .query_async(&mut redis)
            .await
            .expect("DEL");
        assert!(removed > 0);
    }

    /// Removes the list of hot posts; the job makes it again when ClickHouse answers.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn forget_hot_posts(&self) {
        let _: usize = redis::cmd("DEL")
            .arg(nova_cache::keys::HOT_POSTS)
            .query_async(&mut self.redis().await)
            .await
            .expect("DEL");
    }
}
