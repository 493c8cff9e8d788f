"""The laboratory's memory: an index of its reports in a database."""
