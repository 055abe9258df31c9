"""Drive the real window through every step and state, and take its picture each time.

Usage: xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" \
           python scripts/make_screenshots.py OUT [LOOK ...]

OUT gets a PNG for each state and look, to be looked at: ``dark_5_ranked.png``. Settings of napari
and kept results of other sessions are neither read nor changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from window_scene import LOOKS, Scene


def empty_states(scene: Scene) -> None:
    """Nothing is loaded."""
    for i, step in enumerate(("study", "maps", "inspect")):
        scene.go(step)
        scene.shoot(f"1{'abc'[i]}_empty_{step}")
    scene.dock.help.setChecked(True)
    scene.shoot("2_keys")
    scene.dock.help.setChecked(False)


def one_person(scene: Scene) -> None:
    """From the real images of one person to its pictures."""
    dock = scene.dock
    dock.open_demo()
    scene.finish()
    scene.shoot("3_study")
    scene.go("maps")
    scene.shoot("4a_not_ranked")
    dock.maps.rank.click()
    scene.stop_early("4b_ranking")
    scene.shoot("4c_stopped")
    dock.maps.rank.click()
    scene.finish()
    scene.shoot("5_ranked")
    scene.go("inspect")
    scene.shoot("6_not_measured")
    dock.inspect.measure_all.click()
    scene.finish()
    scene.shoot("7_measured")
    dock.inspect.closer.go.click()
    scene.finish()
    scene.shoot("8a_where")
    scene.go("inspect", down=True)
    scene.shoot("8b_where_end")
    pictures(scene, "8")


def pictures(scene: Scene, number: str) -> None:
    """Check the picture, show it side by side and in 3D, ask one latent, draw, traverse."""
    closer, dims = scene.dock.inspect.closer, scene.viewer.dims
    closer.check.button.click()
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}g_checked")
    closer.all.setChecked(True)
    scene.finish()
    scene.shoot(f"{number}c_side_by_side")
    closer.all.setChecked(False)
    scene.finish()
    dims.ndisplay = 3
    scene.shoot(f"{number}d_where_3d")
    dims.ndisplay = 2
    closer.place.activated.emit(closer.place.count() - 1)  # one latent, at the cursor
    closer.go.click()
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}h_one_latent")
    closer.place.activated.emit(0)
    closer.views.setCurrentIndex(1)
    closer.go.click()
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}e_drawn")
    dims.ndisplay = 3
    scene.shoot(f"{number}f_drawn_3d")
    dims.ndisplay = 2
    closer.traverse.click()
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}i_traversal")
    cases(scene, number)
    closer.views.setCurrentIndex(0)


def cases(scene: Scene, number: str) -> None:
    """Find the cases with most of the map, open one, and make up what excites it."""
    closer = scene.dock.inspect.closer
    closer.views.setCurrentIndex(2)
    scene.go("inspect", down=True)
    scene.shoot(f"{number}j_no_cases_yet")
    closer.cases.find.click()
    scene.finish()
    closer.cases.most.tiles[0].picture.click()
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}k_top_cases")
    closer.cases.lowest.click()
    scene.shoot(f"{number}l_lowest_cases")
    closer.cases.lowest.click()
    closer.views.setCurrentIndex(3)
    scene.go("inspect", down=True)
    scene.shoot(f"{number}m_nothing_made_up")
    closer.excites.go.click()
    scene.settle(until=lambda: scene.dock.session.preview is not None)
    scene.go("inspect", down=True)
    scene.shoot(f"{number}n_making_up")
    scene.finish()
    scene.go("inspect", down=True)
    scene.shoot(f"{number}o_made_up")


def errors(scene: Scene) -> None:
    """Show what the engine refuses, what nobody foresaw, and the question about code."""
    from qtpy.QtCore import QMimeData, QUrl

    from napari_latentattr.core.errors import InputError, UntrustedModelError
    from napari_latentattr.widgets.drops import dropped_file

    footer = scene.dock.footer
    footer.show_error(
        InputError(
            "case c1: channel FLAIR has grid 182x218x182, the stack has 91x109x91; resample it or "
            "set resample: true"
        )
    )
    scene.shoot("9a_error")
    try:
        raise RuntimeError("the unforeseen")
    except RuntimeError as error:
        footer.show_error(error, doing="Ranking 8 maps")
    footer.details.click()
    scene.shoot("9b_unknown_error")
    image = QMimeData()
    image.setUrls([QUrl.fromLocalFile("/brain.nii.gz")])
    try:
        dropped_file(image)
    except InputError as error:
        footer.show_error(error)
    scene.shoot("9c_wrong_file")
    refused = UntrustedModelError(
        "models/mine.py (sha256 3f2a81c09b4d) is Python code, which runs when it is opened; trust "
        "it, or ask its author for weights alone"
    )
    footer.show_error(refused, fix=("Open in trusted mode…", lambda: None))
    scene.shoot("9d_code")
    ask(scene, refused, "9e_trust")
    footer.ready()


def ask(scene: Scene, error: Exception, name: str) -> None:
    """Take the picture of the question whether code may run, and say no."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    from napari_latentattr.widgets.trust import is_trusted

    def answer() -> None:
        question = QApplication.activeModalWidget()
        question.grab().save(str(scene.out / f"{scene.look}_{name}.png"))
        question.close()

    QTimer.singleShot(300, answer)
    is_trusted(error, scene.dock)


