from collections.abc import Sequence
from pathlib import Path

from django import forms

from . import places
from .discovery import FolderRefused, permitted_folder


class CensusForm(forms.Form):
    """What to count. `folders` of the cleaned data are permitted and exist."""

    folder = forms.CharField(
        required=False,
        label="Folder",
        help_text="Leave empty for the installed packages and a few broken samples.",
        widget=forms.TextInput(attrs={"list": "folders", "autocomplete": "off"}),
    )
    pattern = forms.CharField(
        initial="*.py", max_length=100, label="File names", help_text="Such as *.py or test_*.py."
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="At most",
        help_text="Files of each folder; empty for all.",
    )

    def clean_folder(self) -> str:
        text: str = self.cleaned_data["folder"]
        if text:
            try:
                return str(permitted_folder(text, roots=places.roots()))
            except FolderRefused as error:
                raise forms.ValidationError(str(error), code="refused") from error
        return text

    @property
    def folders(self) -> Sequence[Path]:
        """The folders that were asked for, or the usual ones."""
        named = self.cleaned_data["folder"]
        return [Path(named)] if named else places.usual_folders()
