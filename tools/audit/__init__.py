"""The audits of others, against the service as it runs in production: `make audit`."""
