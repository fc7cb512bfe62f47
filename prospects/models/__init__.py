"""Who people are."""

from prospects.models.imports import ImportBatch, ImportRow
from prospects.models.people import Program, Prospect, Site
from prospects.models.segment import Segment
from prospects.models.suppression import Suppression

__all__ = ["ImportBatch", "ImportRow", "Program", "Prospect", "Segment", "Site", "Suppression"]
