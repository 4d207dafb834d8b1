"""Draws the pictures of the README and the documentation, with the bundled model, from the sample photo.

python docs/draw.py [NAME ...]    hero, effects, dress, lens, edges, failures, place, choose, idphoto,
                                  anonymize, review or moving

All are drawn where none is named.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from standout import edit, idphotos, video
from standout.cli import main as standout
from standout.editing import Dress, Edit, People, Placement
from standout.editing.people import told_apart
from standout.editing.presets import PRESETS
from standout.effects import Anonymize, Blur, Checker, Color, Cut, Effect, Gradient, Lens, Replace, compose
from standout.idphotos.drawing import drawn
from standout.idphotos.sheet import sheet
from standout.images import read, write
from standout.lengths import Length, Point
from standout.masks.people import keep_largest
from standout.masks.people.numbered import numbered
from standout.segmenter import Segmenter
from standout.support.draw import CAPTION, captioned
from standout.types import Photo

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
sys.path.insert(0, str(DOCS.parent / "examples"))
from contact_sheet import on_checkerboard  # noqa: E402 (a script of ours, beside the package)
from draw_background import dusk  # noqa: E402

sys.path.insert(0, str(DOCS.parent / "benchmarks"))
from clips import FPS, play  # noqa: E402
from figure import scene  # noqa: E402

Array = np.ndarray


def row(cells: list[tuple[str, Array]], side: int) -> Array:
    """Captioned images in a row, each scaled to the height side."""
    done = []
    for text, image in cells:
        width = round(image.shape[1] * side / image.shape[0])
        how = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
        done += [
            captioned(cv2.resize(image, (width, side), interpolation=how), text, light=True),
            np.full((side + CAPTION, 8, 3), 255, np.uint8),
        ]
    return np.hstack(done[:-1])


def hero(photo: Array, mask: Array) -> Array:
    """Photo, cut-out, blur, replaced background."""
    cut = compose.cut(photo, mask)
    return row(
        [
            ("photo", photo),
            ("standout cut", on_checkerboard(cut[..., :3], cut[..., 3] / np.float32(255))),
            ("standout blur", compose.blur(photo, mask, strength=0.8)),
            ("standout replace", compose.replace(photo, mask, background=dusk())),
        ],
        300,
    )


def dressed(effect: Effect, photo: Array, mask: Array, dress: Dress | None = None) -> Array:
    """The effect's picture with people so dressed, on a checkerboard where it is transparent."""
    picture = Edit(effect, dress=dress or Dress()).painted(photo, mask)
    if picture.shape[2] == 3:
        return picture
    share, board = picture[..., 3:] / 255.0, Checker().behind(photo, mask)
    return np.rint(share * picture[..., :3] + (1 - share) * board).astype(np.uint8)


STICKER = Dress(shadow="soft", outline=Length(1.6, "%"))


