// One room, for the page: its messages, who types, the draft, and everything that can be done in it.
import type { Member, Message, MessageHistory, PushedEvent, Room as Shape, User } from "./generated/contract.js";
import { isInRoom, type History } from "./history.js";
import { Members } from "./members.js";
import type { Unsent } from "./outbox.js";
import { newId } from "./platform.js";
import { invalidate, View, type Readable } from "./readable.js";
import { Refused, offline, stopped } from "./refused.js";
import type { Rest } from "./rest.js";
import { PLAIN, type RoomState } from "./room_state.js";
import type { Session } from "./session.js";
import { Typing } from "./typing.js";

/** A room in lists: the server's Room with the count of unread messages as this page knows it. */
export interface RoomSummary extends Shape {
  /** The name; in a direct room that of the other member. */
  title: string;
  unread: number;
  /** The ids of others who are typing. */
  typing: readonly string[];
}

/** A message as the page shows it. An unsent one has no `seq`, and its `id` is its `client_id`. */
export interface ChatMessage extends Omit<Message, "seq"> {
  seq: number | null;
  /** "queued": waits for a connection or for those before it. "refused": the server will not take it: see `error`. */
  status: "sent" | "queued" | "sending" | "refused";
  error: Refused | null;
}

export interface Draft {
  metadata?: Record<string, unknown>;
  replyTo?: string;
  /** Other fields of a send, as the server's contract has them. */
  [field: string]: unknown;
}

/** A message that was written. */
export interface Sent {
  clientId: string;
  /** Resolves when a reload can no longer lose it. */
  kept: Promise<void>;
  /** Resolves when the server has it; rejects with Refused when it will not take it, or it was discarded. */
  settled: Promise<Message>;
}

export interface RoomContext {
  session(): Session | null;
  ready(): Promise<void>;
  rest: Rest;
  typingMs(): { resend: number; expire: number };
  me(): User | null;
  /** The lists of rooms change with this room. */
  refresh(id: string): void;
}

const PAGE = 50;
const MOST_UNSEEN = 200; // messages of a room that nobody looks at

export class Room {
  readonly #messagesView = new View<readonly ChatMessage[]>(() => this.#listMessages(), () => void this.load().catch(() => {}));
  readonly #typist: Typing;
  readonly #people: Members;
  readonly #edits = new Map<string, Partial<Message>>(); // by message, not answered yet
  readonly #views = new WeakMap<Message, ChatMessage>();
  readonly #unsentViews = new Map<string, [Unsent, ChatMessage]>();
  #loading: Promise<void> | null = null;
  #readTo = 0;
  #isReading = false;

