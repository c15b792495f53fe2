create temporary table fresh (
  n integer, order_id uuid, event_id uuid, id uuid, store_id uuid, installation_id uuid, bulk boolean
)
