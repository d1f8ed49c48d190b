"""Dotted words on the command line, `--trainer.max_epochs 20`: taken out before the verb's own options are read."""

from sciml.status import ConfigError

#: Keys at the top of a configuration that may be overridden without a dot.
PLAIN = ("seed_everything", "ckpt_path", "trainer", "model", "data")


def split_overrides(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Separates `--key value` and `--key=value` pairs of the configuration from the other words.

    A word is an override if its name holds a dot or is a top-level key of a configuration.

    Raises:
        ConfigError: an override without a value.
    """
    rest: list[str] = []
    overrides: list[tuple[str, str]] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.partition("=")
        key = name.removeprefix("--")
        if not name.startswith("--") or not ("." in key or key in PLAIN):
            rest.append(word)
            continue
        if not equals:
            if not queue or queue[0].startswith("--"):
                raise ConfigError(f"{word}: a value is missing; write {word} VALUE.")
            value = queue.pop(0)
        overrides.append((key, value))
    return rest, overrides
