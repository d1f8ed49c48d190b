"""`sciml generate`: a recipe becomes a data set."""

import argparse

from sciml.cli.arguments import LAYOUTS, change, count, described, shard_range
from sciml.status import ConfigError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers, "generate", "make a data set from a recipe", "sciml generate darcy_2d --samples 1000 --workers 2"
    )
    parser.add_argument("recipe", metavar="NAME|FILE", help="a data set of sciml list datasets, or a recipe file")
    parser.add_argument("--samples", type=count(1), metavar="N", help="number of samples, divided as the recipe says")
    for split in ("train", "valid", "test"):
        parser.add_argument(
            f"--{split}", type=count(0), metavar="N", help=f"number of samples of the {split} split alone"
        )
    parser.add_argument("--out", metavar="FOLDER", help="where to write; below SCIML_DATA (./data) by default")
    parser.add_argument(
        "--workers", type=count(1), default=1, metavar="N", help="processes; the files do not depend on it"
    )
    parser.add_argument(
        "--backend", choices=("process", "dask"), default="process", help="what runs the processes: our pool, or dask"
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="dask scheduler whose workers are used, tcp://host:8786, not new processes",
    )
    parser.add_argument(
        "--shard-range", type=shard_range, metavar="FIRST:STOP",
        help="make these shards only (job arrays); the same command without it completes the data set",
    )  # fmt: skip
    parser.add_argument(
        "--solver", type=described, metavar="CLASS", dest="linear_solver",
        help="linear solver instead of the recipe's, SparseDirect or {class_path: CG, init_args: {tol: 1e-10}}",
    )  # fmt: skip
    parser.add_argument(
        "--adaptive", action="store_true",
        help="learn all along which linear solver is the quickest; outputs are then equal to the tolerance only",
    )  # fmt: skip
    parser.add_argument("--seed", type=count(0), metavar="N", help="seed instead of the recipe's")
    parser.add_argument(
        "--set", type=change, action="append", default=[], dest="changes", metavar="KEY=VALUE",
        help="another value in the recipe, --set parameters.viscosity=0.001; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--layout", choices=LAYOUTS, help="also write the files of this layout, into a folder of its name inside --out"
    )
    parser.add_argument("--dry-run", action="store_true", help="check the recipe and solve one sample, write nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Generates; finished shards are kept, so the same command goes on after an interruption."""
    from sciml.cli.paths import folder_to_make, local
    from sciml.cli.recipes import check_recipe

    changes = dict(args.changes)
    recipe = check_recipe(args.recipe, changes)
    out = None if args.out is None else folder_to_make(local(args.out, "--out"), "--out")
    if args.train == args.valid == args.test == 0:
        raise ConfigError("generate: --train, --valid and --test are all 0; at least one sample is needed.")
    if args.scheduler is not None and args.backend != "dask":
        raise ConfigError(f"generate: --scheduler {args.scheduler} needs --backend dask.")
    from sciml.datagen import DaskBackend, ProcessBackend, generate
    from sciml.datagen.recipe_file import linear_solver

    solver = None if args.linear_solver is None else linear_solver(args.linear_solver, "--solver")
    dask = args.backend == "dask"
    backend = DaskBackend(args.scheduler, args.workers) if dask else ProcessBackend(args.workers)
    made = generate(
        recipe, samples=args.samples, train=args.train, valid=args.valid, test=args.test, out=out,
        seed=args.seed, progress=not args.quiet, dry_run=args.dry_run,
        changes=changes, layout=args.layout, backend=backend, shard_range=args.shard_range,
        linear_solver=solver, adaptive=args.adaptive,
    )  # fmt: skip
    print(made)
    return 0
