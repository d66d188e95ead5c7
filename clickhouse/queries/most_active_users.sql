-- Who sent most client events of late: for whom feeds and suggestions are worth preparing.
-- Reads: user_activity_1h by its leading key column, the hour.
-- Cost: the events of the window, 36 bytes each; for jobs, not for requests. The answer is at most max_users rows.
-- An event that came twice counts once, also where it says another hour the second time.
SELECT user_id, uniqExact(event_id) AS n
FROM user_activity_1h
WHERE hour > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND hour <= {now:DateTime64(6, 'UTC')}
GROUP BY user_id
ORDER BY n DESC, UUIDToNum(user_id) DESC
LIMIT {max_users:UInt32}