def effects(photo: Array, mask: Array) -> Array:
    """What more can be behind the people: a lens blur, a sticker's outline and shadow, a gradient."""
    large, fine = (cv2.resize(one, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for one in (photo, mask))
    fine = np.clip(fine, 0, 1)
    standing, found = scene(1000, 1000)
    return row(
        [
            ("standout lens", Lens(0.7, 0.8)(standing, found)),
            ("standout cut --outline 1.6% --shadow soft", dressed(Cut(), large, fine, STICKER)),
            ("standout gradient", Gradient("#ffd9a0, #f2789f, #6a5acd", angle=200)(large, fine)),
        ],
        360,
    )


def dress() -> Array:
    """A figure with each thing that people can be dressed with."""
    photo, mask = scene(1200, 800)
    studio, white = Gradient("#f4f4f6, #cfd3dc"), Color("white")
    hills = Replace(Photo(dusk()))
    first = [
        ("no shadow", dressed(white, photo, mask)),
        ("--shadow soft", dressed(white, photo, mask, Dress(shadow="soft"))),
        ("--shadow contact", dressed(studio, photo, mask, Dress(shadow="contact", shadow_opacity=0.7))),
        ("--outline 1.6% --shadow soft", dressed(Cut(), photo, mask, STICKER)),
    ]
    second = [
        ("replace", dressed(hills, photo, mask)),
        ("--match 0.7", dressed(hills, photo, mask, Dress(match=0.7))),
        ("--match 0.7 --light-wrap 0.7", dressed(hills, photo, mask, Dress(match=0.7, light_wrap=0.7))),
        (
            "--outline 6 --outline-color gold",
            dressed(Blur(), photo, mask, Dress(outline=Length(6), outline_color="gold")),
        ),
    ]
    return np.vstack([row(first, 400), row(second, 400)])


def lens() -> Array:
    """A blur and two lens blurs of the same street."""
    photo, mask = scene(1200, 800)
    return row(
        [
            ("photo", photo),
            ("standout blur", Blur(0.7)(photo, mask)),
            ("standout lens --falloff 0", Lens(0.7, 0.8, falloff=0)(photo, mask)),
            ("standout lens", Lens(0.7, 0.8)(photo, mask)),
        ],
        400,
    )


def edges(photo: Array, segmenter: Segmenter) -> Array:
    """Two places with hard edges, before and after: on the photo enlarged fourfold, as a large camera would see it."""
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    coarse, fine = segmenter.mask(large, refine=False), segmenter.mask(large)
    teal = (0, 150, 140)
    steps = [
        ("photo", large),
        ("network's mask, enlarged", compose.color(large, coarse, rgb=teal, decontaminate=False)),
        ("refined at full size", compose.color(large, fine, rgb=teal, decontaminate=False)),
        ("and decontaminated", compose.color(large, fine, rgb=teal)),
    ]
    places = [(slice(20, 480), slice(560, 1020)), (slice(130, 590), slice(780, 1240))]
    return np.vstack([row([(text, image[place]) for text, image in steps], 300) for place in places])


def tinted(photo: Array, mask: Array) -> Array:
    """The photo with what the mask calls person in red."""
    return compose.color(photo, 1 - 0.55 * mask, rgb=(255, 30, 30), decontaminate=False)


def failures(photo: Array, mask: Array, segmenter: Segmenter) -> Array:
    """Scenes composed from the sample photo that are difficult for the model, with what it calls person in red."""
    cut = compose.cut(photo, mask)

    def scene(*people: tuple[int, int, float], size: tuple[int, int] = (512, 683)) -> Array:
        ground = cv2.resize(dusk(), size[::-1], interpolation=cv2.INTER_AREA)
        for top, left, scale in people:
            small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            part = ground[max(0, top) : top + small.shape[0], max(0, left) : left + small.shape[1]]
            small = small[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1]]
            alpha = small[..., 3:] / 255.0
            part[:] = np.rint(alpha * small[..., :3] + (1 - alpha) * part).astype(np.uint8)
        return ground

    dark = np.clip(scene((60, 100, 0.9)) * 0.12 + np.random.default_rng(0).normal(0, 6, (512, 683, 3)), 0, 255)
    poster = cv2.resize(dusk(), (683, 512), interpolation=cv2.INTER_AREA)
    cv2.rectangle(poster, (230, 90), (450, 330), (245, 245, 240), -1)
    poster[110:310, 240:440] = cv2.resize(photo, (200, 200), interpolation=cv2.INTER_AREA)
    scenes = {
        "several, small": scene((300, 60, 0.2), (310, 300, 0.18), (290, 500, 0.22)),
        "tiny": scene((380, 330, 0.06)),
        "head down": np.ascontiguousarray(scene((52, 100, 0.9))[::-1]),
        "night, noise": dark.astype(np.uint8),
        "a picture of a person": poster,
        "nobody": cv2.resize(dusk(), (683, 512), interpolation=cv2.INTER_AREA),
    }
    found = {name: segmenter.mask(image) for name, image in scenes.items()}
    cells = [(f"{name}: {found[name].mean():.1%} person", tinted(image, found[name])) for name, image in scenes.items()]
    return np.vstack([row(cells[:3], 230), row(cells[3:], 230)])


def place(photo: Array, mask: Array) -> Array:
    """The photo by each preset, before a color or on a checkerboard."""
    light, cells = Color("#dfe6ee"), [("photo", photo)]
    for name in PRESETS:
        if name == "sticker":
            cut = Edit(placement=Placement(preset=name)).of_photo(Photo(photo), mask).picture
            shown = on_checkerboard(cut[..., :3], cut[..., 3] / np.float32(255))
        else:
            shown = Edit(light, placement=Placement(preset=name)).of_photo(Photo(photo), mask).picture
        cells.append((f"--preset {name}", shown))
    return row(cells, 260)


def idphoto(photo: Array, mask: Array) -> Array:
    """The measures of an ID photo, and a sheet to print."""
    made = idphotos.made(Photo(photo), mask, idphotos.RULES["canada"], idphotos.IdOptions(enlarge=4))
    paper = cv2.copyMakeBorder(sheet(made, "10x15"), 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=(200, 200, 200))
    return row([("--rule canada --measures", drawn(made)), ("--print 10x15", paper)], 420)


def crowd(photo: Array, mask: Array) -> Array:
    """The sample photo's person three times, side by side, before a drawn background."""
    image = np.array(cv2.resize(dusk(), (900, 480)), np.uint8)
    three = (
        (340, 340, True, (0.75, 0.95, 1.15)),
        (650, 300, False, (1.15, 1.0, 0.7)),
        (-40, 440, False, (1.0, 1.0, 1.0)),
    )
    for x, height, flipped, tint in three:
        width = round(photo.shape[1] * height / photo.shape[0])
        own = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) * np.float32(tint)
        alpha = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)[..., None]
        if flipped:
            own, alpha = own[:, ::-1], alpha[:, ::-1]
        part = image[480 - height :, max(0, x) : x + width]
        seen = slice(max(0, -x), max(0, -x) + part.shape[1])
        part[:] = np.clip(part + alpha[:, seen] * (own[:, seen] - part), 0, 255).astype(np.uint8)
    return image


