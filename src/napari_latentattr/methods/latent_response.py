"""Whether the encoder reads again what the decoder draws: change a map, decode, encode, compare."""

from __future__ import annotations

import time
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_response import LatentResponse
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.types import CaseSource, Float64, ImageStack, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.cases import check_picture, companions, latents_in_body
from napari_latentattr.methods.donors import Pair, pair_cases
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes


def latent_response(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    *,
    cases: int = 8,
    donors: int = 1,
    seed: int = 0,
    progress: Progress = SILENT,
) -> LatentResponse:
    """Say whether each map draws what it alone reads again, or what other maps read too.

    One map of a case is taken from another case, the picture is drawn and encoded again, and every
    map is compared with what it is when the case's own maps are drawn and encoded again.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
        At least 2 cases of different patients; latents outside their masks do not count.
    cases : int
        Cases, drawn at random, that maps are exchanged in; at most all of the cohort.
    donors : int
        Other cases that each of them receives from, never of the same patient.

    Returns
    -------
    LatentResponse

    Raises
    ------
    InputError
        When no case can receive, or the cases have different voxels.
    ModelError
        When model and cohort do not fit.

    Notes
    -----
    From the paper, as the code published with it computes it: one latent variable is resampled from
    what it is in other cases, the response is ``encode(decode(code))``, both codes of a pair are
    compared after it, and an entry is a root mean square with the variable that was changed in the
    row; it stays in the units of the latent.

    Ours: a variable is a whole map, so the mean is also over its latents in the body; donors are
    whole cases of other patients; and column i is divided by the root mean square distance of map
    i between the same pairs of cases before decoding. With that, an autoencoder with
    ``encode(decode(code)) == code`` has the identity.

    Cost: ``cases * (1 + donors * K)`` decodings, each with an encoding of what was drawn, and one
    encoding a case.

    References
    ----------
    Leeb, Bauer, Besserve, Schölkopf: Exploring the latent space of autoencoders with
    interventional assays, NeurIPS, 2022 (arXiv 2106.16091).
    """
    began = time.perf_counter()
    fitted, pairs = over_volumes(model, cohort), _pairs(cohort, cases, donors, seed)
    exchange = _Exchange(fitted, cohort)
    ends = np.cumsum([len(others) * fitted.spec.n_maps for _, others in pairs]).tolist()
    with fitted.running():
        for (case, others), done in zip(pairs, [0, *ends], strict=False):
            exchange.receive(case, others, progress, done, steps=ends[-1])
    progress.report(ends[-1], ends[-1], "exchanging latent maps")
    if not exchange.n_cases:
        raise InputError("no case holds the centre of a latent in its mask; check the masks")
    return LatentResponse(
        maps=fitted.maps,
        matrix=exchange.matrix(),
        n_cases=exchange.n_cases,
        donors=max(len(others) for _, others in pairs),
        unit_name=cohort.unit_name,
        provenance=Provenance(
            method="latent_response",
            params={"cases": cases, "donors": donors, **skip_flag(fitted.spec.skips)},
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=exchange.data_sha256(),
            versions=installed_versions(fitted.spec.device),
        ).timed(time.perf_counter() - began),
    )


def _pairs(cohort: CaseSource, cases: int, donors: int, seed: int) -> list[Pair]:
    if cases < 1 or donors < 1:
        raise InputError(
            f"a latent response needs at least 1 case and 1 donor, got {cases} and {donors}"
        )
    companions(cohort, "a latent response")
    pairs = [p for p in pair_cases(cohort.units, donors=donors, seed=seed) if p[1]]
    if not pairs:
        raise InputError(
            f"all {len(cohort)} cases are of {cohort.units[0]}, so none can give its maps to "
            "another; add cases of other patients"
        )
    return pairs[:cases]


class _Exchange:
    """Sums over pairs of cases: what was moved by each map, and how far apart the cases are."""

    def __init__(self, model: LatentModel | SlicewiseModel, cohort: CaseSource) -> None:
        self.model, self.cohort = model, cohort
        n_maps = model.spec.n_maps
        self.moved, self.apart = np.zeros((n_maps, n_maps)), np.zeros(n_maps)
        self.largest = np.zeros(n_maps)
        self.codes: dict[int, Tensor] = {}
        self.hashes: dict[int, bytes] = {}
        self.n_cases = 0

    def receive(
        self, case: int, others: list[int], progress: Progress, done: int, steps: int
    ) -> None:
        """Exchange every map of one case with those of the others; none of its latents may count.

        `done` of all `steps` were done before.
        """
        progress.report(done, steps, "exchanging latent maps")
        stack = self.cohort[case]
        mine = self._code(case, stack)
        weight = self._weight(stack, mine)
        if weight is None:
            return
        self.n_cases += 1
        picture = self.model.decode_tensor(mine)
        check_picture(picture[0].float().cpu().numpy(), stack)
        own = self.model.encode_tensor(picture)
        for other in others:
            theirs = self._code(other, self.cohort[other])
            if theirs.shape != mine.shape:
                raise InputError(
                    f"case {self.cohort.cases[other]} has maps of {_size(theirs)}, case "
                    f"{stack.case} of {_size(mine)}; bring all cases onto the same voxels"
                )
            self.apart += _mean_square(theirs - mine, weight)
            for k in range(len(self.apart)):
                done += 1
                progress.report(done, steps, "exchanging latent maps")
                mixed = mine.clone()
                mixed[:, k] = theirs[:, k]
                again = self.model.encode_tensor(self.model.decode_tensor(mixed))
                self.moved[k] += _mean_square(again - own, weight)

    def matrix(self) -> Float64:
        """Root of what moved over what differs, (K, K); NaN for maps that are equal in all."""
        still = self.apart <= (1e-6 * self.largest) ** 2
        return np.asarray(np.sqrt(self.moved / np.where(still, np.nan, self.apart)))

    def data_sha256(self) -> str:
        """Digest of the images of all cases that took part."""
        return sha256(b"".join(self.hashes[i] for i in sorted(self.hashes))).hexdigest()

    def _code(self, case: int, stack: ImageStack) -> Tensor:
        if case not in self.codes:
            self.hashes[case] = sha256(np.ascontiguousarray(stack.data).data).digest()
            x = as_tensor(stack.data[None]).to(self.model.spec.device)
            self.codes[case] = code = self.model.encode_tensor(x)
            peak = code[0].abs().flatten(1).amax(1).double().cpu().numpy()
            self.largest = np.maximum(self.largest, peak)
        return self.codes[case]

    def _weight(self, stack: ImageStack, code: Tensor) -> Tensor | None:
        """(V,) weight of each latent, summing to 1 over the body; None when none counts."""
        inside = latents_in_body(stack, self.model.spec, code.shape[2:]).ravel()
        if not inside.any():
            return None
        return torch.from_numpy(inside / inside.sum()).to(code.device)


def _mean_square(change: Tensor, weight: Tensor) -> Float64:
    """Weighted mean square (K,) over the latents of (1, K, *L)."""
    square: Float64 = (change[0].flatten(1).double().square() @ weight).cpu().numpy()
    return square


def _size(code: Tensor) -> str:
    return "x".join(map(str, code.shape[2:]))
