/** What this process starts and reads while a test looks: by name and path, in order. */

import childProcess from 'node:child_process';
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

export interface CountedCalls extends Disposable {
  /** Programs that were started. */
  readonly started: string[];
  /** Files and folders that were opened to be read. */
  readonly read: string[];
}

const STARTS = ['spawn', 'spawnSync'] as const;
const READS = ['readFileSync', 'readdirSync', 'openSync'] as const;
const PROMISED_READS = ['readFile', 'readdir', 'open'] as const;

export function countCalls(): CountedCalls {
  const started: string[] = [];
  const read: string[] = [];
  const undo = [
    ...STARTS.map((name) =>
      counted(childProcess, name, (program, args) => started.push(commandOf(program, args))),
    ),
    ...READS.map((name) => counted(fs, name, (path) => read.push(String(path)))),
    ...PROMISED_READS.map((name) => counted(promises, name, (path) => read.push(String(path)))),
  ];
  syncBuiltinESMExports();
  return {
    started,
    read,
    [Symbol.dispose]() {
      for (const one of undo) one();
      syncBuiltinESMExports();
    },
  };
}

/** `git hash-object`, without settings. */
function commandOf(program: unknown, args: unknown): string {
  const words = (Array.isArray(args) ? args : []) as readonly string[];
  const own = words.find((word, i) => !word.startsWith('-') && words[i - 1] !== '-c');
  return own === undefined ? String(program) : `${String(program)} ${own}`;
}

function counted<T extends object>(module: T, name: keyof T, note: (...args: unknown[]) => void): () => void {
  const before = module[name] as (...args: unknown[]) => unknown;
  const wrapped = function (this: unknown, ...args: unknown[]) {
    note(...args);
    return before.apply(this, args);
  };
  module[name] = wrapped as T[keyof T];
  return () => {
    module[name] = before as T[keyof T];
  };
}
