from pathlib import Path

import pytest

from example_project.census.discovery import (
    FolderRefused,
    is_permitted_file,
    package_of,
    permitted_folder,
    python_files,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("shop/cart.py", "shop/__init__.py", "tool.py", "notes.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return root


def names(files, root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in files]


class TestFinding:
    def test_python_files_are_found_in_every_folder_in_order(self, root: Path):
        assert names(python_files(root), root) == ["tool.py", "shop/__init__.py", "shop/cart.py"]

    def test_caches_and_hidden_folders_are_left_out(self, root: Path):
        for folder in ("__pycache__", ".git", "shop/node_modules"):
            (root / folder).mkdir()
            (root / folder / "copy.py").write_text("")

        assert len(python_files(root)) == 3

    def test_a_pattern_and_a_limit_narrow_it(self, root: Path):
        assert names(python_files(root, pattern="c*.py"), root) == ["shop/cart.py"]
        assert names(python_files(root, limit=1), root) == ["tool.py"]

    def test_a_link_to_a_folder_is_not_followed(self, root: Path):
        (root / "again").symlink_to(root)

        assert len(python_files(root)) == 3

    def test_a_link_to_a_file_that_is_gone_is_found(self, root: Path):
        (root / "gone.py").symlink_to("nowhere.py")

        assert "gone.py" in names(python_files(root), root)

    def test_the_package_is_the_first_folder_or_the_module_itself(self, root: Path):
        assert package_of(root / "shop/cart.py", folder=root) == "shop"
        assert package_of(root / "tool.py", folder=root) == "tool"


class TestPermission:
    def test_a_root_and_what_is_below_it_are_permitted(self, root: Path):
        assert permitted_folder(str(root), roots=[root]) == root
        assert permitted_folder(str(root / "shop"), roots=[root]) == root / "shop"

    def test_a_relative_folder_is_looked_for_below_the_roots(self, root: Path, tmp_path: Path):
        other = tmp_path / "other"
        other.mkdir()

        assert permitted_folder("shop", roots=[other, root]) == root / "shop"

    @pytest.mark.parametrize("text", ["/", "..", "shop/../..", "/etc"])
    def test_a_folder_outside_is_refused(self, root: Path, text: str):
        with pytest.raises(FolderRefused, match="is not below"):
            permitted_folder(text, roots=[root])

    def test_a_name_that_only_begins_like_a_root_is_refused(self, root: Path):
        sibling = root.with_name("root-of-another")
        sibling.mkdir()

        with pytest.raises(FolderRefused, match="is not below"):
            permitted_folder(str(sibling), roots=[root])

    def test_a_link_that_leads_out_is_refused(self, root: Path, tmp_path: Path):
        (root / "out").symlink_to(tmp_path)

        with pytest.raises(FolderRefused, match="is not below"):
            permitted_folder("out", roots=[root])

    @pytest.mark.parametrize("text", ["tool.py", "missing"])
    def test_what_is_no_folder_is_refused(self, root: Path, text: str):
        with pytest.raises(FolderRefused, match="is not a folder"):
            permitted_folder(text, roots=[root])

    def test_a_nul_character_is_refused(self, root: Path):
        with pytest.raises(FolderRefused, match="NUL"):
            permitted_folder("shop\0", roots=[root])

    def test_a_file_is_permitted_where_its_link_leads(self, root: Path, tmp_path: Path):
        (root / "secret.py").symlink_to(tmp_path / "secret.py")

        assert is_permitted_file(root / "tool.py", folders=[root])
        assert not is_permitted_file(root / "secret.py", folders=[root])
