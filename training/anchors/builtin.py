"""The anchors every receipt has."""

from training.anchors.champion import Champion
from training.anchors.cox import Cox
from training.anchors.known import Anchor
from training.anchors.logistic import LOGISTIC
from training.anchors.prior import Prior
from training.anchors.renewal_date import RENEWAL_DATE
from training.anchors.vendor import FORMULAS
from training.model import HealthModel
from training.scorecard import Scorecard


def anchors(scorecard: Scorecard, champion: HealthModel | None = None) -> tuple[Anchor, ...]:
    """All built-in anchors, in the order people read them; the champion where there is one."""
    vendors = tuple(formula.anchor(scorecard) for formula in FORMULAS)
    known = (Champion(champion),) if champion is not None else ()
    return (LOGISTIC, Cox(), RENEWAL_DATE, Prior(scorecard), *vendors, *known)
