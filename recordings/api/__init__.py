"""`/v1` routes of nights: find, parse, call, answer."""
