"""Which step comes next for somebody whose sequence was changed. Pure."""

from collections.abc import Collection, Sequence


def first_in(new: Sequence[str], *, old: Sequence[str], at: str, got: Collection[str]) -> str:
    """The key of the step with which somebody goes on in `new`, "" when nothing is left for them.

    They stand before the step `at` of `old` ("": behind the last), and `got` is what was ever handed over to them.
    They go on with the first step of the new order that they have not got and

    - that was still ahead of them in the old one, wherever it stands now, or
    - that was added, and stands behind everything that lay behind them.

    What they passed without getting it (a condition left it out) does not come back by itself. A step that lay behind
    them and was removed holds its place before what came after it, or behind what came before it.
    """
    place = old.index(at) if at in old else _behind(old, got) if at else len(old)
    passed = {*old[:place], *got}
    ahead = {key for key in old[place:] if key not in passed}
    fence = max((_place(key, old, new) for key in passed), default=0)
    return next(
        (
            key
            for position, key in enumerate(new)
            if key not in got and (key in ahead or (key not in old and position >= fence))
        ),
        "",
    )


def rest(new: Sequence[str], *, first: str, got: Collection[str]) -> tuple[str, ...]:
    """What somebody gets who goes on with `first`, in order: everything from there on that they have not got."""
    return tuple(key for key in new[new.index(first) :] if key not in got) if first else ()


def _behind(old: Sequence[str], got: Collection[str]) -> int:
    """Where somebody stands of whom only is known what they got: behind the last of it."""
    return max((place + 1 for place, key in enumerate(old) if key in got), default=0)


def _place(passed: str, old: Sequence[str], new: Sequence[str]) -> int:
    """How many places of the new order lie behind whoever has passed this step."""
    if passed in new:
        return new.index(passed) + 1
    if passed not in old:
        return 0
    place = old.index(passed)
    later = next((key for key in old[place + 1 :] if key in new), None)
    earlier = next((key for key in reversed(old[:place]) if key in new), None)
    if later is not None:
        return new.index(later)
    return new.index(earlier) + 1 if earlier is not None else 0
