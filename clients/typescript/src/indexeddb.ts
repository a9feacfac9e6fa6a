// A store in the browser's IndexedDB, by the package `idb`.
import { openDB, type IDBPDatabase } from "idb";
import type { Store } from "./store.js";

const RECORDS = "records";

/** A store that survives the page and is shared by all tabs. Without IndexedDB (#mode) reads and writes reject. */
export function indexedDb(name = "parley"): Store {
  let opened: Promise<IDBPDatabase> | undefined;
  const open = () =>
    (opened ??= openDB(name, 1, {
      upgrade: (database) => void database.createObjectStore(RECORDS),
      blocking: (_current, _blocked, event) => {
        opened = undefined; // another tab deletes the database
        (event.target as IDBDatabase).close();
      },
      terminated: () => (opened = undefined),
    }).catch((error) => {
      opened = undefined;
      throw error;
    }));
  return {
    async read(prefix) {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const records = (await open()).transaction(RECORDS).store;
      const [keys, values] = await Promise.all([records.getAllKeys(range), records.getAll(range)]);
      return keys.map((key, index) => [key as string, values[index]]);
    },
    async write(changes) {
      const transaction = (await open()).transaction(RECORDS, "readwrite", { durability: "strict" });
      const written = changes.map(([key, value]) =>
        value === undefined ? transaction.store.delete(key) : transaction.store.put(value, key),
      );
      await Promise.all([...written, transaction.done]);
    },
  };
}
