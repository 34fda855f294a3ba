"""Money that is locked for payments without a network, played at random against a model that shares nothing with it."""
