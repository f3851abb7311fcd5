"""`/internal` routes of upkeep: find, parse, call, answer."""
