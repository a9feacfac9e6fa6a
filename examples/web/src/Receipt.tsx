// How far my newest message has come.
import type { ChatMessage } from "parley-client";
import { useMembers } from "parley-client/react";
import { receiptOf } from "parley-client/receipts";
import { listOf } from "./words.ts";

const MOST_NAMES = 3;

export function ReceiptLine({ message }: { message: ChatMessage }) {
  const members = useMembers(message.room_id);
  const { read, delivered } = receiptOf(message, members);
  const names = read.map(({ user }) => user.display_name);
  const text = names.length
    ? `Read by ${names.length > MOST_NAMES ? `${names.length} people` : listOf(names)}`
    : delivered.length ? "Delivered" : "Sent";
  return <p className="receipt">{text}</p>;
}
