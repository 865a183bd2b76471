"""Images of every format decode to the same colours, or are rejected in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mtl.data.disk.decode import DamagedFileError, read_image

SMOOTH = np.stack(np.meshgrid(np.arange(0, 160, 4), np.arange(0, 240, 5), [40, 90, 200])[:2], 0)[0].astype(np.uint8)
COLOURS = Image.fromarray(SMOOTH)  # 48 x 40


def encoded(kind: str, image: Image.Image = COLOURS, **options) -> bytes:
    image.save(raw := io.BytesIO(), kind, **options)
    return raw.getvalue()


def header_alone(side: int) -> bytes:
    """A PNG that claims to be a square of this side."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


def sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


SAME = {  # encodings of the same colours, and their tolerance
    "png": (encoded("PNG"), 0),
    "bmp": (encoded("BMP"), 0),
    "tiff": (encoded("TIFF", compression="tiff_lzw"), 0),
    "webp": (encoded("WEBP", lossless=True), 0),
    "alpha": (encoded("PNG", COLOURS.convert("RGBA")), 0),
    "several_frames": (encoded("WEBP", lossless=True, save_all=True, append_images=[COLOURS.rotate(180)]), 0),
    "jpeg": (encoded("JPEG", quality=100), 4),
    "progressive_jpeg": (encoded("JPEG", quality=100, progressive=True), 4),
    "cmyk_jpeg": (encoded("JPEG", COLOURS.convert("CMYK"), quality=100), 6),
    "exif_is_not_applied": (encoded("JPEG", quality=100, exif=sideways()), 4),
}
GREY = COLOURS.convert("L")
PALETTE = COLOURS.quantize(16)
SAME_AS = {  # with fewer colours than the original
    "grey": (encoded("PNG", GREY), GREY),
    "grey_and_alpha": (encoded("PNG", GREY.convert("LA")), GREY),
    "one_bit": (encoded("PNG", GREY.convert("1")), GREY.convert("1")),
    "palette": (encoded("PNG", PALETTE), PALETTE),
    "palette_with_transparency": (encoded("PNG", PALETTE, transparency=bytes([0, 100] * 8)), PALETTE),
    "palette_with_a_transparent_colour": (encoded("PNG", PALETTE, transparency=3), PALETTE),
}


@pytest.mark.parametrize("case", SAME)
def test_same_colours_in_any_format(tmp_path, case):
    content, tolerance = SAME[case]
    (tmp_path / "x").write_bytes(content)
    image = read_image(tmp_path / "x")
    assert (image.dtype, image.shape) == (np.uint8, (3, 48, 40))
    assert np.abs(image.astype(int) - SMOOTH.transpose(2, 0, 1)).max() <= tolerance


@pytest.mark.parametrize("case", SAME_AS)
def test_grey_and_palettes_are_colours_too(tmp_path, case):
    content, shown = SAME_AS[case]
    (tmp_path / "x").write_bytes(content)
    assert np.array_equal(read_image(tmp_path / "x"), np.array(shown.convert("RGB")).transpose(2, 0, 1))


REFUSED = {
    "nothing": (b"", "probably truncated at 0 bytes"),
    "words": (b"not a picture", "cannot identify image file"),
    "grey_of_16_bits": (encoded("PNG", Image.fromarray(SMOOTH[..., 0].astype(np.uint16))), "pixels of mode I;16"),
    "real_numbers": (encoded("TIFF", GREY.convert("F")), "pixels of mode F; save 8-bit colours"),
    "another_colour_space": (encoded("TIFF", COLOURS.convert("LAB")), "pixels of mode LAB; save 8-bit colours"),
    "header_of_a_giant": (header_alone(60000), "claims more pixels than an image has"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_holds_no_colours_is_named(tmp_path, case):
    content, message = REFUSED[case]
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DamagedFileError) as caught:
        read_image(tmp_path / "x")
    assert str(caught.value).startswith(f"{tmp_path}/x: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("case", ["png", "bmp", "tiff", "webp", "jpeg", "progressive_jpeg", "cmyk_jpeg"])
@pytest.mark.parametrize("part", [0.3, 0.6])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's name for the directory of a TIFF file
def test_cut_picture_is_never_filled_up(tmp_path, case, part):
    content, _ = SAME[case]
    (tmp_path / "x").write_bytes(content[: int(part * len(content))])
    with pytest.raises(DamagedFileError, match="probably truncated at"):
        read_image(tmp_path / "x")


def test_missing_file_is_called_missing(tmp_path):
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name, message in {"loop.png": "is a link to a file that does not exist", "none.png": "missing"}.items():
        with pytest.raises(DamagedFileError, match=f"{name}: {message}"):
            read_image(tmp_path / name)
