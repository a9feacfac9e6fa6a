// openapi-fetch with the types of openapi-typescript against a server: node live.mjs URL
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./build/contract.js";

const client = createClient<paths>({ baseUrl: process.argv[2]! });
const name = `ts-${crypto.randomUUID().slice(0, 8)}`;

const registered = await client.POST("/v1/auth/register", {
  body: { username: name, password: "correct-horse-battery" },
});
assert.equal(registered.response.status, 201);
client.use({
  onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${registered.data!.token}`),
});

const room = (await client.POST("/v1/rooms", { body: { kind: "private", name: "Tea" } })).data!;
const path = { room_id: room.id };
const body = { client_id: crypto.randomUUID(), text: "Tea?" };
const first = await client.POST("/v1/rooms/{room_id}/messages", { params: { path }, body });
const again = await client.POST("/v1/rooms/{room_id}/messages", { params: { path }, body });
assert.deepEqual([first.response.status, again.response.status], [201, 200]);
assert.equal(again.data!.id, first.data!.id);

const history = await client.GET("/v1/rooms/{room_id}/messages", {
  params: { path, query: { around: first.data!.id, limit: 10 } },
});
assert.deepEqual(history.data!.results.map((message) => message.text), ["Tea?"]);
assert.equal(history.data!.page.newest_seq, first.data!.seq);

const events = await client.GET("/v1/rooms/{room_id}/events", { params: { path, query: { after: 0 } } });
const said = events.data!.results.flatMap((event) => (event.type === "message.created" ? [event.data.text] : []));
assert.deepEqual(said, ["Tea?"]);

const refused = await client.POST("/v1/rooms", { body: { kind: "public", name: "" } });
assert.equal(refused.error!.code, "request.invalid");
assert.deepEqual(refused.error!.errors.map((error) => [error.field, error.code]), [["name", "blank"]]);

console.log("openapi-fetch works");
