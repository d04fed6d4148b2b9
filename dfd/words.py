"""Words that pages, pictures, tables and messages share."""

LEAK = (
    "LEAKY: the detector was tested on people or recordings that it was also trained on. Believe "
    "none of its figures and verdicts: they do not hold for new videos."
)

SYNTHETIC = (
    "The detector has learnt from rendered people only and knows nothing of real ones: it shows "
    "how the workflow works, and its verdict on a real video means nothing."
)


def marked(title: str, leaky: bool) -> str:
    """Return a title that says whether the detector's split was leaky.

    Args:
        title: What the title says otherwise, such as a detector's name.
        leaky: Whether training and test share people or recordings; ``LEAK`` explains it.

    Example:
        >>> marked("mesonet", leaky=True)
        'mesonet (LEAKY)'
        >>> marked("mesonet", leaky=False)
        'mesonet'
    """
    return f"{title} (LEAKY)" if leaky else title


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is 1.

    Args:
        number: How many there are.
        noun: A word in the singular whose plural ends in ``s``.

    Example:
        >>> counted(1, "video")
        '1 video'
        >>> counted(1200, "test video")
        '1,200 test videos'
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def if_fake(prior: float) -> str:
    """Return the share of fakes that a probability supposes, in words.

    Args:
        prior: Share of FAKE among the videos that are judged, between 0 and 1.

    Example:
        >>> if_fake(0.5), if_fake(0.0004)
        ('if one video in two were fake', 'if 4 in 10,000 videos were fake')
    """
    if prior == 0.5:
        return "if one video in two were fake"
    of = 100
    while prior * of < 1:
        of *= 10
    return f"if {prior * of:.4g} in {of:,} videos were fake"


def displayed(name: str, length: int) -> str:
    """Return a name that is safe to show and not too long.

    Control characters, and marks that change the direction of writing, become �. The middle of a
    long name becomes …, so that its beginning and its ending stay.

    Args:
        name: Any text, such as the name of an uploaded file.
        length: The most characters to return.

    Example:
        >>> displayed("interview-with-the-minister.mp4", 20)
        'interview…nister.mp4'
        >>> displayed("a\\nb.mp4", 20)
        'a�b.mp4'
    """
    shown = "".join(sign if sign.isprintable() else "�" for sign in name)
    if len(shown) <= length:
        return shown
    tail = length // 2
    return f"{shown[: length - tail - 1]}…{shown[-tail:]}"
