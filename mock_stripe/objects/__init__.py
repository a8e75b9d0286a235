"""The objects as Stripe renders them, with every key, so that the type checker finds a missing one."""
