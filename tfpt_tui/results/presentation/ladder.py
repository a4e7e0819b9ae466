"""What ``tfpt-tui advise`` found: a ladder from the plain program to the advised one."""

from __future__ import annotations

from collections.abc import Sequence

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.runs.tasks.advise import Advice, Learning, Rung

WORDS = 26


def ladder_text(advice: Advice) -> str:
    """Lines for one framework: a rung each, what failed, and the whole gain."""
    first, *others = advice.ladder
    lines = [
        f"{title_of(advice.framework)}: {advice.candidates or 'no'} candidates raced, {advice.seconds:.0f} s",
        f"  {'plain':<{WORDS}} {first.images_per_s:7.0f} images/s",
        *(f"  {f'+ {rung.added}':<{WORDS}} {rung.images_per_s:7.0f} images/s  {_factor(rung)}" for rung in others),
        f"  {'all against plain' if advice.is_slower else 'advised against plain':<{WORDS}} {'':7}           "
        + _factor(advice.whole),
        *["  nothing is gained here: plain is advised"] * advice.is_slower,
    ]
    if advice.learning:
        lines.append(learning_text(advice.learning))
    if advice.raced:
        raced = ", ".join(f"{one.what} x{one.factor:.2f}" for one in advice.raced)
        lines.append(f"  in the races, roughly, beside the first arm of each: {raced}")
    lines += [f"  failed: {loser.what}: {loser.why}" for loser in advice.losers]
    return "\n".join(lines)


def learning_text(learning: Learning) -> str:
    """What the advice costs in accuracy, or gains."""
    accuracies = (f"{one:.3f}" if one is not None else "none" for one in (learning.asked, learning.advised))
    return "  test accuracy {} as asked, {} with {}".format(*accuracies, learning.changed)


def summary_text(advices: Sequence[Advice]) -> str:
    """How the advised configurations stand beside each other, and what the figures mean."""
    lines = [
        "x: how many times as fast as the rung below, with the 95 % interval of one duel of all rungs, which"
        " covers that processes differ each time they are started",
    ]
    if len(advices) > 1:
        rates = ", ".join(f"{title_of(one.framework)} {one.advised.images_per_s:.0f} images/s" for one in advices)
        lines.insert(0, f"advised: {rates}; not measured beside each other: a duel of the preset does that")
    return "\n".join(lines)


def _factor(rung: Rung) -> str:
    if rung.factor is None:
        return "not measured"
    if rung.low is None or rung.high is None:
        return f"x{rung.factor:.2f}, uncertain: others used the cores in too many rounds"
    return f"x{rung.factor:.2f} [{rung.low:.2f}, {rung.high:.2f}]"
