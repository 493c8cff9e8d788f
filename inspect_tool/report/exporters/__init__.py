"""Views of a report: each writes one file and computes nothing."""
