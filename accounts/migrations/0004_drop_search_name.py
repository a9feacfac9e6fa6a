"""Drop the folded display name: the search uses the words of names instead."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_fill_name_words")]

    operations = [migrations.RemoveField(model_name="user", name="search_name")]
