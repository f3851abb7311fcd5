"""The bodies of the routes of upkeep: what is taken, what is answered."""
