"""What the routes of models' quality answer."""
