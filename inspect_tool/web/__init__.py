"""The workbench: inspections on a screen, for a technician who never opens a text editor."""
