"""Files to micrographs that are fit to be measured: readers, region, filters, quality."""
