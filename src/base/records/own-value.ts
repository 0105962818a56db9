/** Values of records whose keys come from outside: any name may be one, also that of a method that every object has. */

export function ownValue<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** An empty record to which any key can be given: on other objects, `__proto__` is none. */
export function newRecord<T>(): Record<string, T> {
  return Object.create(null);
}
