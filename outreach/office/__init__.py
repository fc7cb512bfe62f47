"""The back office as a site: who may enter, where its doors lead, and what its pages may run."""
