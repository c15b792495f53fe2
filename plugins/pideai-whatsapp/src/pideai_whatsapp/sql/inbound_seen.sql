SELECT i.message_id FROM pideai_whatsapp.inbound i WHERE i.store_id = %(store_id)s AND i.message_id = ANY (%(ids)s)
