"""Every write of this app: one function for each verb, one transaction, one audit entry."""