def choose(photo: Array, mask: Array, segmenter: Segmenter) -> Array:
    """A picture of three people, who is who in it, the one at a point cut out, and all but the first before a blur."""
    group = Photo(crowd(photo, mask))
    found = segmenter.mask(group.image)
    second = Edit(people=People(at=(Point.of("58%,62%"),))).of_photo(group, found).picture
    without = Edit(Blur(0.9), People(not_at=(Point.of("17%,50%"),))).of_photo(group, found).picture
    cells = [
        ("photo", group.image),
        ("standout people -o who.jpg", numbered(group.image, told_apart(found, group.image))[:480]),
        ("standout cut --at 58%,62%", on_checkerboard(second[..., :3], second[..., 3] / np.float32(255))),
        ("standout blur --not-at 17%,50%", without),
    ]
    rows = [row(cells[:2], 230), row(cells[2:], 230)]
    return np.vstack(rows)


def hidden(photo: Array, segmenter: Segmenter) -> Array:
    """Photo, pixelated, blurred, filled, silhouette."""
    how = ("pixelate", "blur", "fill", "silhouette")
    done = [(f"--how {one}", edit(photo, Anonymize(one, color="steelblue"), model=segmenter)) for one in how]
    return row([("photo", photo), *done], 240)


def moving(path: Path) -> None:
    """Writes a looping picture of a clip, the same clip blurred, and before another clip, made by the commands."""
    with tempfile.TemporaryDirectory() as folder:
        clip, behind = Path(folder) / "clip.mp4", Path(folder) / "behind.mp4"
        film(clip, [frame.image for frame, _ in play("slow")])
        wide = cv2.resize(dusk(), (960, 540), interpolation=cv2.INTER_AREA)
        film(behind, [np.ascontiguousarray(wide[90:450, 2 * n : 2 * n + 640]) for n in range(90)])
        shown = [clip]
        for effect, more in (("blur", ["--strength", "0.8"]), ("replace", ["-b", str(behind)])):
            shown.append(Path(folder) / f"{effect}.mp4")
            standout([effect, str(clip), "-o", str(shown[-1]), "-q", *more])
        rows = zip(*(frames(one) for one in shown), strict=True)
        names = ("clip", "standout blur", "standout replace -b clip")
        panels = [row(list(zip(names, images, strict=True)), 180) for images in rows]
    turning = [Image.fromarray(panel) for panel in [*panels, *panels[-2:0:-1]]]  # there and back, so that it loops
    turning[0].save(path, save_all=True, append_images=turning[1:], duration=3000 // FPS, loop=0, quality=75, method=6)


def film(path: Path, images: list[Array]) -> None:
    """The images as an H.264 file."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "16"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))


def frames(path: Path) -> list[Array]:
    """Every third image of a file."""
    with video.open_clip(path) as clip:
        return [frame.image for frame in clip.frames()][::3]


def review(photo: Array) -> Array:
    """The page of a review of photos that get harder and harder, as Chromium shows it."""
    rng = np.random.default_rng(0)
    dark = np.clip(photo / 9 + rng.normal(0, 9, photo.shape), 0, 255).astype(np.uint8)
    fog = np.clip(cv2.GaussianBlur(photo, (0, 0), 14) * 0.2 + 180, 0, 255).astype(np.uint8)
    person, _ = scene(900, 700)
    photos = {"astronaut": photo, "lying": np.rot90(photo), "night": dark, "fog": fog, "street": person}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "photos").mkdir()
        for name, image in photos.items():
            write(place / "photos" / f"{name}.jpg", np.ascontiguousarray(image))
        with contextlib.chdir(place):
            standout(["cut", "photos", "-o", "cut", "--review", "review.html", "--quiet"])
            flags = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=900,1230", "--disable-gpu"]
            page = (place / "review.html").as_uri()
            subprocess.run(["chromium", *flags, "--screenshot=shot.png", page], check=True, capture_output=True)
        return np.asarray(read(place / "shot.png").image)


def main() -> None:
    """Writes the pictures."""
    wanted = sys.argv[1:]
    segmenter = Segmenter()
    photo = read(DOCS.parent / "examples" / "astronaut.jpg").image
    mask = keep_largest(segmenter.mask(photo))
    pictures = {
        "hero": lambda: hero(photo, mask),
        "effects": lambda: effects(photo, mask),
        "dress": dress,
        "lens": lens,
        "edges": lambda: edges(photo, segmenter),
        "failures": lambda: failures(photo, mask, segmenter),
        "place": lambda: place(photo, mask),
        "choose": lambda: choose(photo, mask, segmenter),
        "idphoto": lambda: idphoto(photo, mask),
        "anonymize": lambda: hidden(photo, segmenter),
        "review": lambda: review(photo),
    }
    for name, draw in pictures.items():
        if name in (wanted or pictures):
            write(IMAGES / f"{name}.jpg", draw(), quality=88, overwrite=True)
            print(IMAGES / f"{name}.jpg")
    if not wanted or "moving" in wanted:
        moving(IMAGES / "moving.webp")
        print(IMAGES / "moving.webp")


if __name__ == "__main__":
    main()
