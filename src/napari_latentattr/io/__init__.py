"""Files in and out; the only place where xyz meets zyx."""
