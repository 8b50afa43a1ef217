"""Who wrote what, when it was sent and acknowledged, and whether the state after a restart keeps the promises.

- **whole**: each writer's keys are exactly what they were after one of its changes: none half done, none out of order;
- **kept**: that change is not before the last that durability promises: the last acknowledged (`always`), the last
  acknowledged two seconds before the end (`everysec`), the last acknowledged before the last snapshot began (`rdb`);
- **together**: a change that is there implies all changes, of every writer, that were acknowledged before it was sent.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from crashes.writes import Model, State, difference


@dataclass
class Account:
    """One writer's changes since change `first`, which the last restart found (as does `model`).

    `sent_at` and `acked_at` have the moments of changes first + 1 and on.
    """

    model: Model
    first: int = 0
    sent_at: list[float] = field(default_factory=list)
    acked_at: list[float] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """The last number that was sent."""
        return self.first + len(self.sent_at)

    @property
    def acked(self) -> int:
        """The last number that was acknowledged."""
        return self.first + len(self.acked_at)

    def acked_before(self, moment: float) -> int:
        """The last number that was acknowledged before a moment."""
        return self.first + bisect_left(self.acked_at, moment)


@dataclass
class Verdict:
    """What a restart showed: how many acknowledged changes are gone, how old the first of them, broken promises."""

    lost: int = 0
    lost_s: float = 0.0
    broken: list[str] = field(default_factory=list)


class Ledger:
    """The accounts of all writers."""

    def __init__(self, writers: int) -> None:
        self.accounts = [Account(Model(writer)) for writer in range(writers)]

    def floors(self, moment: float) -> list[int]:
        """Each writer's last number that was acknowledged before a moment."""
        return [account.acked_before(moment) for account in self.accounts]

    def settle(self, states: list[State], floors: list[int], ended_at: float) -> Verdict:
        """Hold what a restart found against the promises; when they are kept, go on from there."""
        verdict = Verdict()
        for account, state, floor in zip(self.accounts, states, floors, strict=True):
            _find(account, state, floor, verdict)
        if not verdict.broken:
            self._check_together(verdict)
        for account in self.accounts:
            number = account.model.number
            if number < account.acked:
                verdict.lost += account.acked - number
                verdict.lost_s = max(verdict.lost_s, ended_at - account.acked_at[number - account.first])
        self.accounts = [Account(account.model, account.model.number) for account in self.accounts]
        return verdict

    def _check_together(self, verdict: Verdict) -> None:
        for account in self.accounts:
            number = account.model.number
            if number == account.first:
                continue
            sent_at = account.sent_at[number - account.first - 1]
            for other in self.accounts:
                if other.acked_before(sent_at) > other.model.number:
                    verdict.broken.append(
                        f"change {number} of writer {account.model.writer} is there, but not {other.model.number + 1} "
                        f"of writer {other.model.writer}, which was acknowledged before the other was sent"
                    )


def _find(account: Account, state: State, floor: int, verdict: Verdict) -> None:
    """Bring the account's model to the change that `state` is the outcome of."""
    model = account.model
    who = f"writer {model.writer} (from {account.first}, acknowledged {account.acked}, sent {account.sent})"
    nearest = ""
    while model.state() != state:
        if model.number == account.acked:
            nearest = difference(state, model.state())
        if model.number == account.sent:
            verdict.broken.append(f"{who}: no number of changes leads here; after the acknowledged {nearest}")
            return
        model.step()
    if model.number < floor:
        verdict.broken.append(f"{who}: {floor} was promised, {model.number} is the last")
