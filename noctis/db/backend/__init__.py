"""The database engine, named in settings as `noctis.db.backend`. Holds no queries."""
