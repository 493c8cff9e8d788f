"""Corrections drawn on a picture: what is drawn becomes labels, is kept as a draft, and ends in the ledger of edits."""
