"""Facts to pages: building the report, drawing its figures, rounding its numbers, rendering its template."""
