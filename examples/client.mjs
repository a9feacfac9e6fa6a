// A chat client for one room: each message is sent once and shown once, through crashes and lost connections.
// Without dependencies, for browsers and Node 22 (Node 20: --experimental-websocket).

const EMPTY = { // what a deleted message has in these fields
  text: null, metadata: {}, reply_to: null, mentions: { users: [], room: false }, attachments: [], reactions: [],
  pinned_at: null, pinned_by: null, forwarded: null, streaming: false, interrupted: false,
};
const STOP = [1002, 1007, 1009, 4400, 4401, 4402, 4403, 4406, 4408, 4410, 4426]; // the same attempt would end the same way
const KEPT_MESSAGES = 200; // older ones are pages of history
const LONGEST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_HIDDEN_MS = 30_000; // while nobody looks at the page
const PING_TIMEOUT_MS = 5_000;
const HELLO_MS = 10_000;
const WAKING_EVENTS = ["online", "pageshow", "visibilitychange"];

function supersedes(message, held) { // newer, or of the same version, and the copy that is held is not whole
  if (message.version !== held.version || held.blocked) return message.version >= held.version;
  if (held.streaming && message.streaming) return (message.text ?? "").length > (held.text ?? "").length;
  return held.streaming || held.stale || false;
}

export class Client {
  // One room on one socket. `store` is localStorage, or anything with its getItem, setItem, removeItem, key and
  // length; several tabs and several users may share it. `onMessage` gets each message in its newest version, first
  // those in the store; `onProblem` gets sentences for the user. Call close() when the page no longer shows the room.
  constructor({ url, token, room, store, onMessage, onProblem = console.error }) {
    Object.assign(this, { url, token, room, store, onMessage, onProblem });
    this.notSaved = new Map(); // unsent texts that a full store did not take
    this.lastId = this.attempt = this.notBefore = 0;
    // The records belong to one user of one server: the next user of this browser neither sees nor sends them.
    // The hello frame names the user of a token; until then records are kept by the token.
    this.tokenKey = `parley ${url} token ${token.slice(-8)}`;
    this.open(store.getItem(this.tokenKey) ?? this.tokenKey);
    this.wake = () => this.retryNow();
    for (const name of WAKING_EVENTS) globalThis.addEventListener?.(name, this.wake, true);
    this.connect();
  }

  close() {
    this.closed = true;
    for (const name of WAKING_EVENTS) globalThis.removeEventListener?.(name, this.wake, true);
    clearTimeout(this.reconnectTimer);
    this.dropSocket();
  }

  get messages() {
    return Object.values(this.state.messages).sort((a, b) => a.seq - b.seq);
  }

  // The store: one record for the room, and one for each unsent text, so that two tabs never overwrite each other's.

  open(user) {
    this.user = user;
    this.key = `${user} room ${this.room}`;
    this.state = JSON.parse(this.store.getItem(this.key) ?? "null") ?? { cursor: null, epoch: null, messages: {} };
    const stored = this.messages;
    queueMicrotask(() => stored.forEach((message) => this.closed || this.onMessage(message)));
  }

  save(key, text) {
    try {
      this.store.setItem(key, text);
      return true;
    } catch {
      return false; // a full store stays consistent, only older
    }
  }

  saveRoom() { // the messages and the cursor, in one step
    for (const message of this.messages.slice(0, -KEPT_MESSAGES)) delete this.state.messages[message.id];
    this.save(this.key, JSON.stringify(this.state));
  }

  saveUnsent(id, text) {
    const key = `${this.key} unsent ${id}`;
    if (this.save(key, text)) return;
    this.store.removeItem(this.key); // messages can be loaded again, unsent text cannot
    if (this.save(key, text)) return;
    this.notSaved.set(key, text);
    this.onProblem("The store is full: a message that is not sent yet would be lost by a reload.");
  }

  unsent() { // [client_id, text] of all tabs, oldest first
    const stored = Array.from({ length: this.store.length }, (_, index) => this.store.key(index));
    const keys = [...stored, ...this.notSaved.keys()].filter((key) => key.startsWith(`${this.key} unsent `));
    return keys.sort().map((key) => [key.split(" ").pop(), this.notSaved.get(key) ?? this.store.getItem(key)]);
  }

