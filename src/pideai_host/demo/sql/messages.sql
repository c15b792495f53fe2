select message_type, customer_phone, message_content, status, credit_type
from public.whatsapp_messages
where store_id = %(store_id)s and order_id = any (%(orders)s::uuid[])
order by created_at
