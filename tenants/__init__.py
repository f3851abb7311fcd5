"""Who owns what, and who may call: tenants, operators, service clients, keys, the audit log."""
