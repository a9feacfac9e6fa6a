// parley-client as a client under test of clients/conformance: commands on stdin, answers on stdout, a line each.
import { readFile, rename, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { Parley, type Platform, type Room, type Store, type TokenReason } from "parley-client";
import { followStreams } from "parley-client/streaming";

const FEATURES = ["store", "full_store", "rooms", "edit", "older", "unread", "read", "typing", "tokens", "refused", "new", "partial", "blocks", "streams"];

/** A store in one file, which is replaced with each change: a crash leaves the old one or the new one. */
async function fileStore(path: string): Promise<Store> {
  const text = await readFile(path, "utf8").catch(() => "{}");
  let records = new Map<string, unknown>(Object.entries(JSON.parse(text) as Record<string, unknown>));
  let written: Promise<void> = Promise.resolve();
  const write = async (changes: [string, unknown][]) => {
    const next = new Map(records);
    for (const [key, value] of changes) {
      if (value === undefined) next.delete(key);
      else next.set(key, JSON.parse(JSON.stringify(value)));
    }
    await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(next)));
    await rename(`${path}.new`, path);
    records = next;
  };
  return {
    async read(prefix) {
      await written;
      const found = [...records].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      return structuredClone(found);
    },
    write(changes) {
      const result = written.then(() => write(changes));
      written = result.catch(() => {});
      return result;
    },
  };
}

interface Command {
  id: number;
  do: string;
  url: string;
  token: string;
  user: string;
  room: string;
  store: string;
  tokens: (string | null)[];
  text: string;
  message: string;
}

let parley: Parley;
const tokens: (string | null)[] = [];
const reasons: TokenReason[] = [];
const fresh: string[] = [];
const watched = new Map<string, Room>();

/** The next token that the kit has given, when the last one is not good any more. */
function nextToken(reason: TokenReason): string | null {
  reasons.push(reason);
  if (reason !== "start" && tokens.length > 1) tokens.shift();
  if (tokens[0] === "fails") {
    tokens.shift();
    throw new Error("no network");
  }
  return tokens[0] ?? null;
}

function watch(id: string): void {
  if (watched.has(id)) return;
  const room = parley.room(id);
  watched.set(id, room);
  room.messages.subscribe(() => {});
}

async function start({ url, token, user, room, store }: Command): Promise<void> {
  tokens.push(token);
  const platform = { WebSocket: WebSocket as unknown as Platform["WebSocket"] };
  parley = new Parley({ url, user, token: async (reason) => nextToken(reason), store: await fileStore(store), platform });
  parley.on("message", ({ message }) => fresh.push(message.id));
  followStreams(parley);
  void parley.start();
  watch(room);
}

/** The message that the page shows, as `edit` and `remove` take it. */
function shown({ room, message }: Command) {
  return parley.room(room).messages.get().find(({ id }) => id === message)!;
}

function showRoom(room: Room) {
  const info = room.info.get();
  const messages = watched.has(room.id) ? room.messages.get() : [];
  const unsent = messages
    .filter(({ seq }) => seq === null)
    .map(({ client_id, text, error }) => ({ client_id, text, refused: error?.code ?? null }));
  if (!info && !unsent.length) return null;
  return {
    messages: messages.filter(({ seq }) => seq !== null),
    unsent,
    unread: info?.unread ?? 0,
    read_seq: info?.me.read_seq ?? 0,
    typing: room.typing.get(),
  };
}

function state() {
  const rooms = new Map([...watched.values(), ...parley.rooms.get().map(({ id }) => parley.room(id))].map((room) => [room.id, room]));
  const entries = [...rooms.values()].map((room) => [room.id, showRoom(room)] as const).filter(([, each]) => each);
  return { status: parley.status.get(), ended: parley.ended.get(), rooms: Object.fromEntries(entries), new: fresh, reasons };
}

/** Writes a message; resolves when a reload can no longer lose it. */
function send({ room, text }: Command): Promise<void> {
  const { kept, settled } = parley.room(room).send(text);
  settled.catch(() => {}); // the state shows a refusal
  return kept;
}

const commands: Record<string, (command: Command) => unknown> = {
  start,
  state,
  watch: ({ room }) => watch(room),
  send,
  tokens: (command) => void tokens.push(...command.tokens),
  older: ({ room }) => parley.room(room).older(),
  edit: async (command) => void (await parley.room(command.room).edit(shown(command), command.text)),
  delete: (command) => parley.room(command.room).remove(shown(command)),
  read: ({ room }) => parley.room(room).read(),
  type: ({ room }) => parley.room(room).type(),
};

const print = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`);
print({ client: "parley-client (TypeScript)", features: FEATURES });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  try {
    print({ id: command.id, result: (await commands[command.do]!(command)) ?? null });
  } catch (error) {
    print({ id: command.id, error: { code: (error as { code?: string }).code ?? String(error) } });
  }
}
process.exit(0);
