"""Template filters of the platform's own pages."""
