-- Note beforehand whose changes are, so that little is left for the moment of the lock.
SELECT pideai_whatsapp.note_changes(%(stores)s::uuid[], %(side)s, now() - %(back_s)s * interval '1 second') AS noted
