"""A third party's view: a report recomputed from its masks, its pages, its signatures, its audit trail."""
