"""From C++ to what runs: a bootable image, a process, or a shared library."""

from naclc.image.build import build_image, build_shared_library
from naclc.image.target import BuildFailure, Image, Library, Target

__all__ = ["BuildFailure", "Image", "Library", "Target", "build_image", "build_shared_library"]
