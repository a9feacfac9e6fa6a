// What most files begin with: Alice and Bob in a room, and clients that stop after their test.
import { afterEach, inject } from "vitest";
import type { Options, Parley } from "../src/index.js";
import { Person } from "./people.js";

/** The server of all tests that do not restart theirs. */
export const url = inject("url");
const clients: Parley[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.stop();
});

/** Two new people and a room of theirs. */
export async function meet(): Promise<{ alice: Person; bob: Person; room: string }> {
  const [alice, bob] = [await Person.register(url, "alice"), await Person.register(url, "bob")];
  return { alice, bob, room: await alice.room(bob) };
}

/** A client that stops after the test. */
export function openClient(person: Person, options: Partial<Options> = {}): Parley {
  const client = person.client(options);
  clients.push(client);
  return client;
}

/** The texts of a room as a client shows them. */
export const texts = (client: Parley, room: string) => client.room(room).messages.get().map(({ text }) => text);
