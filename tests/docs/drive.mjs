// Runs examples/client.mjs in a terminal: node drive.mjs MODULE URL TOKEN ROOM STORE
// STORE is a folder with one file for each key, so that two processes share it as two tabs share localStorage.
// A line is sent as a message; "/close" closes the client, and "/online" fires the browser's event of that name.
// STORE_BYTES bounds a store, JITTER=never keeps a lost connection from coming back by itself.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [module, url, token, room, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const file = (key) => `${folder}/${encodeURIComponent(key)}`;
const names = () => readdirSync(folder).filter((name) => !name.startsWith("."));
const store = {
  get length() {
    return names().length;
  },
  key: (index) => decodeURIComponent(names()[index]),
  getItem: (key) => {
    try {
      return readFileSync(file(key), "utf8");
    } catch {
      return null;
    }
  },
  setItem: (key, text) => {
    const others = names().filter((name) => name !== encodeURIComponent(key));
    const bytes = others.reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, text.length);
    if (bytes > Number(process.env.STORE_BYTES ?? Infinity)) throw new Error("QuotaExceededError");
    writeFileSync(`${folder}/.${process.pid}`, text);
    renameSync(`${folder}/.${process.pid}`, file(key));
  },
  removeItem: (key) => rmSync(file(key), { force: true }),
};

const browser = new EventTarget();
globalThis.addEventListener = browser.addEventListener.bind(browser);
globalThis.removeEventListener = browser.removeEventListener.bind(browser);
Object.defineProperty(crypto, "randomUUID", { value: undefined }); // as on an http:// page
if (process.env.JITTER === "never") Math.random = () => 1e6;

const { Client } = await import(pathToFileURL(module));
const onMessage = (message) => console.log(`${message.sender.username}: ${message.text}`);
const client = new Client({ url, token, room, store, onMessage });
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "/close") client.close();
  else if (line === "/online") browser.dispatchEvent(new Event("online"));
  else client.send(line.trim());
});
