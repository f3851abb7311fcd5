"""How fast the API refuses while the database is gone, in milliseconds over HTTP."""
