"""The clients of openapi-generator: no class is missing, and where it can run, the code decodes every example."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.contracts.documents import openapi
from tests.generated_clients.conftest import HERE, run

SWIFT_TYPE = re.compile(r"public var \w+: ([^={\n]+)|case \w+\((\w+)\)")
SWIFT_DECLARED = re.compile(r"\b(?:struct|enum|class|actor|protocol|typealias) (\w+)")
SWIFT_KNOWN = {"Bool", "Data", "Date", "Double", "Float", "Int", "Int64", "Set", "String", "UUID", "URL"}
DART_TYPE = re.compile(r"^  (?:final )?([A-Z][\w<>, ?]*) \w+(?: = [^;]+)?;", re.MULTILINE)
DART_DECLARED = re.compile(r"\b(?:class|enum|mixin|typedef|extension) (\w+)")
DART_KNOWN = {"DateTime", "List", "Map", "Object", "Set", "String"}


def missing(models: str, client: str, used: re.Pattern[str], declared: re.Pattern[str]) -> set[str]:
    """The types that the models use and that the client declares nowhere."""
    types = " ".join(group for match in used.finditer(models) for group in match.groups() if group)
    words = set(re.findall(r"\b[A-Z]\w*", types))
    assert len(words) > 100
    return words - set(declared.findall(client))


def text(folder: Path, ending: str) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob(f"*.{ending}")))


def test_the_swift_client_has_every_class(generated: Path) -> None:
    client = text(generated / "swift6", "swift")
    [models] = (generated / "swift6").rglob("Models")

    assert missing(text(models, "swift"), client, SWIFT_TYPE, SWIFT_DECLARED) - SWIFT_KNOWN == set()


def test_the_dart_client_has_every_class(generated: Path) -> None:
    client = text(generated / "dart", "dart")

    assert missing(text(generated / "dart/lib/model", "dart"), client, DART_TYPE, DART_DECLARED) - DART_KNOWN == set()


def test_a_missing_class_of_a_client_is_found() -> None:
    classes = "\n".join(f"public struct Kind{number} {{\n    public var a: Kind{number}?\n}}" for number in range(101))
    models = f"{classes}\npublic struct Last {{\n    public var b: [Null]\n}}"

    assert missing(models, models, SWIFT_TYPE, SWIFT_DECLARED) == {"Null"}


def test_the_swift_client_decodes_by_the_discriminator(generated: Path) -> None:
    [models] = (generated / "swift6").rglob("Models")
    for union in ("ServerFrame", "ClientFrame", "Event", "EphemeralEvent", "PushedEvent"):
        source = (models / f"{union}.swift").read_text()
        for value in openapi().document["components"]["schemas"][union]["discriminator"]["mapping"]:
            assert f'case "{value}":' in source, union


@pytest.mark.parametrize("generator", ["typescript-fetch", "kotlin", "swift6", "dart"])
def test_no_class_has_an_invented_name(generated: Path, generator: str) -> None:
    """A schema without a name gets one from the generator, which changes with the next schema."""
    names = {path.stem.lower().replace("_", "") for path in (generated / generator).rglob("*") if path.is_file()}

    assert [name for name in names if re.search(r"inline|oneof|anyof|allof|200response|inner$", name)] == []


def test_the_typescript_client_compiles_and_decodes_every_example(node: Path, generated: Path, examples: Path) -> None:
    folder = generated / "typescript-fetch"
    # The generator's own checks at run time index objects by both spellings of a name, which noImplicitAny forbids.
    options = {"strict": True, "noImplicitAny": False, "target": "es2022", "lib": ["es2022", "dom"], "outDir": "js"}
    config = {"compilerOptions": {**options, "module": "commonjs", "types": []}, "include": ["**/*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    run(str(node / "tsc"), "--project", str(folder))

    output = run("node", "decode.mjs", str(folder / "js"), str(examples))

    assert output.strip() == f"decoded {len(json.loads(examples.read_text()))} examples"


def test_the_kotlin_client_compiles_and_decodes_every_example(generated: Path, examples: Path) -> None:
    options = [f"-Dclient={generated / 'kotlin'}", f"-Dexamples={examples}"]

    output = run(
        "mvn", "--quiet", "--batch-mode", "--file", str(HERE / "kotlin/pom.xml"), "compile", "exec:java", *options
    )

    assert f"decoded {len(json.loads(examples.read_text()))} examples" in output
