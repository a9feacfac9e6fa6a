"""Every limit of a socket in one place, with the reason for its size; `server/limits.py` holds those of a connection.

The server enforces them, `hello` announces them, and `manage.py serve` passes them to uvicorn.
"""

KIB = 1024

# Frames
MAX_INBOUND_FRAME_BYTES = 64 * KIB  # of one message from a client, all its fragments included
MAX_OUTBOUND_FRAME_BYTES = 200 * KIB  # a frame of events ends here; one event is at most about 40 KiB
MAX_REQUEST_ID_CHARS = 64

# Queues
RECEIVE_QUEUE_FRAMES = 8
RECEIVE_QUEUE_BYTES = 256 * KIB
MAX_CONCURRENT_FRAMES = 8  # of one socket; above this the server stops reading
MAX_LIGHT_FRAMES = 64  # beside them: of actions whose request and reply are small and that share one query
LIGHT_FRAME_CHARS = 1_024
HELD_FRAME_CHARS = 1_024  # of a frame that may wait for the others of its turn of the loop
SEND_QUEUE_BYTES = 256 * KIB  # above this events wait in the log, and actions wait in the socket
SEND_SECONDS = 30  # for one frame under a server that blocks in send
MAX_REPLAY_EVENTS = 1_000  # above this a subscribe starts at the head and reports `limited`

# Open sockets in one process; the descriptors limit their sum
MAX_SOCKETS_OF_SESSION = 20  # the pages of a browser share a session
MAX_SOCKETS_OF_USER = 60
MAX_SOCKETS_OF_ADDRESS = 2_000  # about 60 MB; an office or a mobile network may share an address
SOCKETS_RETRY_MS = 10_000

# Long polls and event streams, for clients without a socket
MAX_WAITERS_OF_SESSION = 2  # a request that waits, and the one that replaces it
RETURNS_PER_SECOND = 400  # the rate at which the clients of a process that restarts come back
COMMENT_SECONDS = 15.0  # proxies close a connection on which nothing moves, many after 30 s
STREAM_STALL_SECONDS = 20.0  # under a server that blocks in send; our own has a limit of its own
STREAM_SECONDS = 3600.0  # a device that lives on opens another

# Frames that cannot be read
MAX_BAD_FRAMES = 20  # within BAD_FRAMES_SECONDS: so many are no accident
BAD_FRAMES_SECONDS = 60

# Refusals by rate limits: `wire.rates.REFUSED` closes the socket
PAUSE_SECONDS = 2.0  # between two refusals; the client waits, so the count begins anew

# Times
PING_INTERVAL_SECONDS = 25.0  # under the 30 s after which the strictest mobile networks forget an idle connection
PING_TIMEOUT_SECONDS = 20.0
AUTH_SECONDS = 5.0  # from the accept to the first authenticate
CLOSE_SECONDS = 2.0  # for the last frames to leave before a close
UNAUTHENTICATED_CLOSE_SECONDS = 0.9  # so that every socket without a session is closed within six seconds
LAST_ACTIONS_SECONDS = 5.0  # for frames that arrived before the client disconnected
