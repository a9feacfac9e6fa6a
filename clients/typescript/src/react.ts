// Hooks for React 18 and newer, on `useSyncExternalStore`.
import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useReducer, useSyncExternalStore, type ReactNode } from "react";
import type { ChatMessage, End, Member, Parley, Readable, Room, RoomSummary, Sent, Status, User } from "./index.js";

const Context = createContext<Parley | null>(null);

/** Starts the client while it is mounted, and stops it afterwards. StrictMode may mount it twice. */
export function ParleyProvider({ client, children }: { client: Parley; children?: ReactNode }): ReactNode {
  useEffect(() => {
    void client.start();
    return () => client.stop();
  }, [client]);
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest ParleyProvider. */
export function useParley(): Parley {
  const client = useContext(Context);
  if (!client) throw new Error("useParley needs a <ParleyProvider> above it.");
  return client;
}

/** The value of a readable; the component renders again when it changes. */
export function useReadable<T>(readable: Readable<T>): T {
  const subscribe = useCallback((changed: () => void) => readable.subscribe(changed), [readable]);
  const get = useCallback(() => readable.get(), [readable]);
  return useSyncExternalStore(subscribe, get, get);
}

export const useStatus = (): Status => useReadable(useParley().status);
export const useEnded = (): End | null => useReadable(useParley().ended);
export const useMe = (): User | null => useReadable(useParley().me);
export const useRooms = (): readonly RoomSummary[] => useReadable(useParley().rooms);
export const useUnread = (): number => useReadable(useParley().unread);

export interface RoomView {
  room: Room;
  /** Null while the room is not known. */
  info: RoomSummary | null;
  messages: readonly ChatMessage[];
  hasOlder: boolean;
  hasNewer: boolean;
  older(): Promise<boolean>;
  newer(): Promise<boolean>;
  send(...message: Parameters<Room["send"]>): Sent;
}

/** One room with its messages; the newest page is loaded when the component is mounted. */
export function useRoom(id: string): RoomView {
  const client = useParley();
  const room = useMemo(() => client.room(id), [client, id]);
  const messages = useReadable(room.messages);
  const info = useReadable(room.info);
  return useMemo(
    () => ({
      room,
      info,
      messages,
      hasOlder: room.hasOlder,
      hasNewer: room.hasNewer,
      older: () => room.older(),
      newer: () => room.newer(),
      send: (...message) => room.send(...message),
    }),
    [room, info, messages],
  );
}

/** The ids of others who are typing in a room. */
export const useTyping = (id: string): readonly string[] => useReadable(useParley().room(id).typing);
/** The members of a room; they are loaded when the component is mounted. */
export const useMembers = (id: string): readonly Member[] => useReadable(useParley().room(id).members);

/** The draft of a room and how to set it, as `useState` has it. */
export function useDraft(id: string): [draft: string, setDraft: (text: string) => void] {
  const room = useParley().room(id);
  // Rendered in the turn of the key: a later change of an input's value would move the caret to the end.
  const [, render] = useReducer((renders: number) => renders + 1, 0);
  const setDraft = useCallback(
    (text: string) => {
      room.setDraft(text);
      render();
    },
    [room],
  );
  return [useReadable(room.draft), setDraft];
}
