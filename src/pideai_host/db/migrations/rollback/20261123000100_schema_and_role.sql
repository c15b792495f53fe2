-- The role stays: it belongs to the cluster, and other databases may use it.
revoke all on schema public from pideai_host;
revoke all on schema pideai_host from pideai_host;
