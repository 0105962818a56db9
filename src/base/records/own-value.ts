/** Values of records whose keys come from outside: any name may be one, also that of a method that every object has. */

/** A record without a prototype: every key of it is its own, and `__proto__` is a key. */
export interface NewRecord<T> {
  [key: string]: T;
}

/** Undefined also where no key is given. */
export function ownValue<T>(
  record: Readonly<Record<string, T>> | undefined,
  key: string | undefined,
): T | undefined {
  return record !== undefined && key !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** An empty record to which any key can be given: on other objects, `__proto__` is none. */
export function newRecord<T>(): NewRecord<T> {
  return Object.create(null);
}
