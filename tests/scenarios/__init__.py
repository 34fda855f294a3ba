"""Stories of money on a running network, each with every balance asserted: `python -m tests.scenarios [NAME …]`."""
