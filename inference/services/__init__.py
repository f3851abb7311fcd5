"""Every write of models, predictions and staged nights: a function for each verb."""
