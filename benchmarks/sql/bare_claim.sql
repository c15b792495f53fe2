select m.msg_id, m.message ->> 'delivery', e.id::text, e.type, e.payload::text
from pgmq.read('webhooks', 60, %(count)s) m
join events e on e.id = (m.message ->> 'event')::uuid
