"""`/v1` routes of models, predictions and staged nights: find, parse, call, answer."""
