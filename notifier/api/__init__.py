"""HTTP for billing: events in, and whether the engine is well."""
