"""Several backends on one job: how far apart they are."""
