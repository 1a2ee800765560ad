import asyncio
import base64
import hashlib
from pathlib import Path

import pytest

from example_project.census.distributions import (
    DistributionFacts,
    DistributionGone,
    check_distribution,
    distribution_names,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one distribution: two files, and a record of them."""
    record = []
    for name in ("shop.py", "cart.py"):
        content = f"# {name}\n".encode()
        (tmp_path / name).write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(content)}")
    info = tmp_path / "shop-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: shop\nVersion: 1.2\nLicense-Expression: MIT\n"
    )
    (info / "RECORD").write_text("\n".join([*record, "shop-1.2.dist-info/RECORD,,"]) + "\n")
    return tmp_path


def checked(folder: Path) -> DistributionFacts:
    return asyncio.run(check_distribution("shop", folder=folder))


def test_files_that_are_as_installed_pass(folder: Path):
    facts = checked(folder)

    assert (facts.name, facts.version, facts.licence) == ("shop", "1.2", "MIT")
    assert (facts.files_checked, facts.bytes_checked) == (2, 20)
    assert (facts.altered, facts.missing) == ((), ())


def test_an_edited_file_shows(folder: Path):
    (folder / "cart.py").write_text("import antigravity\n")

    assert checked(folder).altered == ("cart.py",)


def test_a_lost_file_shows(folder: Path):
    (folder / "shop.py").unlink()

    assert checked(folder).missing == ("shop.py",)


def test_the_licence_is_read_from_older_metadata_too(folder: Path):
    metadata = folder / "shop-1.2.dist-info" / "METADATA"
    head = "Metadata-Version: 2.1\nName: shop\nVersion: 1.2\n"

    metadata.write_text(f"{head}Classifier: License :: OSI Approved :: BSD License\n")
    assert checked(folder).licence == "BSD License"
    metadata.write_text(f"{head}License: Two lines\n        of it\n")
    assert checked(folder).licence == "Two lines"
    metadata.write_text(head)
    assert checked(folder).licence == ""


def test_names_come_sorted_and_remains_without_a_name_are_passed_over(folder: Path):
    for name, metadata in (("art", "Name: art\nVersion: 1\n"), ("~broken", "Version: 1\n")):
        info = folder / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}")

    assert distribution_names(folder) == ["art", "shop"]


def test_a_distribution_that_was_uninstalled_meanwhile_is_told(folder: Path):
    with pytest.raises(DistributionGone, match="no distribution named gone"):
        asyncio.run(check_distribution("gone", folder=folder))
