select delivery_id, credit_type, state
from pideai_host.credit_holds
where store_id = %(store_id)s and plugin = %(plugin)s and delivery_id = %(delivery_id)s
