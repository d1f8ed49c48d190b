"""Pickles, NumPy archives and MATLAB files: refused from their headers, in one line, with nothing executed."""

import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from helpers import benchmark_file

from sciml.data import check_mat, check_npy, check_npz, check_torch_file
from sciml.status import DataError


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def repacked(path: Path, change) -> None:
    """The archive with `change(name, content)` applied to every member, and checksums that match again."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def test_tensors_and_plain_values_pass(tmp_path: Path):
    parameter = torch.nn.Parameter(torch.ones(2))
    content = {
        "state_dict": OrderedDict(a=torch.ones(3), b=parameter, c=torch.zeros(2, dtype=torch.bool)),
        "numbers": [1, 2.5, None, True, (1, 2)],
        "set": {1, 2},
        "bytes": b"\x00\xff",
        "size": torch.ones(2, 3).shape,
        "dtype": torch.float32,
        "complex": torch.ones(2, dtype=torch.complex128),
    }
    torch.save(content, tmp_path / "fine.pt")
    check_torch_file(tmp_path / "fine.pt")
    moments = {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2), "max_exp_avg_sq": None}
    torch.save({"state": {0: moments}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}, tmp_path / "fine.pt")
    check_torch_file(tmp_path / "fine.pt")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, protocol: int):
    target = tmp_path / "touched"
    torch.save({"state_dict": Evil(target)}, tmp_path / "bad.pt", pickle_protocol=protocol)
    with pytest.raises(DataError) as caught:
        check_torch_file(tmp_path / "bad.pt")
    assert str(caught.value).startswith(f"{tmp_path / 'bad.pt'}: data.pkl ")
    assert "\n" not in str(caught.value)
    assert not target.exists()
    # The file is dangerous indeed: unpickled, it does touch.
    torch.load(tmp_path / "bad.pt", weights_only=False)
    assert target.exists()


@pytest.mark.parametrize("name", ["builtins eval", "os system", "torch.hub load", "sciml.describe build"])
def test_only_listed_names_pass(tmp_path: Path, name: str):
    torch.save(torch.ones(2), tmp_path / "bad.pt")
    wanted = b"c" + name.replace(" ", "\n").encode() + b"\n"
    repacked(tmp_path / "bad.pt", lambda n, c: c.replace(b"ctorch._utils\n_rebuild_tensor_v2\n", wanted))
    with pytest.raises(DataError, match=f"data.pkl names {name.replace(' ', '.')}"):
        check_torch_file(tmp_path / "bad.pt")


def test_plain_pickles_and_odd_archives_are_refused(tmp_path: Path):
    path = tmp_path / "bad.pt"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="no sound torch file"):
        check_torch_file(path)
    torch.save(torch.ones(2), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("bad/extra/data.pkl", pickle.dumps(1))
    with pytest.raises(DataError, match="holds 2 pickles"):
        check_torch_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../data.pkl", pickle.dumps(1))
    with pytest.raises(DataError, match="leads outside the archive"):
        check_torch_file(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad/data.pkl", pickle.dumps(1))
    with pytest.raises(DataError, match="is compressed"):
        check_torch_file(path)
    with pytest.raises(DataError, match="no such file"):
        check_torch_file(tmp_path / "nothing.pt")


def test_a_damaged_torch_file_is_refused(tmp_path: Path):
    path = tmp_path / "weights.pt"
    torch.save({"w": torch.arange(1000.0)}, path)
    whole = path.read_bytes()
    middle = whole.index(np.arange(500, 510, dtype="float32").tobytes())
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 16]) + whole[middle + 1 :])
    with pytest.raises(DataError, match="does not match its checksum"):
        check_torch_file(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="no sound torch file"):
        check_torch_file(path)


@pytest.mark.parametrize("name", ["darcy_train_16.pt", "burgers_train_16.pt", "mini_car.pt", "holed_poisson.pt"])
def test_third_party_tensors_pass_without_torch(name: str):
    path = str(benchmark_file(name))
    code = "import sys; from sciml.data import check_torch_file as f; f(sys.argv[1]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_object_arrays_are_refused(tmp_path: Path):
    target = tmp_path / "touched"
    objects = np.array([Evil(target)], dtype=object)
    np.savez(tmp_path / "bad.npz", fine=np.ones(2), u=objects)
    np.save(tmp_path / "bad.npy", objects)
    with pytest.raises(DataError, match=r"bad\.npz: u\.npy: holds Python objects"):
        check_npz(tmp_path / "bad.npz")
    with pytest.raises(DataError, match=r"bad\.npy: holds Python objects"):
        check_npy(tmp_path / "bad.npy")
    assert not target.exists()


def test_sound_arrays_pass_and_sizes_are_limited(tmp_path: Path):
    np.savez_compressed(tmp_path / "a.npz", u=np.zeros((100, 100)), text=np.array(["a", "b"]))
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    check_npz(tmp_path / "a.npz")
    check_npy(tmp_path / "a.npy")
    with pytest.raises(DataError, match=r"u\.npy: declares \(100, 100\)"):
        check_npz(tmp_path / "a.npz", max_bytes=1000)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(DataError, match="declares 96 bytes and holds 88"):
        check_npy(tmp_path / "a.npy")


def test_an_archive_member_that_is_no_array_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("u.npy", b"\x93NUMPY\x01\x00 nonsense")
    with pytest.raises(DataError, match=r"u\.npy: no \.npy header"):
        check_npz(tmp_path / "a.npz")


def test_matlab_files_hold_numbers_or_are_refused(tmp_path: Path):
    scipy.io.savemat(tmp_path / "fine.mat", {"u": np.ones((2, 3)), "name": "text", "flag": np.array([True])})
    check_mat(tmp_path / "fine.mat")
    with pytest.raises(DataError, match=r"u: declares \(2, 3\)"):
        check_mat(tmp_path / "fine.mat", max_bytes=50)
    scipy.io.savemat(tmp_path / "bad.mat", {"u": {"a": 1}})
    with pytest.raises(DataError, match="u: of class struct"):
        check_mat(tmp_path / "bad.mat")
    (tmp_path / "bad.mat").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="no sound MATLAB file"):
        check_mat(tmp_path / "bad.mat")
    with pytest.raises(DataError, match="no such file"):
        check_mat(tmp_path / "nothing.mat")
