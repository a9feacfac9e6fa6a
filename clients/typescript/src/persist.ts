// Writes what has changed to the store, a cursor always together with what it stands for.
import type { Message } from "./generated/contract.js";
import type { StoredRoom } from "./room_state.js";
import type { Store } from "./store.js";
import type { World } from "./world.js";

const KEPT_MESSAGES = 100; // of each room; older ones are pages of history

interface Head {
  inbox: number | null;
  epoch: number | null;
  isNew?: boolean;
}

export class Persist {
  readonly #dirty = new Set<string>();
  readonly #saved = new Map<string, Set<string>>(); // by room, the keys of its stored messages
  #writing: Promise<void> | null = null;
  #isFull = false;

  readonly #store: Store;
  readonly #scope: string;
  readonly #world: World;
  readonly #failed: (error: unknown) => void;

  constructor(
    store: Store,
    scope: string,
    world: World,
    failed: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#scope = scope;
    this.#world = world;
    this.#failed = failed;
  }

  /** Fills the rooms from the store. */
  async load(): Promise<void> {
    const messages = new Map<string, Message[]>();
    for (const [key, value] of await this.#store.read(`${this.#scope}message `)) {
      const message = value as Message;
      const { room_id } = message;
      messages.set(room_id, [...(messages.get(room_id) ?? []), message]);
      this.#savedOf(room_id).add(key);
    }
    for (const [, stored] of await this.#store.read(`${this.#scope}room `)) {
      const room = stored as StoredRoom;
      this.#world.restore(room, messages.get(room.room.id) ?? []);
    }
    for (const [, head] of await this.#store.read(`${this.#scope}head`)) Object.assign(this.#world, head as Head);
  }

  #savedOf(room: string): Set<string> {
    const saved = this.#saved.get(room) ?? new Set<string>();
    this.#saved.set(room, saved);
    return saved;
  }

  /** A room changed: it is written with everything else that changes in this turn. */
  changed(roomId: string): void {
    this.#dirty.add(roomId);
    this.#writing ??= Promise.resolve().then(() => this.#write());
  }

  /** Resolves when everything so far is in the store. */
  async done(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#dirty.size) {
      const ids = [...this.#dirty];
      this.#dirty.clear();
      const records: [string, unknown][] = ids.flatMap((id) => this.#recordsOf(id));
      const { inbox, epoch, isNew } = this.#world;
      records.push([`${this.#scope}head`, { inbox, epoch, isNew } satisfies Head]);
      try {
        if (!this.#isFull) await this.#store.write(records);
      } catch (error) {
        await this.empty();
        this.#isFull = true; // what is stored stays consistent, only older
        this.#failed(error);
      }
    }
    this.#writing = null;
  }

  #recordsOf(id: string): [string, unknown][] {
    const state = this.#world.rooms.get(id);
    const saved = this.#savedOf(id);
    const kept = state?.history.newest(KEPT_MESSAGES) ?? [];
    const records: [string, unknown][] = [[`${this.#scope}room ${id}`, state?.stored(kept)]];
    const keys = new Set<string>();
    for (const message of kept) {
      const key = `${this.#scope}message ${id} ${String(message.seq).padStart(16, "0")}`;
      keys.add(key);
      if (saved.has(key) && !state!.history.unsaved.has(message.id)) continue;
      records.push([key, message]);
      saved.add(key);
    }
    for (const key of saved) {
      if (keys.has(key)) continue;
      records.push([key, undefined]);
      saved.delete(key);
    }
    if (!state) this.#saved.delete(id);
    state?.history.unsaved.clear();
    return records;
  }

  /** Makes space: rooms and messages can be loaded again, unsent texts cannot. */
  async empty(): Promise<void> {
    try {
      for (const kind of ["head", "room ", "message "]) {
        const records = await this.#store.read(this.#scope + kind);
        await this.#store.write(records.map(([key]) => [key, undefined]));
      }
    } catch (error) {
      this.#failed(error);
    }
  }
}