def open_layers(scene: Scene) -> None:
    """Images that are open already, and the model that fits them."""
    from napari_latentattr.layers import dti_sample
    from napari_latentattr.samples.folders import sample_folder

    scene.dock.canvas.clear()
    for data, meta, kind in dti_sample():
        getattr(scene.viewer, f"add_{kind}")(data, **meta)
    scene.go("study")
    scene.dock.study.use_layers.click()
    scene.dock.open_path(sample_folder("dti") / "grouped.safetensors")
    form = scene.dock.study.layers
    form.model.arguments.setText("n_maps: 8, ndim: 2, encoder: grouped, width: 16")
    form.model.arguments.home(False)
    form.scaling.setCurrentText("leave as they are")
    scene.shoot("10a_open_layers")
    form.go.click()
    scene.finish()
    scene.shoot("10b_open_layers_study")


def simulated(scene: Scene) -> None:
    """Ask simulated patients in 3D, also for an outcome that the maps do not carry."""
    dock = scene.dock
    dock.open_path(cohort())
    scene.finish()
    scene.shoot("11a_cohort")
    dock.maps.outcome.setCurrentText("outcome")
    scene.go("maps")
    dock.maps.rank.click()
    scene.finish()
    scene.shoot("11b_gate_not_passed")
    dock.maps.outcome.setCurrentText("lesion")
    dock.maps.rank.click()
    scene.finish()
    scene.shoot("11c_ranked")
    scene.go("inspect")
    dock.inspect.measure_all.click()
    scene.finish()
    scene.go("inspect")
    scene.shoot("11d_measured")
    groups_of_cases(scene)
    scene.go("inspect", down=True)
    dock.inspect.closer.go.click()
    scene.finish()
    show_lesion(scene)
    scene.shoot("11e_region")
    pictures(scene, "12")


def groups_of_cases(scene: Scene) -> None:
    """Look for groups among the patients, and at where they lie by the outcome."""
    cohort = scene.dock.cohort
    scene.go("cohort")
    scene.shoot("13a_cohort_empty")
    cohort.look.click()
    scene.finish()
    scene.go("cohort")
    scene.shoot("13b_cohort")
    cohort.colour.setCurrentText("outcome")
    scene.go("cohort", down=True)
    scene.shoot("13c_cohort_outcome")


def show_lesion(scene: Scene) -> None:
    """Go to a patient with a lesion, and to the slice with most of it."""
    import numpy as np

    from napari_latentattr.widgets.own_layers import go_to

    session = scene.dock.session
    cases = session.volumes
    sizes = [int(cases.region(i, "lesion").sum()) for i in range(len(cases))]
    session.select(case=int(np.argmax(sizes)))
    scene.finish()
    scene.dock.inspect.closer.go.click()
    scene.finish()
    stack = session.latents.stack
    place = np.argwhere(cases.region(session.selection.case, "lesion")).mean(axis=0)
    layer = scene.viewer.layers[stack.channels[0]]
    world = layer.data_to_world(place)
    go_to(scene.viewer, dict(zip(layer.axis_labels, map(float, world), strict=True)))


def cohort() -> Path:
    """Simulate the patients once for all looks."""
    from napari_latentattr.cohort.simulated import write_cohort

    folder = Path(os.environ["NAPARI_LATENTATTR_DATA"]).parent / "cohort"
    study = folder / "study.yaml"
    return study if study.exists() else write_cohort(folder)


def take(look: str, out: Path) -> None:
    """Take all pictures of one look."""
    scene = Scene(look, out)
    for part in (empty_states, one_person, errors, open_layers):
        part(scene)
    scene.viewer.close()
    scene = Scene(look, out)
    simulated(scene)
    scene.viewer.close()


def main(arguments: list[str]) -> int:
    """Take pictures, one process a look, so that none sees what another left."""
    out, looks = Path(arguments[0]), arguments[1:] or list(LOOKS)
    out.mkdir(parents=True, exist_ok=True)
    if "NAPARI_LATENTATTR_SHOOT" in os.environ:
        take(looks[0], out)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for look in looks:
            environment = {
                **os.environ,
                "NAPARI_CONFIG": f"{folder}/{look}.yaml",
                "NAPARI_LATENTATTR_DATA": f"{folder}/{look}",
                "NAPARI_LATENTATTR_SHOOT": "1",
            }
            subprocess.run([sys.executable, __file__, str(out), look], env=environment, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
