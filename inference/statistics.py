"""A night in numbers, as the AASM counts them; gaps are unknown, never wake or sleep."""
