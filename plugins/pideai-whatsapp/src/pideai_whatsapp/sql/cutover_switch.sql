-- Change the sides, all at once (migrations/004_cutover.sql).
SELECT pideai_whatsapp.switch_sides(%(to)s, %(stores)s::uuid[], %(is_over)s, %(listed)s::uuid[], %(revision)s,
                                    %(triggers)s::jsonb) AS switched_at