  /** The room itself; null while it is not known, or not any more. */
  readonly info: Readable<RoomSummary | null> = new View(() => this.#summarize());
  /** Messages in order, unsent ones last. The first subscription loads the newest page. */
  readonly messages: Readable<readonly ChatMessage[]> = this.#messagesView;
  /** What the server does not have yet, replies in threads too. */
  readonly unsent: Readable<readonly ChatMessage[]> = new View(() => this.#listUnsent());
  /** The ids of others who are typing. */
  readonly typing: Readable<readonly string[]> = new View(() => this.#typist.others(this.#userId));
  /** The unsent text of the input, kept over reloads and shared by tabs. */
  readonly draft: Readable<string> = new View(() => this.#context.session()?.drafts.get(this.id) ?? "");
  /** Members. The first subscription loads them. */
  readonly members: Readable<readonly Member[]>;

  readonly #context: RoomContext;

  constructor(
    readonly id: string,
    context: RoomContext,
  ) {
    this.#context = context;
    this.#typist = new Typing(() => this.#typingChanged(), context.typingMs);
    this.#people = new Members(id, context.rest);
    this.members = this.#people.view;
  }

  get #state(): RoomState | undefined {
    return this.#context.session()?.world.rooms.get(this.id);
  }

  get #userId(): string {
    return this.#context.session()?.user ?? "";
  }

  // Reading

  /** Whether there are older messages than those that are shown. */
  get hasOlder(): boolean {
    return this.#state?.history.window.moreBefore ?? false;
  }

  /** Whether an older window is shown, by `around`. */
  get hasNewer(): boolean {
    return this.#state?.history.moreAfter ?? false;
  }

  /** Loads the newest page, if nothing is loaded. */
  load(): Promise<void> {
    return (this.#loading ??= this.#loadNewest().finally(() => (this.#loading = null)));
  }

  async #loadNewest(): Promise<void> {
    await this.#context.ready();
    if (this.#state?.history.isEmpty) await this.#page({}, (history, page) => history.prepend(page));
  }

  /** Loads the page before the oldest message. False when there is none. */
  async older(): Promise<boolean> {
    await this.load();
    if (!this.hasOlder) return false;
    const before = String(this.#state!.history.window.from);
    await this.#page({ before }, (history, page) => history.prepend(page));
    return this.hasOlder;
  }

  /** After `around`: loads the page after the newest message that is shown. False when the newest ones are shown. */
  async newer(): Promise<boolean> {
    if (!this.hasNewer) return false;
    const after = String(this.#state!.history.window.to);
    await this.#page({ after }, (history, page) => history.extend(page));
    return this.hasNewer;
  }

  /** Shows the messages around a place: a message id, a seq, an RFC 3339 time, or "unread". */
  async around(place: string): Promise<void> {
    await this.load();
    await this.#page({ around: place }, (history, page) => history.show(page));
  }

  /** Shows the newest messages again. */
  latest(): void {
    this.#state?.history.showNewest();
    this.changed();
  }

  async #page(
    anchor: { before?: string; after?: string; around?: string },
    place: (history: History, page: MessageHistory) => void,
  ): Promise<void> {
    const session = this.#context.session();
    const state = this.#state;
    if (!session || !state) throw offline();
    const load = () => session.tabs.request("get_messages", { room_id: this.id, limit: PAGE, ...anchor });
    const { results } = await state.page(load, (page) => place(state.history, page));
    for (const message of results) if (message.sender.id === session.user) session.outbox.acknowledge(message);
    session.changed(this.id);
  }

  // Writing

  /** Shows the message at once, keeps it, and sends it once, in order, as soon as there is a connection. */
  send(text: string, { metadata, replyTo, ...more }: Draft = {}): Sent {
    const session = this.#context.session();
    const clientId = newId();
    if (!session) {
      const refused = Promise.reject(stopped());
      refused.catch(() => {});
      return { clientId, kept: refused, settled: refused };
    }
    if (this.draft.get()) this.setDraft("");
    this.#typist.sent();
    const unsent: Unsent = { ...more, client_id: clientId, room_id: this.id, text, created_at: new Date().toISOString(), refused: null };
    if (metadata) unsent.metadata = metadata;
    if (replyTo) unsent.reply_to = replyTo;
    return { clientId, ...session.outbox.add(unsent) };
  }

  /** Sends a refused message again, as the newest one. */
  retry(clientId: string): Sent | null {
    const session = this.#context.session();
    const unsent = session?.outbox.get(clientId);
    if (!session || !unsent?.refused) return null;
    session.outbox.remove(clientId, stopped());
    const again: Unsent = { ...unsent, client_id: newId(), created_at: new Date().toISOString(), refused: null };
    return { clientId: again.client_id, ...session.outbox.add(again) };
  }

  /** Removes an unsent message. False when it is on its way already. */
  discard(clientId: string): boolean {
    const outbox = this.#context.session()?.outbox;
    const unsent = outbox?.get(clientId);
    if (!outbox || !unsent || outbox.isSending(unsent)) return false;
    outbox.remove(clientId, stopped());
    return true;
  }

  /** Changes a message of mine, at once on the page. Rejects with Refused, and the change is undone. */
  edit(message: ChatMessage, text: string): Promise<Message> {
    return this.#optimistic(message, { text }, (session) =>
      session.tabs.request("edit_message", { room_id: this.id, message_id: message.id, text, if_version: message.version }),
    );
  }

  /** Takes a message that came outside the log, as by `parley.rest`, if it is held and not newer. */
  take(message: Message): void {
    this.#context.session()?.take(message);
  }

  /** Deletes a message, at once on the page. Rejects with Refused, and it is shown again. */
  async remove(message: ChatMessage): Promise<void> {
    const gone = { text: null, metadata: {}, deleted_at: new Date().toISOString() };
    await this.#optimistic(message, gone, async (session) => {
      await session.tabs.request("delete_message", { room_id: this.id, message_id: message.id });
      return undefined;
    });
  }

  async #optimistic<T extends Message | undefined>(
    { id }: ChatMessage,
    change: Partial<Message>,
    ask: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = this.#context.session();
    if (!session) throw stopped();
    this.#edits.set(id, change);
    this.changed();
    try {
      const message = await ask(session);
      if (message) session.take(message);
      return message;
    } finally {
      // A deletion is answered without the message: its event removes the change, or the next sync.
      if (this.#edits.get(id) === change) this.#edits.delete(id);
      this.changed();
    }
  }

  // Reading markers, typing, drafts

  /** Marks everything up to this seq as read, the newest message by default. Calls that come together are one. */
  async read(seq: number = this.#state?.cursor ?? 0): Promise<void> {
    const session = this.#context.session();
    const info = this.info.get();
    if (!session || !info || seq <= Math.max(this.#readTo, info.me.read_seq ?? 0)) return;
    this.readElsewhere(seq);
    session.tabs.tell({ kind: "read", roomId: this.id, seq });
    await this.#sendRead(session);
  }

  /** Marks as read here what another tab has marked. */
  readElsewhere(seq: number): void {
    this.#readTo = Math.max(this.#readTo, seq);
    this.#context.refresh(this.id);
  }

  async #sendRead(session: Session): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      let sent;
      do {
        sent = this.#readTo;
        await session.tabs.request("mark_read", { room_id: this.id, seq: sent });
      } while (sent < this.#readTo);
    } catch (error) {
      // Without a connection the marker is sent with the next one.
      if (!(error as Refused).isRetryable) this.#readTo = 0;
    } finally {
      this.#isReading = false;
    }
  }

  /** Tells the others that I am typing; call it with each key. */
  type(): void {
    const session = this.#context.session();
    if (session && this.#typist.type()) session.tabs.request("typing", { room_id: this.id, on: true }).catch(() => {});
  }

  setDraft(text: string): void {
    this.#context.session()?.setDraft(this.id, text);
  }

  /** Leaves the room. */
  async leave(): Promise<void> {
    await this.#context.rest("POST /v1/rooms/{room_id}/leave", { path: { room_id: this.id } });
  }

  // What the client tells the room

  /** Something of the room changed. */
  changed(): void {
    const state = this.#state;
    invalidate(this.unsent, this.messages, this.info, this.typing);
    if (!state) return;
    if (!this.#messagesView.isObserved) state.history.trim(MOST_UNSEEN);
    else if (state.history.isEmpty && !this.#loading) void this.load().catch(() => {});
  }

  /** The connection is live again. */
  resumed(session: Session): void {
    if (this.#readTo > (this.#state?.shape.me.read_seq ?? Infinity)) void this.#sendRead(session);
    if (this.#messagesView.isObserved) void this.load().catch(() => {});
    this.#people.reset();
  }

  draftChanged(): void {
    invalidate(this.draft);
  }

  receive(event: PushedEvent): void {
    if (event.type === "typing") this.#typist.set(event.data.user_ids);
    else if (event.type === "message.created") this.#typist.remove(event.data.sender.id);
    this.#people.receive(event);
  }

  #typingChanged(): void {
    invalidate(this.typing, this.info);
  }

  // Views

  #summarize(): RoomSummary | null {
    const shape = this.#state?.shape;
    if (!shape) return null;
    const isRead = this.#readTo > (shape.me.read_seq ?? 0) && this.#readTo >= (shape.last_message?.seq ?? 0);
    const title = shape.name ?? shape.peer?.display_name ?? "";
    return { ...shape, title, unread: isRead ? 0 : shape.me.unread, typing: this.typing.get() };
  }

  #listMessages(): readonly ChatMessage[] {
    const stored = this.#state?.history.shown().map((message) => this.#show(message)) ?? [];
    const mine = new Set(stored.filter(({ sender }) => sender.id === this.#userId).map(({ client_id }) => client_id));
    return [...stored, ...this.unsent.get().filter((each) => !mine.has(each.client_id) && isInRoom(each))];
  }

  #listUnsent(): readonly ChatMessage[] {
    const session = this.#context.session();
    return session?.outbox.of(this.id).map((each) => this.#showUnsent(each, session)) ?? [];
  }

  #show(message: Message): ChatMessage {
    const edit = this.#edits.get(message.id);
    if (edit) return { ...message, ...edit, status: "sending", error: null };
    const known = this.#views.get(message);
    if (known) return known;
    const shown: ChatMessage = { ...message, status: "sent", error: null };
    this.#views.set(message, shown);
    return shown;
  }

  #showUnsent(unsent: Unsent, session: Session): ChatMessage {
    const status = unsent.refused ? "refused" : session.outbox.isSending(unsent) ? "sending" : "queued";
    const [known, shown] = this.#unsentViews.get(unsent.client_id) ?? [];
    if (shown && known === unsent && shown.status === status) return shown;
    const me: Partial<User> = this.#context.me() ?? {};
    const { username = "", display_name = "", avatar_url = null, kind = "person" } = me;
    const sender: Message["sender"] = { id: session.user, username, display_name, avatar_url, kind };
    const { refused, ...fields } = unsent;
    const fresh = {
      ...PLAIN,
      ...fields,
      id: unsent.client_id,
      seq: null,
      version: 0,
      mentions: { ...PLAIN.mentions, ...fields.mentions },
      sender,
      edited_at: null,
      status,
      error: refused && new Refused(refused.code, refused.detail),
    } as unknown as ChatMessage;
    this.#unsentViews.set(unsent.client_id, [unsent, fresh]);
    return fresh;
  }
}
