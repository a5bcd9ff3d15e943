"""How good a recommender is: the same cases, metrics and exclusions for every system."""
