-- Forget jobs that had no turn for a month: their plugin has them no more.
delete from pideai_host.plugin_jobs where began_at < now() - interval '30 days'
