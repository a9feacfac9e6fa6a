// Drives the README's JavaScript client from a terminal: node drive.mjs MODULE URL TOKEN ROOM STORE
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [module, url, token, room, file] = process.argv.slice(2);
const { Client } = await import(pathToFileURL(module));
const store = {
  getItem: () => (existsSync(file) ? readFileSync(file, "utf8") : null),
  setItem: (_, text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  },
};
const onMessage = (message) => console.log(`${message.sender.username}: ${message.text}`);
const client = new Client({ url, token, room, store, onMessage });
createInterface({ input: process.stdin }).on("line", (line) => client.say(line.trim()));
