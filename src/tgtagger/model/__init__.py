"""The nouns, in the order a post meets them: plain frozen values, standard library only."""
