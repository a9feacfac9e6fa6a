// An Express backend: it opens a session of Parley for its own user. `npm install && PORT=8001 node with_express.mjs`
import express from "express";

const { PARLEY, PARLEY_KEY, PORT = "8001" } = process.env;

async function callParley(method, path, body) {
  const headers = { authorization: `Bearer ${PARLEY_KEY}`, "content-type": "application/json" };
  const url = `${PARLEY}/v1/admin/users/${path}`;
  const response = await fetch(url, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`Parley answers ${response.status}: ${await response.text()}`);
  return response.json();
}

const app = express();
app.post("/chat-session", async (request, response) => {
  const name = request.get("x-user"); // your own log-in instead: request.session.user
  const user = encodeURIComponent(name);
  await callParley("PUT", user, { display_name: name });
  response.json(await callParley("POST", `${user}/sessions`, { device: { platform: "web" }, expires_in: 3600 }));
});
app.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
