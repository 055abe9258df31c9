"""How much work a ranking does; more of it makes the same answers steadier."""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Effort:
    """Sizes of a ranking.

    Attributes
    ----------
    draws : int
        Null draws of the gate; 39 give p = 0.025 at best.
    rounds : int
        Forests that compare maps with their shadows.
    repeats : int
        Times that the cases are dealt into folds anew, for the observed outcome and for each draw.
    limit : int
        Most latents a case and class.
    trees : int
        In each forest.
    swaps : int
        Donors of each test case in the permutation importance.
    threads : int
        Draws at a time; never changes a number.
    """

    draws: int = 39
    rounds: int = 20
    repeats: int = 1
    limit: int = 150
    trees: int = 20
    swaps: int = 2
    threads: int = 2

    def check(self, alpha: float) -> None:
        """Refuse sizes that cannot answer at level `alpha`.

        Raises
        ------
        InputError
        """
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise InputError(f"effort {name} must be at least 1, got {getattr(self, name)}")
        if not 1 / (1 + self.draws) <= alpha < 1:
            raise InputError(
                f"{self.draws} null draws give p = {1 / (1 + self.draws):.3f} at best, which "
                f"cannot reach alpha = {alpha}; use more draws or an alpha between that and 1"
            )


STANDARD = Effort()
