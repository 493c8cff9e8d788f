"""Numbers about numbers: uncertainty budgets, scatter of fields, agreement of two methods."""
