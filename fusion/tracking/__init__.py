"""How tracks live: the recursion, its two engines, births, association, status."""
