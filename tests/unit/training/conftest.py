import pytest
import torch
from small_set import CARD, make


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def flaws(tmp_path_factory):
    """12 items to train on, 4 held out."""
    return make(tmp_path_factory.mktemp("flaws") / "set")


@pytest.fixture(scope="session")
def corners(tmp_path_factory):
    return make(tmp_path_factory.mktemp("corners") / "set", schema=CARD)
