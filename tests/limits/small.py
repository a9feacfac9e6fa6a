"""Small limits, which a test reaches with a few calls: by name, the limit and its window in seconds."""

SMALL = {
    "search": (5, 5),
    "sync": (30, 60),
    "write": (10, 10),
    "read": (60, 30),
    "typing": (5, 5),
    "send": (60, 30),
    "send_room": (80, 40),
    "work": (900, 60),
    "handshake": (60, 30),
    "refused_handshake": (3, 30),
    "anonymous": (20, 20),
    "hash": (12, 60),
    "register": (4, 60),
    "refused": (20, 4),
}
