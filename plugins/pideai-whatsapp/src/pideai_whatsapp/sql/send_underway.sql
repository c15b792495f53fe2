-- Whether a message is being handed over now: a report of one that nobody knows may be of it.
SELECT EXISTS (
    SELECT FROM pideai_whatsapp.sends s
     WHERE s.store_id = %(store_id)s AND s.state = 'claimed' AND s.provider_message_id IS NULL
       AND s.claimed_at > clock_timestamp() - interval '30 seconds'
) AS is_underway
