// The store: records by key. The client keeps each user's records apart by the beginning of their keys.

/** A place for records, which survives the page or not. Values are plain JSON. */
export interface Store {
  /** All records whose key begins with `prefix`, in the order of their keys. */
  read(prefix: string): Promise<[key: string, value: unknown][]>;
  /** Writes all these records or none; undefined removes one. Rejects when the store is full. */
  write(records: [key: string, value: unknown][]): Promise<void>;
}

/** A store that lasts as long as the page. Several clients may share one, as tabs share an IndexedDB. */
export function memory(): Store {
  const records = new Map<string, string>();
  return {
    async read(prefix) {
      const found = [...records].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      return found.map(([key, text]) => [key, JSON.parse(text)]);
    },
    async write(changes) {
      for (const [key, value] of changes) {
        if (value === undefined) records.delete(key);
        else records.set(key, JSON.stringify(value));
      }
    },
  };
}

/** The beginning of the keys of one user of one server. A space ends each part; addresses and ids have none. */
export const scopeOf = (url: string, user: string) => `parley ${url} ${user} `;
