"""The plugin's own tables, schema ``pideai_whatsapp``: one file a step, with what undoes it in ``rollback``."""
