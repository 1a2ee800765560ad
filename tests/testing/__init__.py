import pytest

pytest.register_assert_rewrite(f"{__name__}.reproduced", f"{__name__}.timing_out")
