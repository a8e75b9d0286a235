import pytest

from billing.entity import Entity, validate_entity
from billing.errors import ErrorCode, InvalidInputs
from billing.tiers import EntityType


def validate(
    entity_id: str = "user:1",
    entity_type: str = "USER",
    name: str = "Ada",
    email: str = "ada@example.com",
    metadata: dict[str, str] | None = None,
) -> Entity:
    return validate_entity(entity_id=entity_id, entity_type=entity_type, name=name, email=email, metadata=metadata)


def problems(**fields: object) -> list[str]:
    with pytest.raises(InvalidInputs) as refusal:
        validate(**fields)  # type: ignore[arg-type]  # each test breaks one field of its own
    assert refusal.value.code == ErrorCode.INVALID_INPUT
    return [problem.field for problem in refusal.value.problems]


def test_an_entity_is_stripped_normalized_and_sorted() -> None:
    entity = validate(
        entity_id="Org.1_a:b@c-d",
        entity_type="ORGANIZATION",
        name="  Zoë & Söhne \n",
        email="Ada@EXAMPLE.com",
        metadata={"b": "2", "a": "1"},
    )
    assert entity == Entity(
        "Org.1_a:b@c-d", EntityType.ORGANIZATION, "Zoë & Söhne", "Ada@example.com", {"a": "1", "b": "2"}
    )
    assert list(entity.metadata) == ["a", "b"]


def test_an_entitys_metadata_cannot_be_changed_afterwards() -> None:
    metadata = {"a": "1"}
    entity = validate(metadata=metadata)
    metadata["a"] = "2"
    assert entity.metadata == {"a": "1"}
    with pytest.raises(TypeError):
        entity.metadata["a"] = "3"  # type: ignore[index]  # the point of the test


def test_everything_at_its_limit_is_fine() -> None:
    metadata = {f"{n:0>40}": "v" * 500 for n in range(49)}
    entity = validate(entity_id="a" * 128, name="n" * 200, metadata=metadata)
    assert (len(entity.id), len(entity.name), entity.metadata) == (128, 200, metadata)


@pytest.mark.parametrize("entity_id", ["", "a" * 129, "a b", "a/b", "a\n", "a\x00", "ä", "a?b", "\uff11"])
def test_ids_that_are_refused(entity_id: str) -> None:
    assert problems(entity_id=entity_id) == ["entity.id"]


@pytest.mark.parametrize("entity_type", ["user", "", "TEAM"])
def test_types_that_are_refused(entity_type: str) -> None:
    assert problems(entity_type=entity_type) == ["entity.type"]


@pytest.mark.parametrize("name", ["", "   ", "n" * 201, "a\x00b", "a\nb", "a\x7fb", "a\u2028b", "a\ud800b"])
def test_names_that_are_refused(name: str) -> None:
    assert problems(name=name) == ["entity.name"]


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com\n", "a@b@c.de"]
)
def test_addresses_that_are_refused(email: str) -> None:
    assert problems(email=email) == ["entity.email"]


@pytest.mark.parametrize(
    "metadata",
    [
        {str(n): "v" for n in range(50)},
        {"": "v"},
        {"k" * 41: "v"},
        {"a[b]": "v"},
        {"a\n": "v"},
        {"k": ""},
        {"k": "v" * 501},
        {"k": "a\x00b"},
    ],
)
def test_metadata_that_is_refused(metadata: dict[str, str]) -> None:
    assert problems(metadata=metadata) == ["entity.metadata"]


def test_all_problems_are_told_at_once_each_by_its_field() -> None:
    with pytest.raises(InvalidInputs) as refusal:
        validate("", "ROBOT", " ", "nobody", {"": "v", "k": ""})
    assert [problem.field for problem in refusal.value.problems] == [
        "entity.id",
        "entity.type",
        "entity.name",
        "entity.email",
        "entity.metadata",
        "entity.metadata",
    ]
    assert str(refusal.value).startswith(
        "entity.id must be 1 to 128 letters, digits and . _ : @ -; entity.type must be"
    )
