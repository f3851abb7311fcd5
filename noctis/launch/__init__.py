"""Starting the platform on one machine: supervisor, demo, smoke. Wiring, imported by no app."""
