"""What the host costs, beside a bare pipeline without plugins, tenants or limits (docs/benchmarks.md)."""
