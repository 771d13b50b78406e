"""Anchors: simple ways to tell who leaves, proven beside the model on the same accounts and the same knowledge."""

from training.anchors.builtin import anchors
from training.anchors.champion import LAST_CHAMPION, Champion
from training.anchors.known import Anchor, Known, Risks

__all__ = ["LAST_CHAMPION", "Anchor", "Champion", "Known", "Risks", "anchors"]
