"""What the pages of the workbench show and do, one module for each room of it."""
