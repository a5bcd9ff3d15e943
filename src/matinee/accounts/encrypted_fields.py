"""Fields that are sealed in the database under the data key of the person whose row it is.

One line makes one, `bio = EncryptedTextField()`, on a model with a `user` of whom there is one row. What was read is
opened when it is asked for, so that a row costs no key where other fields are wanted. It is saved with its row alone:
an UPDATE over many rows would have to know each one's key, and is refused, as is a filter.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from matinee.core import ciphers


class Sealed(bytes):
    """What stands in the column."""


class _Opening(DeferredAttribute):
    """The attribute: opens what was read from the database at the first look."""

    field: EncryptedField

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = self.field.opened(instance, value)
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        """With it Python asks `__get__` although the instance holds a value."""
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.Field[Any, Any]):
    """What all share; a kind says how its values are bytes."""

    descriptor_class = _Opening

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"null": True, **kwargs})

    def get_internal_type(self) -> str:
        return "BinaryField"

    def packed(self, value: Any) -> bytes:
        raise NotImplementedError

    def unpacked(self, plain: bytes) -> Any:
        raise NotImplementedError

    def opened(self, row: Any, text: Sealed) -> Any:
        """Raises Unreadable."""
        return self.unpacked(ciphers.opened(text, key=row.user.opening_key(), place=self._place(row)))

    def pre_save(self, model_instance: Any, add: bool) -> Sealed | None:  # noqa: ARG002, FBT001 - Django's signature
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        key = model_instance.user.sealing_key()
        return Sealed(ciphers.sealed(self.packed(value), key=key, place=self._place(model_instance)))

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError(f"{self} is encrypted: it is saved with its row, and can't be looked for.")
        return super().get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        prepared_value = super().get_db_prep_value(value, connection, prepared)
        return None if prepared_value is None else connection.Database.Binary(prepared_value)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return None if value is None else Sealed(value)

    def _place(self, row: Any) -> str:
        """Where the text stands. By the person, since a new row has no id before it is written."""
        return f"{self.model._meta.db_table}.{self.column} of user {row.user_id}"  # noqa: SLF001 - its public name


class EncryptedTextField(EncryptedField):
    """Text; where nothing was ever put, it is empty."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return "" if value is None else Sealed(value)

    def packed(self, value: str) -> bytes:
        return value.encode()

    def unpacked(self, plain: bytes) -> str:
        return plain.decode()


class EncryptedDateField(EncryptedField):
    def packed(self, value: dt.date) -> bytes:
        return value.isoformat().encode()

    def unpacked(self, plain: bytes) -> dt.date:
        return dt.date.fromisoformat(plain.decode())
