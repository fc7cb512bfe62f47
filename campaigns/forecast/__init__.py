"""The forecast: how many leave each day from which mailbox, when a campaign ends, and what holds it up.

`foretelling` keeps forecasts and makes them anew; `forecasting` makes one: it loads who is under way (`ways`, with what
the rules know of them: `surroundings`), how many stop (`attrition`), lets `simulating` play the planner over them, and
says what held it up (`bottleneck`). `routes`, `crowds` and `neighbours` are the plain values that are played.
"""