  removeUnsent(id) {
    this.notSaved.delete(`${this.key} unsent ${id}`);
    this.store.removeItem(`${this.key} unsent ${id}`);
  }

  // Sending

  send(text) { // kept until the server has acknowledged it; repeated sends make one message
    this.lastId = Math.max(Date.now(), this.lastId + 1);
    const random = crypto.getRandomValues(new Uint32Array(3)); // randomUUID does not exist on http:// pages
    const id = [this.lastId, ...random].map((number) => number.toString(36).padStart(9, "0")).join("-");
    this.saveUnsent(id, text); // the client_id; sorts in the order of writing
    this.flush();
    return id;
  }

  flush() { // the oldest unsent text; its reply sends the next one, so the room gets them in the order of writing
    const [oldest] = this.unsent();
    if (!oldest || !this.ready || this.sending) return;
    const [id, text] = oldest;
    this.sending = id;
    this.request("send_message", id, { room_id: this.room, client_id: id, text });
  }

  resume() {
    this.sending = null;
    this.flush();
  }

  request(action, request_id, body) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ action, request_id, ...body }));
  }

  // Receiving

  receive({ action, data, request_id, errors: [problem] = [] }) {
    clearTimeout(this.pingTimer);
    this.pingTimer = null;
    if (action === "hello") this.start(data);
    else if (action === "goodbye") this.notBefore = Date.now() + (data.retry_after_ms ?? 0);
    else if (action === "send_message") this.receiveReplyToSend(request_id, data, problem);
    else if (action === "get_message") {
      this.loading.delete(request_id);
      if (data) this.applyMessage(data);
      this.saveRoom();
    } else if (problem?.retryable) this.reconnect();
    else if (problem) this.onProblem(problem.detail); // no longer a member, for example
    else if (action === "subscribe") this.subscribed(data);
    else if (action === "get_messages") {
      this.state.cursor = data.head;
      for (const message of data.results) this.applyMessage(message);
      this.saveRoom();
      this.receiveEvents(this.early.filter(({ seq }) => seq === null || seq > data.head));
    } else if (action === "events") this.receiveEvents(data);
  }

  start({ user, heartbeat }) {
    const userKey = `parley ${this.url} user ${user.id}`;
    if (userKey !== this.user) { // the first connection of this token
      const unsent = this.unsent();
      const tokenRecord = this.key;
      this.save(this.tokenKey, userKey);
      this.open(userKey);
      for (const [id, text] of unsent) { // first kept under the user's name, then removed under the token's
        this.saveUnsent(id, text);
        this.store.removeItem(`${tokenRecord} unsent ${id}`);
      }
    }
    this.heartbeat = setInterval(() => this.ping(heartbeat.interval_ms), heartbeat.interval_ms);
    this.request("subscribe", "subscribe", { room_id: this.room, after: this.state.cursor, epoch: this.state.epoch });
    this.ready = true;
    this.loading = new Set();
    this.loadStale();
    this.flush();
  }

  loadStale() { // messages that have missed a change; a lost request is repeated after the next hello
    for (const { id } of this.messages.filter(({ stale, id }) => stale && !this.loading.has(id))) {
      this.loading.add(id);
      this.request("get_message", id, { room_id: this.room, message_id: id });
    }
  }

  subscribed({ replay, epoch }) {
    this.attempt = 0;
    if (this.state.cursor !== null && replay === "complete") return;
    this.state = { cursor: null, epoch, messages: {} }; // new here, or away for too long
    this.early = [];
    this.request("get_messages", "history", { room_id: this.room, limit: 100 });
  }

  receiveReplyToSend(id, message, problem) {
    if (problem?.retryable) return setTimeout(() => this.resume(), problem.retry_after_ms ?? 1_000); // nothing is sent until then
    this.sending = null;
    if (problem) this.onProblem(problem.detail);
    else this.applyMessage(message);
    this.saveRoom();
    this.removeUnsent(id);
    return this.flush();
  }

  receiveEvents(events) {
    if (this.state.cursor === null) return void this.early.push(...events); // the page comes after these, and may be older
    for (const event of events) this.applyEvent(event);
    if (events.some((event) => event.seq !== null)) this.saveRoom();
    this.loadStale();
  }

  applyEvent({ type, seq, at, data }) {
    // An edit of a message that is not loaded is not shown: the page that loads it has the newest version.
    if (type === "message.created" || (type.startsWith("message.") && data.id in this.state.messages)) this.applyMessage(data);
    else if (data.base_version !== undefined) this.applyPart(data);
    else if (type === "user.erased") { // an account was deleted: remove its name here, too
      for (const message of this.messages) {
        const theirs = [message, message.forwarded].filter((shown) => shown?.sender.id === data.user.id);
        for (const shown of theirs) shown.sender = data.user;
        if (theirs.length) this.onMessage(message);
      }
    } else if (type === "messages.purged") { // the room keeps messages for a time only
      for (const message of this.messages.filter((each) => each.seq < data.before_seq)) {
        const deleted_at = message.deleted_at ?? at;
        Object.assign(message, structuredClone(EMPTY), { deleted_at, version: seq });
        this.onMessage(message);
      }
    } else if (type === "room.reset") this.reconnect(); // the past was rewritten; the next subscribe is answered with a reset
    if (seq !== null) this.state.cursor = Math.max(this.state.cursor, seq);
  }

  applyPart({ base_version, change, reaction, ...fields }) { // merged into its base version; any other copy is stale
    const held = this.state.messages[fields.id];
    if (!held || held.version >= fields.version) return;
    if (held.version !== base_version) return void (held.stale = true);
    const byKey = new Map((held.reactions ?? []).map((each) => [each.key, each]));
    if (reaction) byKey.set(reaction.key, reaction); // replaced, added, or gone at 0
    this.applyMessage({ ...held, ...fields, reactions: [...byKey.values()].filter(({ count }) => count) });
  }

  applyMessage(message) { // reply, event and page may bring the same message in any order
    const held = this.state.messages[message.id];
    if (held && !supersedes(message, held)) return;
    this.state.messages[message.id] = message;
    this.onMessage(message);
  }

  // The connection

  connect() {
    const socket = new WebSocket(this.url, ["chat.v1", `bearer.${this.token}`]);
    this.socket = socket;
    this.reconnectTimer = null;
    this.pingTimer = setTimeout(() => this.reconnect(), HELLO_MS); // the first frame ends it
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = socket.onerror = ({ code, reason }) => { // a failed attempt may fire both
      if (!STOP.includes(code)) return this.reconnect();
      this.close();
      this.onProblem(`Closed for good: ${reason}`);
    };
  }

  reconnect() { // after any failure: unsent texts and missed events follow the next hello
    this.dropSocket();
    const longest = globalThis.document?.hidden ? LONGEST_PAUSE_HIDDEN_MS : LONGEST_PAUSE_MS;
    const jitter = Math.random() * Math.min(longest, 500 * 2 ** this.attempt++); // full jitter
    this.reconnectTimer = setTimeout(() => this.connect(), Math.max(this.notBefore - Date.now(), jitter));
  }

  dropSocket() {
    clearInterval(this.heartbeat);
    clearTimeout(this.pingTimer);
    this.ready = false;
    this.pingTimer = this.sending = null;
    this.socket.onmessage = this.socket.onclose = this.socket.onerror = null;
    this.socket.close();
  }

  retryNow() { // the network or the page is back: connect at once, or find out whether the connection still works
    if (globalThis.document?.hidden) return;
    if (this.socket.readyState === WebSocket.OPEN) this.ping(PING_TIMEOUT_MS);
    else if (this.reconnectTimer) {
      clearTimeout(this.reconnectTimer);
      this.attempt = 0;
      this.reconnectTimer = setTimeout(() => this.connect(), this.notBefore - Date.now());
    }
  }

  ping(timeout) { // a browser hides protocol pings: send the action, and reconnect when no frame arrives in time
    this.request("ping", "ping");
    this.pingTimer ??= setTimeout(() => this.reconnect(), timeout);
  }
}
