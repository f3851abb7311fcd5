"""The bodies of the routes of nights: what is taken, what is answered."""
