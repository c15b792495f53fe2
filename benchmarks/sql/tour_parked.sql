select not exists (select from public.plugin_events_log where installation_id = {id} and status = 'pending')
