-- Which of these messages of a topic ClickHouse has put aside: no row will come of them.
-- Reads: dead_letters by its key.
-- Cost: one granule per message.
SELECT DISTINCT dead_letters.partition AS partition, dead_letters.offset AS offset
FROM dead_letters
WHERE dead_letters.topic = {topic:String}
  AND (dead_letters.partition, dead_letters.offset) IN {positions:Array(Tuple(UInt64, UInt64))}
  AND disposition = 'quarantined'
