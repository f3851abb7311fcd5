"""What every app stands on in the database: backend, constraints, triggers. Knows no app."""
