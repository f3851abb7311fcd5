"""Every write about models and their nights: one function for each verb."""
