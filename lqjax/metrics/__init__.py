"""Classification metrics, intervals and significance."""
