/** Keeps what conductor prints from being read as commands by GitHub's runner. Knows the streams of this process. */

import { fstatSync } from 'node:fs';
import { CommandGuard } from '../../report/ci/github.js';
import { answersInJson } from '../output.js';

type Write = NodeJS.WriteStream['write'];

/** Of guarded streams, how they write unguarded, and what the guard knows of the line that is being written. */
const guarded = new WeakMap<NodeJS.WriteStream, { readonly write: Write; readonly safe: CommandGuard }>();

/** For the whole process: from here on only `writeCommands` writes commands. */
export function guardOutput(): void {
  guard(process.stdout, answersInJson);
  guard(process.stderr, () => false);
}

function guard(stream: NodeJS.WriteStream & { readonly fd: number }, isJson: () => boolean): void {
  if (guarded.has(stream) || isFile(stream.fd)) return;
  const write: Write = stream.write.bind(stream);
  const safe = new CommandGuard();
  guarded.set(stream, { write, safe });
  stream.write = ((chunk: Uint8Array | string, ...rest: never[]) =>
    write(typeof chunk === 'string' ? safe.text(chunk, isJson()) : chunk, ...rest)) as Write;
}

/** Whole lines of which every word that others wrote is escaped. */
export function writeCommands(stream: NodeJS.WriteStream, text: string): void {
  const known = guarded.get(stream);
  if (known === undefined) stream.write(text);
  else known.write(known.safe.commands(text));
}

/** What is redirected to a file is not read by the runner, and is written as it is. */
function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}
