"""What all command lines share: one-sentence errors, exit codes, Ctrl-C, and settings made before jax is imported."""

import codecs
import contextlib
import os
import pathlib
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

GUARD = "--xla_cpu_enable_concurrency_optimized_scheduler"
YNNPACK = "--xla_cpu_experimental_ynn_fusion_type"
GRACE = 10.0
"""Seconds after Ctrl-C until the process ends in any case."""
BEGUN, INTERRUPTED = threading.Event(), threading.Event()
"""Set when a command begins its work, and by Ctrl-C."""
GATHERS = ("--set",)
"""Options that may be given several times; their values are joined."""
ASCII = {ord("±"): "+-", ord("…"): "..."} | dict.fromkeys(range(0x2500, 0x25A0), "-")
"""ASCII replacements for characters that the output's encoding lacks; box-drawing characters become dashes."""


def run(
    name: str, commands: Callable[[], Mapping[str, type]], description: str, argv: Sequence[str] | None = None
) -> None:
    """Run one command line.

    Args:
        name: the program's name, as it is typed.
        commands: returns dataclasses whose fields are options and whose `run` does the work and returns an
            exit code or None.
        description: one line for `--help`.
        argv: the words after the program's name; by default those of the process, whose response to Ctrl-C,
            to a closed pipe and to characters outside the output's encoding is then set too.

    Raises:
        SystemExit: with 2 after a mistake in the command line, 1 after a failed check, 130 after Ctrl-C.
    """
    prefix = f"{name.split()[-1]}:"
    if argv is None:
        own_process(prefix)
    try:
        prepare()
        command = parse(name, commands(), description, list(sys.argv[1:] if argv is None else argv))
        BEGUN.set()
        code = command.run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        interrupted(prefix, str(interrupt))
    except Exception as error:
        if INTERRUPTED.is_set():  # a library turned the interruption into another exception
            interrupted(prefix)
        mistake = in_one_sentence(error)
        if mistake is None:
            raise
        print(prefix, mistake, file=sys.stderr)
        sys.exit(2)
    if code:
        sys.exit(code)


def interrupted(name: str, says: str = "") -> NoReturn:
    """Print one line and exit with 130.

    After Ctrl-C the process ends at once: Python's normal exit waits for XLA's compilations in the
    background, and may crash.
    """
    print(name, says or "interrupted.", file=sys.stderr, flush=True)
    if INTERRUPTED.is_set():
        os._exit(130)
    sys.exit(130)


def in_one_sentence(error: Exception) -> str | None:
    """The error as one sentence if the user can correct it; None for an error of the program."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{'' if error.filename is None else f': {error.filename}'}."
    if isinstance(error, (ValueError, OSError, OverflowError)):
        return " ".join(
            re.split(r"\n-{5,}", str(error))[0].split()
        )  # jax appends a note on tracebacks to what it raises while it traces
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return "the memory does not suffice; choose fewer seeds or steps, a smaller batch, narrower networks or a smaller game."
    named = os.environ.get("JAX_PLATFORMS")
    if named:
        try:
            import jax

            jax.devices()
        except Exception:
            return f"JAX_PLATFORMS is {named!r}, and jax finds no such device here; set JAX_PLATFORMS=cpu, or leave it unset."
    return None


def own_process(name: str) -> None:
    """Set up a process that runs this program alone.

    Ctrl-C ends it at once while modules are imported; later it raises an exception, so that finished work is
    stored, and ends the process after `GRACE` seconds if the exception has no effect. A second Ctrl-C ends it
    at once. A closed pipe ends it as usual (141 in a shell). Characters outside the output's encoding are
    written in ASCII.

    Args:
        name: the first word of the line that reports the interruption.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors=SIGNS)  # pyright: ignore[reportAttributeAccessIssue]
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # a shell ignores Ctrl-C for background jobs

    def interrupt(*_: Any) -> None:
        INTERRUPTED.set()
        if not BEGUN.is_set():
            leave()
        raise KeyboardInterrupt

    def leave() -> None:
        """End the process from any thread, even while it prints; only the first call prints a line."""
        if not leaving.acquire(blocking=False):
            time.sleep(1.0)
        cursor = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""  # a progress bar hides the cursor
        with contextlib.suppress(OSError):
            os.write(2, f"{cursor}{name} interrupted.\n".encode())
        os._exit(130)

    def report_exception(kind: type, error: BaseException, trace: Any) -> None:
        """Replace `sys.excepthook`: C libraries report exceptions there that they cannot propagate."""
        if issubclass(kind, KeyboardInterrupt):
            leave()
        sys.__excepthook__(kind, error, trace)

    def report_unraisable(error: Any) -> None:
        """Replace `sys.unraisablehook`: Python ignores exceptions of destructors and callbacks."""
        if issubclass(error.exc_type, KeyboardInterrupt):
            leave()
        sys.__unraisablehook__(error)

    def watch() -> None:
        """Wait for the signal in a thread, which receives it even while the main thread compiles."""
        for presses in range(2):
            while signal.SIGINT not in os.read(read_end, 1):
                pass
            if presses == 0:
                threading.Thread(target=lambda: (time.sleep(GRACE), leave()), daemon=True).start()
        leave()

    leaving = threading.Lock()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, interrupt)
    sys.excepthook, sys.unraisablehook = report_exception, report_unraisable
    threading.Thread(target=watch, daemon=True).start()


SIGNS = "ascii_signs"
"""The name of the codec error handler `ascii_signs`."""


