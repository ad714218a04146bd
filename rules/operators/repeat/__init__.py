"""复述: whether the agent said back what the customer wants and gave, and whether the customer confirmed it."""
