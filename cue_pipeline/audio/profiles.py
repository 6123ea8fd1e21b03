"""Named sets of mel parameters, so that one pass over the audio fills several features.

==========  ==============================================================================
``default``   the ``CUE_MEL_*`` settings
``librosa``   what ``librosa.feature.melspectrogram`` makes of ``librosa.load`` with no options
``original``  the original system's: 64 bands, 2048/512, at the project's sample rate
``mt3``       as MT3's front end: 16 kHz, 512 HTK bands of 20–7600 Hz, magnitude, hop 128
==========  ==============================================================================

References
----------
Gardner et al., *MT3: Multi-Task Multitrack Music Transcription*, ICLR 2022; parameters from
``mt3/spectrograms.py`` and ``ddsp/spectral_ops.py`` (``compute_logmel``). MT3 frames from sample 0
on and pads the end; here, as everywhere, frame t is centred on sample t·hop, and the level is in
dB where MT3 takes ``log(x + 1e-5)``.
"""

from collections.abc import Sequence

from cue_pipeline.errors import SettingsError
from cue_pipeline.settings import MelSettings

DEFAULT_PROFILE = "default"

_FIXED: dict[str, MelSettings] = {
    "librosa": MelSettings(sr=22_050, n_fft=2_048, hop_length=512, n_mels=128),
    "mt3": MelSettings(
        sr=16_000, n_fft=2_048, hop_length=128, n_mels=512, fmin=20.0, fmax=7_600.0, htk=True,
        norm=None, power=1.0,
    ),
}  # fmt: skip

PROFILE_NAMES = (DEFAULT_PROFILE, "librosa", "original", "mt3")


def mel_profiles(names: Sequence[str], base: MelSettings) -> dict[str, MelSettings]:
    """Return the parameters of each named profile, ``default`` first.

    Parameters
    ----------
    names : sequence of str
        Any of :data:`PROFILE_NAMES`, in any case; ``default`` is always there.
    base : MelSettings
        The project's settings, which are the ``default`` profile.

    Raises
    ------
    SettingsError
        If a name is unknown.

    Examples
    --------
    >>> list(mel_profiles(["mt3"], MelSettings()))
    ['default', 'mt3']
    """
    profiles = {DEFAULT_PROFILE: base}
    for name in (n.strip().lower() for n in names):
        if name == "original":
            profiles[name] = MelSettings(sr=base.sr, n_fft=2_048, hop_length=512, n_mels=64)
        elif name in _FIXED:
            profiles[name] = _FIXED[name]
        elif name and name != DEFAULT_PROFILE:
            raise SettingsError(
                f"CUE_MEL_PROFILES names '{name}', which is no mel profile. "
                f"There are: {', '.join(PROFILE_NAMES)}."
            )
    return profiles
