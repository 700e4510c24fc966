"""A real Kubernetes cluster for the demo and the tests: a context that exists, kind, or one node run by hand."""
