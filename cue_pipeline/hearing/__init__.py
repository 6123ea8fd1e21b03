"""Sound as evidence: which track is heard in which stem."""

from cue_pipeline.hearing.match import MatchEvidence, match_evidence

__all__ = ["MatchEvidence", "match_evidence"]
