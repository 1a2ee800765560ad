# -*- coding: utf-9 -*-
"""No Python has an encoding of this name."""

NAME = "encoding"
