import numpy as np

from napari_latentattr.ranking.rows import Rows, classes_in_groups, draw_sample
from napari_latentattr.ranking.units import patients_as_units

RNG = np.random.default_rng(0)
ROWS = Rows(
    values=RNG.standard_normal((4, 30, 2)).astype(np.float32),
    inside=RNG.random((4, 30)) < 0.8,
    label=(RNG.random((4, 30)) < 0.2).astype(np.int64),
    map_of=np.arange(2),
    classes=("elsewhere", "labelled"),
    units=patients_as_units("abcd"),
)


def test_a_sample_stays_in_the_body_and_repeats_nothing():
    sample = draw_sample(ROWS, ROWS.label, np.random.default_rng(0), limit=5)
    assert ROWS.inside[sample.case, sample.place].all()
    assert len(set(zip(sample.case, sample.place, strict=True))) == len(sample.case)
    assert np.array_equal(sample.label, ROWS.label[sample.case, sample.place])


def test_a_sample_holds_the_limit_of_each_class_and_case_or_all_there_is():
    sample = draw_sample(ROWS, ROWS.label, np.random.default_rng(0), limit=5)
    for case in range(4):
        for label in range(2):
            there = (ROWS.inside[case] & (ROWS.label[case] == label)).sum()
            drawn = ((sample.case == case) & (sample.label == label)).sum()
            assert drawn == min(5, there)


def test_values_come_from_the_donor_at_the_same_place():
    sample = draw_sample(ROWS, ROWS.label, np.random.default_rng(0), limit=3)
    donor = np.array([1, 2, 3, 0])
    shadow = sample.values(ROWS, donor)
    for row, (case, place) in enumerate(zip(sample.case, sample.place, strict=True)):
        assert np.array_equal(shadow[row], ROWS.values[donor[case], place])


def test_a_class_outside_the_body_is_not_counted():
    nowhere = Rows(
        ROWS.values, np.zeros_like(ROWS.inside), ROWS.label, ROWS.map_of, ROWS.classes, ROWS.units
    )
    assert classes_in_groups(ROWS, ROWS.label).all()
    assert not classes_in_groups(nowhere, ROWS.label).any()
