"""Runs a flow: steps, attempts, deadlines, scope. The only place where time passes."""
