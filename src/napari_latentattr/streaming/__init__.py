"""Many cases, encoded one after another in bounded memory."""
