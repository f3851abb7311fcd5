"""Every write of nights: one function for each verb, one transaction."""
