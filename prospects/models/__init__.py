"""Who people are."""

from prospects.models.history import (
    CustomFieldEvent,
    ProgramEvent,
    ProspectEvent,
    SegmentEvent,
    SiteEvent,
    SuppressionEvent,
)
from prospects.models.imports import ImportBatch, ImportChange, ImportChunk, ImportRow, SavedMapping
from prospects.models.people import Program, Prospect, Site, searchable
from prospects.models.relationship import Engagement, File, Note, PrivacyRecord, Stage, StageChange
from prospects.models.sameness import Address, Duplicate, Merge
from prospects.models.segment import CustomField, Segment
from prospects.models.suppression import Suppression

__all__ = [
    "Address",
    "CustomField",
    "CustomFieldEvent",
    "Duplicate",
    "Engagement",
    "File",
    "ImportBatch",
    "ImportChange",
    "ImportChunk",
    "ImportRow",
    "Merge",
    "Note",
    "PrivacyRecord",
    "Program",
    "ProgramEvent",
    "Prospect",
    "ProspectEvent",
    "SavedMapping",
    "Segment",
    "SegmentEvent",
    "Site",
    "SiteEvent",
    "Stage",
    "StageChange",
    "Suppression",
    "SuppressionEvent",
    "searchable",
]
