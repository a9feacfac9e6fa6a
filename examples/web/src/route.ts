// The open room is in the address, so that the back button, a reload and a link work.
import { useSyncExternalStore } from "react";

const ROOM = /^#\/rooms\/([\w-]+)/;

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** The id of the open room; null shows the list alone. */
export const useOpenRoom = () => useSyncExternalStore(subscribe, () => ROOM.exec(location.hash)?.[1] ?? null);
export const roomAddress = (id: string) => `#/rooms/${id}`;
export const openRoom = (id: string | null) => void (location.hash = id ? roomAddress(id) : "#/");
