"""Who carries a message: one interface, one module a provider."""
