"""Who people are: prospects, sites, segments, suppression, imports."""
