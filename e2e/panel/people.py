"""Who can sign in, and whom they can edit and delete."""

from django.contrib.auth.models import Group, User

PASSWORD = "panel-pass-2026"

SUPERUSERS = [
    ("olena", "Olena", "Kravets", "olena@hosting.example"),
    ("tom", "Tom", "Berg", "tom@hosting.example"),
]
STAFF_WITHOUT_RIGHTS = ("ines", "Ines", "Duarte", "ines@hosting.example")
ORDINARY = [f"client{number:02}" for number in range(1, 13)]


def move_in():
    for name, first, last, email in SUPERUSERS:
        User.objects.create_superuser(name, email, PASSWORD, first_name=first, last_name=last)
    name, first, last, email = STAFF_WITHOUT_RIGHTS
    User.objects.create_user(name, email, PASSWORD, first_name=first, last_name=last, is_staff=True)
    for name in ORDINARY:
        User.objects.create_user(name, f"{name}@example.org", None)
    Group.objects.create(name="Support")
