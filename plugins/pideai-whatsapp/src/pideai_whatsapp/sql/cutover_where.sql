SELECT c.state FROM pideai_whatsapp.cutovers c WHERE c.store_id = %(store_id)s
