"""From today's six triggers to the host, store by store, and back: each change is announced by exactly one side."""
