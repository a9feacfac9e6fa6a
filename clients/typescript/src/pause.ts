// The pause before the next attempt to connect.

/** So many attempts are close together; then the server is away for longer. */
const CLOSE_ATTEMPTS = 40;
const FIRST_MS = 250;
const CLOSE_MS = 1_500; // a page that somebody looks at is back within two seconds of a restart
const LONG_MS = 5_000;
const HIDDEN_MS = 30_000;

/** Full jitter, in milliseconds: all clients of a server that restarts must not come back at once. */
export function pause(attempt: number, isHidden: boolean, random: number): number {
  const longest = isHidden ? HIDDEN_MS : attempt < CLOSE_ATTEMPTS ? CLOSE_MS : LONG_MS;
  return random * Math.min(longest, FIRST_MS * 2 ** Math.min(attempt, 10));
}
