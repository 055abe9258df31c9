"""Results as pictures for print; drawn without a window and without state."""
