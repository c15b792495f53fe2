delete from pideai_host.plugin_storage where store_id = %(store_id)s and plugin = %(plugin)s and key = %(key)s
