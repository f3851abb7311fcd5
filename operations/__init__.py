"""The platform's own health: storage policies, backup; domain apps carry none of its plumbing."""
