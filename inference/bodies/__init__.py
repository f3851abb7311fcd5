"""The bodies of the routes of models, predictions and staged nights."""
