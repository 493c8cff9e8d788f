"""What proves a report: masks that are kept, hashes, the audit trail, the ledger of corrections by hand."""
