-- One at a time enables or disables a store's installation for the cutover, and says why in its state.
SELECT pg_advisory_xact_lock(hashtextextended('pideai-whatsapp cutover ' || %(store_id)s::text, 0))
