"""The laboratory's memory: a database that finds again what the reports say, which stay the evidence."""
