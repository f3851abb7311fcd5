"""The console's pages of models and of staged nights."""

from inference.admin import models as models
from inference.admin import nights as nights
from inference.admin import pins as pins
