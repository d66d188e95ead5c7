//! Values that cannot be understood: counted, logged now and then, and taken for a miss.

use std::fmt::Display;
use std::sync::atomic::{AtomicI64, Ordering};

use ::metrics::counter;

use crate::metrics::CORRUPT;

/// At most one line per so many seconds: a bad value under a hot key is read thousands of times per second.
const LOG_EVERY_SECONDS: i64 = 5;

static LAST_LOGGED: AtomicI64 = AtomicI64::new(0);

/// Reports a value of kind `what`. The value itself is not logged: it may hold what users wrote.
pub(crate) fn report(what: &'static str, key: &str, reason: impl Display) {
    counter!(CORRUPT, "what" => what).increment(1);
    let now = chrono::Utc::now().timestamp();
    let last = LAST_LOGGED.load(Ordering::Relaxed);
    let due = now - last >= LOG_EVERY_SECONDS;
    if due
        && LAST_LOGGED
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    {
        tracing::warn!(what, key, %reason, "a value in Redis cannot be understood: taken for a miss");
    }
}
