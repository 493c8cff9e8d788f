"""The run: the only room that knows the order of the steps, and what is done to a job around it."""
