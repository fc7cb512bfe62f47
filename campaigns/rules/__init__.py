"""The rules over all campaigns: how close touches may be, one campaign at a time, colleagues, countries.

`ruling` reads and changes them. The decision counts by `touching` with what `touched` and `lining_up` load, the gate
asks `keeping_apart`, the audience's sum `waiting`, an answer `colleagues`; `waking` looks again when one has ended.
"""
