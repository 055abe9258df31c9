"""Options of the commands that ask which cases; loads no method."""

from __future__ import annotations

import argparse

from napari_latentattr.commands.picture_options import latent_index


def add_cases_options(parser: argparse.ArgumentParser) -> None:
    """Add the map, and what its cases are ordered by."""
    parser.add_argument("--map", type=int, metavar="K", required=True, help="a map by number")
    parser.add_argument("--top", type=int, default=9, metavar="N", help="cases a list (default 9)")
    parser.add_argument(
        "--by",
        choices=("activation", "relevance"),
        default="activation",
        help="how much of the map, or how much it helps to predict the outcome",
    )
    parser.add_argument(
        "--pool",
        choices=("mean", "peak"),
        default="mean",
        help="what counts as activation: the mean over the body, or its highest value",
    )


def add_clusters_options(parser: argparse.ArgumentParser) -> None:
    """Add the layout of the picture."""
    parser.add_argument(
        "--layout",
        choices=("pca", "tsne"),
        default="pca",
        help="of the picture; changes no group (default pca)",
    )


def add_maximise_options(parser: argparse.ArgumentParser) -> None:
    """Add what is to be excited, and how many pictures are made up."""
    parser.add_argument("--map", type=int, metavar="K", required=True, help="a map by number")
    parser.add_argument(
        "--voxel",
        type=latent_index,
        metavar="I,J,K",
        help="excite this latent alone: its index in the latent map",
    )
    parser.add_argument(
        "--toward",
        choices=("high", "low"),
        default="high",
        help="reach the 99 %% or the 1 %% quantile of the cohort (default high)",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="pictures to make up (default 3)"
    )
    parser.add_argument(
        "--spread",
        type=float,
        default=0.05,
        metavar="X",
        help="how far pictures may differ; 3 asks for different ones (default 0.05)",
    )
