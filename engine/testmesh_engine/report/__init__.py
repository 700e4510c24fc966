"""One file for each report: what a result looks like to a person or a tool."""
