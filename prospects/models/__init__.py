"""Who people are."""

from prospects.models.imports import ImportBatch, ImportChunk, ImportRow
from prospects.models.people import Note, Program, Prospect, Site, searchable
from prospects.models.segment import Segment
from prospects.models.suppression import Suppression

__all__ = [
    "ImportBatch",
    "ImportChunk",
    "ImportRow",
    "Note",
    "Program",
    "Prospect",
    "Segment",
    "Site",
    "Suppression",
    "searchable",
]
