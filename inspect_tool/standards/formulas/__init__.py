"""Formulas of named standards: numbers to numbers, the clause cited, a worked example each."""
