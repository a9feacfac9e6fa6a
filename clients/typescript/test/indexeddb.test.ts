import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { indexedDb } from "../src/indexeddb.js";
import { memory, type Store } from "../src/index.js";
import { Person } from "./people.js";
import { until } from "./server.js";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

describe.each<[string, () => Store]>([["memory", memory], ["IndexedDB", indexedDb]])("%s", (_, make) => {
  test("records are read by the beginning of their keys, in order", async () => {
    const store = make();
    await store.write([["a 2", { n: 2 }], ["b 1", "other"], ["a 1", { n: 1 }]]);
    await store.write([["a 2", undefined], ["a 3", [3]]]);

    expect(await store.read("a ")).toEqual([["a 1", { n: 1 }], ["a 3", [3]]]);
  });

  test("a record that was read is a copy", async () => {
    const store = make();
    const record = { text: "as it was" };
    await store.write([["a", record]]);
    record.text = "changed";

    expect(await store.read("a")).toEqual([["a", { text: "as it was" }]]);
  });
});

test("two pages share one IndexedDB, and what was written offline is sent by the next page", async () => {
  const alice = await Person.register(inject("url"), "alice");
  const room = await alice.room();
  const first = alice.client({ store: indexedDb() });
  await first.start();
  await first.room(room).send("online").settled;
  await first.saved();
  first.stop();

  const offline = alice.client({ store: indexedDb(), url: alice.url, user: alice.id, token: () => Promise.reject(new Error("no network")) });
  void offline.start();
  await until(() => offline.room(room).messages.get().length === 1);
  await offline.room(room).send("offline").kept;
  offline.stop();

  const next = alice.client({ store: indexedDb() });
  await next.start();
  await until(() => next.room(room).messages.get().every(({ status }) => status === "sent"));

  expect((await alice.history(room)).map(({ text }) => text)).toEqual(["online", "offline"]);
  next.stop();
});
