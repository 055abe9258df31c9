"""What is said of one case, or of several that were selected; others are named by links."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from napari_latentattr.core.clusters import Clusters, group_letter
from napari_latentattr.widgets.text import MUTED

_MOST_NAMED = 12


def case_words(found: Clusters, case: int, which: int) -> str:
    """Group of a case, how much of a map it has, and which cases are most alike, as rich text."""
    if case < 0:
        return "The case whose images are shown is not among these."
    parts = [f"<b>{escape(found.cases[case])}</b>"]
    if found.count:
        label = int(found.labels[case])
        parts.append(f"group {group_letter(label)}" if label >= 0 else "in no group")
    elif found.outlier[case]:
        parts.append("far from all others")
    if which < found.activation.shape[1]:
        parts.append(f"map {which} at {found.activation[case, which]:+.1f} sd")
    alike = ", ".join(_link(found, int(i)) for i in found.alike[case])
    return f"{' · '.join(parts)}<br>most alike: {alike}"


def chosen_words(found: Clusters, cases: Sequence[int]) -> str:
    """Count and name selected cases, as rich text; empty when there are none."""
    if not cases:
        return ""
    patients = len({found.patients[i] for i in cases})
    one, single = len(cases) == 1, patients == 1
    named = ", ".join(_link(found, i) for i in cases[:_MOST_NAMED])
    more = f" and {len(cases) - _MOST_NAMED} more" if len(cases) > _MOST_NAMED else ""
    return (
        f"<b>{len(cases)} case{'' if one else 's'} selected, "
        f"{patients} patient{'' if single else 's'}</b><br>{named}{more}"
    )


def _link(found: Clusters, case: int) -> str:
    """Name of a case, to be clicked; the link is its position."""
    return f'<a href="{case}" style="color:{MUTED}">{escape(found.cases[case])}</a>'
