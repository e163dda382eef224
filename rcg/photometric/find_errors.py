"""What can be wrong with a picture in which one card is looked for."""

from __future__ import annotations

from rcg.errors import InputError

PHOTOGRAPH_HINT = (
    "Photograph one card, flat and out of its holder, with all four edges in view "
    "and some plain background around it."
)


class NoCardError(InputError):
    """Nothing in the picture has four straight edges in the shape of a card."""

    code = "no_card"

    def __init__(self, picture: str, why: str = "") -> None:
        super().__init__(
            f"No card was found in the picture {picture}{why}.", PHOTOGRAPH_HINT, picture=picture
        )


class SeveralCardsError(InputError):
    """More than one card is in the picture."""

    code = "several_cards"

    def __init__(self, picture: str, count: int) -> None:
        super().__init__(
            f"{count} cards were found in the picture {picture}; a capture is of one card.",
            "Photograph one card at a time.",
            picture=picture,
            count=count,
        )


class CardCutOffError(InputError):
    """The card leaves the picture."""

    code = "card_cut_off"

    def __init__(self, picture: str, side: str) -> None:
        super().__init__(
            f"The card leaves the picture {picture} at the {side}.",
            "Photograph the whole card, with some background on each side.",
            picture=picture,
            side=side,
        )


class FramesDifferError(InputError):
    """The frames of one capture must have one size."""

    code = "frames_differ"

    def __init__(self, first: str, other: str) -> None:
        super().__init__(
            f"The frames have different sizes: {first} and {other}.",
            "Take all frames of a capture with one camera at one setting, and do not crop them.",
        )
