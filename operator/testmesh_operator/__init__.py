"""TestMesh operator."""
