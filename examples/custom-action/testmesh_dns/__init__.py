"""An action for TestMesh that looks up host names."""
