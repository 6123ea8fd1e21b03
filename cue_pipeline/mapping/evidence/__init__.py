"""Sound as evidence: which track is heard in which group."""

from cue_pipeline.mapping.evidence.match import MatchEvidence, match_evidence

__all__ = ["MatchEvidence", "match_evidence"]
