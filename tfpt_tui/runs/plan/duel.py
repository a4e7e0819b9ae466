"""What makes a plan a duel: its arms take turns, slice by slice, instead of running one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.errors import UsageError

RESTARTS = 3
# As many as are begun for an answer that does not come.
MOST_RESTARTS = 10
# One round is a turn of each arm, of about a second.
ROUNDS = 20
# What disturbed rounds are made up for with: so many times the rounds that were planned, at most.
MOST_TIMES = 2
# Of a race: few more than those with which an arm's place is known.
RACE_ROUNDS = 14
# Of a restart of a duel that ends with its answer, at most.
MOST_ROUNDS = 60
TURN_S = 1.0
SHORTEST_S = 2 * TURN_S
# Of a turn within the training that is planned: a few hundred milliseconds on a core or two, some on a GPU.
LEAST_STEPS = 10
# The type of the error of an arm that ended with another one.
DUEL_ENDED = "DuelEnded"
# An arm that is this much slower is given as many seconds as the other, not as many images.
ALIKE = 4.0


@dataclass(frozen=True)
class Duel:
    """How long it takes, and what follows.

    Attributes:
        accuracy: whether the arms of the last restart train on to their last epoch after the measuring.
        until: the precision of the ratio at which it ends, such as 0.02, or as soon as the answer is known; 0 for
            all restarts, each of :data:`ROUNDS` rounds.
        budget_s: seconds after which it ends without an answer, 0 for as long as it takes.
        race: whether arms that certainly are slower than the first are sent home early.
        turn_s: seconds of a turn.
    """

    accuracy: bool = False
    until: float = 0.0
    budget_s: float = 0.0
    race: bool = False
    turn_s: float = TURN_S

    @property
    def ends_early(self) -> bool:
        """Whether it looks at the answer after every round, and ends when it is known."""
        return not self.race and (self.until > 0 or self.budget_s > 0)


class NoDuelError(UsageError):
    """The rows of a plan cannot take turns; the message says why."""


def longest_turn(configs: Sequence[RunConfig], train_images: int) -> int:
    """The images of a turn with which the rounds that are planned, and what finds its length before, fit into each
    training.
    """
    trained = [
        config.epochs_trained * min(train_images, config.max_steps * config.batch_size or train_images)
        for config in configs
    ]
    return min(trained) // (ROUNDS + ROUNDS // 2)


def fits_into_trainings(configs: Sequence[RunConfig], train_images: int) -> bool:
    """Whether turns within them can be long enough to be timed; else they have a training of their own."""
    return longest_turn(configs, train_images) >= LEAST_STEPS * max(config.batch_size for config in configs)


def why_no_duel(configs: Sequence[RunConfig]) -> str:
    """Why the rows cannot take turns, "" where they can."""
    if len(configs) < 2:
        return "a duel needs two rows or more"
    if len({config.data for config in configs}) > 1:
        return "the arms of a duel train on one dataset"
    for config in configs:
        if TRACKS[config.track].compiles_in_clock:
            return f"the clock of the track {config.track} is a whole training in one go"
        if config.measure not in ("end_to_end", "model"):
            return f"measure={config.measure} is no training that could be parted into turns"
    return ""
