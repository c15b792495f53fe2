SELECT o.line FROM pideai_whatsapp.opt_outs o WHERE o.store_id = %(store_id)s AND o.line = ANY (%(lines)s)
