DELETE FROM pideai_whatsapp.opt_outs WHERE store_id = %(store_id)s AND line = %(line)s
