-- Forget whose changes were that nobody brings any more: the sweep looks back 13 days.
DELETE FROM pideai_whatsapp.cutover_changes WHERE noted_at < now() - interval '15 days'
