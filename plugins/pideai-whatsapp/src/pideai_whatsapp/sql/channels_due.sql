-- Channels whose provider is to be asked now, those first that were not asked for longest: soon while something is under
-- way, seldom while only the owner can do something, once where a phone may be linked that nobody told of. A row a store:
-- no index is worth its keep.
SELECT c.store_id
  FROM pideai_whatsapp.channels c
 WHERE (c.state <> 'unlinked' OR c.reason IS NULL AND (c.checked_at IS NULL OR c.checked_at < c.since))
   AND (c.checked_at IS NULL
        OR c.checked_at < now() - interval '1 second' * CASE
            WHEN c.state IN ('connecting', 'suspect', 'unlinked') OR c.outage_since IS NOT NULL AND c.state = 'open'
                THEN %(soon_s)s
            WHEN c.state = 'open' THEN %(open_s)s
            ELSE %(seldom_s)s END)
 ORDER BY c.checked_at NULLS FIRST
 LIMIT %(limit)s