def ascii_signs(error: UnicodeError) -> tuple[str, int]:
    r"""Replace characters that an encoding lacks by ASCII: a codec error handler.

    Example:
        >>> "-1.04±.02 ─ ü".encode("ascii", "ascii_signs")
        b'-1.04+-.02 - \\xfc'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(ASCII)
    return lacking.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(SIGNS, ascii_signs)


def prepare() -> None:
    """Set what jax reads at import: flags against jax 0.10's hang and crash, and the compilation cache."""
    if "jax" in sys.modules:
        return
    import importlib.metadata

    flags = os.environ.get("XLA_FLAGS", "")
    if importlib.metadata.version("jaxlib").startswith("0.10."):
        for flag, value in ((GUARD, "false"), (YNNPACK, "")):
            flags += f" {flag}={value}" * (flag not in flags)
        os.environ["XLA_FLAGS"] = flags.strip()
    folder = cache_folder()
    if folder is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def cache_folder() -> pathlib.Path | None:
    """The folder of compiled programs, or None if it cannot be written."""
    named = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    try:
        home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        folder = pathlib.Path(named) if named else home / "opponent-shaping-lab" / "jax"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def parse(name: str, commands: Mapping[str, type], description: str, argv: list[str]) -> Any:
    """The command of a command line.

    Raises:
        ValueError: for a mistake in the command line, in one sentence.
        SystemExit: after printing help.
    """
    argv = check_words(name, commands, argv)
    import io
    from typing import Annotated

    import tyro

    kinds = tuple(Annotated[kind, tyro.conf.subcommand(word)] for word, kind in commands.items())
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(
                union, prog=name, description=description, args=argv, config=(tyro.conf.FlagCreatePairsOff,)
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ValueError(f"{sentence(complaint.getvalue())}; see {name} {argv[0]} --help.") from None


def check_packages() -> None:
    """Refuse to run if another module, for example of the working folder, hides one of the laboratory's packages.

    Raises:
        ValueError: naming the module.
    """
    with warnings.catch_warnings(action="ignore"):
        import games
    if not hasattr(games, "GAMES"):
        place = games.__spec__.origin or next(iter(games.__path__))
        raise ValueError(
            f"{place} hides the laboratory's package 'games'; rename it, or start Python in another folder."
        )
    from games.name_clashes import hidden

    if found := hidden():
        raise ValueError(found[0])


def check_words(name: str, commands: Mapping[str, type], argv: list[str]) -> list[str]:
    """Refuse unknown or repeated options, unknown commands and empty words; join the values of `GATHERS`.

    Raises:
        ValueError: for an unknown command or option, an empty word, or an option given twice.
    """
    if not argv:
        return ["--help"]
    command = argv[0]
    if command in ("-h", "--help"):
        return argv
    import dataclasses

    check_packages()  # loads jax, and so comes after `prepare`
    from games.registry import nearest

    if command not in commands:
        raise ValueError(f"Unknown command {command!r}; {nearest(command, commands)}.")
    fields = [
        field for field in dataclasses.fields(commands[command]) if not field.metadata.get("positional")
    ]
    options = {f"--{field.name.replace('_', '-')}": field.default for field in fields}
    words: dict[str, list[str]] = {"": []}
    current = ""
    for word in argv[1:]:
        value = [word]
        if word.startswith("--") and word != "--help":
            current, *value = word.split("=", 1)
            if current not in options:
                raise ValueError(
                    f"Unknown option {current!r} of {name} {command}; {nearest(current, options)}."
                )
            if current in words and current not in GATHERS:
                raise ValueError(
                    f"The option {current} is given twice; give it once, with everything that it is to hold."
                )
            words.setdefault(current, [])
        if value and not value[0].strip():
            raise ValueError(
                f"An empty word is given{f' for {current}' if current else ''}; write what it is to be, or leave it out."
            )
        words[current] += value
    bare = next(
        (
            option
            for option, values in words.items()
            if option and not values and not isinstance(options[option], bool)
        ),
        None,
    )
    if bare is not None and "--help" not in argv:
        raise ValueError(f"Nothing is given for {bare}; write what it is to be, or leave it out.")
    return [
        command,
        *words.pop(""),
        *(word for option, values in words.items() for word in (option, *values)),
    ]


def sentence(box: str) -> str:
    r"""The parser's boxed error message as one sentence.

    Example:
        >>> sentence("╭─ Value error ──────╮\n│ Error parsing --seed: invalid literal for int() with base 10: 'x' │\n│ ───────── │")
        "--seed is 'x'; it must be an integer"
    """
    lines = [line.strip("│| ") for line in box.splitlines() if not re.match(r"^[╭╰+]", line)]
    sections: list[list[str]] = [[]]
    for line in filter(None, lines):
        if set(line) <= set("─-"):
            sections.append([])
        else:
            sections[-1].append(line)
    titled = "╭" not in box and len(sections) > 1  # without a box, the title is a section of its own
    message = " ".join(" ".join(sections[titled]).split()).rstrip(".")
    number = re.match(r"Error parsing (--\S+): invalid literal for (int|float).*: (.*)", message)
    if number:
        message = (
            f"{number[1]} is {number[3]}; it must be {'an integer' if number[2] == 'int' else 'a number'}"
        )
    optional = re.match(
        r"Error parsing (--\S+): no type matching \S*(INT|FLOAT)\S* could be instantiated from \[(.*?)\]",
        message,
    )
    if optional:
        message = f"{optional[1]} is {optional[3]}; it must be {'an integer' if optional[2] == 'INT' else 'a number'}"
    several = re.match(r"Error parsing (--\S+): Could not find valid parse for arguments: \[(.*)\]", message)
    if several:
        message = (
            f"{several[1]} does not accept {several[2]}; it takes values of the kind that its help names"
        )
    return message[:1].upper() + message[1:]
