"""One module a page: each asks the jobs and the ledger, and hands values to a template."""
