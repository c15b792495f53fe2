-- Whether the migrations of this package are there.
SELECT to_regclass('pideai_whatsapp.cutovers') IS NOT NULL
   AND to_regclass('pideai_whatsapp.sends') IS NOT NULL AS is_migrated
