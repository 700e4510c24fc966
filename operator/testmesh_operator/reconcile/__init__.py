"""What should be, from what is: level-based decisions that know no kopf."""
