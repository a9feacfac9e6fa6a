"""Fill the words of existing users."""

from typing import Any

from django.db import migrations

from wire import search


def fill(apps: Any, schema_editor: Any) -> None:
    User, NameWord = apps.get_model("accounts", "User"), apps.get_model("accounts", "NameWord")
    users = User.objects.filter(deleted_at=None).values_list("pk", "username", "display_name")
    rows = (
        NameWord(user_id=pk, word=word)
        for pk, username, display_name in users.iterator(chunk_size=1_000)
        for word in sorted(search.words(username) | search.words(display_name))
    )
    NameWord.objects.bulk_create(rows, batch_size=1_000)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_name_words")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
