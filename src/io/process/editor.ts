/** Opens the user's editor and waits until it ends. Does not know the file. */

import { spawn } from 'node:child_process';

/**
 * The exit code; undefined when there is no such program. `editor` is what the person set as theirs, which may have
 * arguments, so a shell reads it, as git does; the file's name is an argument and is read by nobody.
 */
export function openEditor(editor: string, file: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$@"`, editor, file], { stdio: 'inherit' });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 127 ? undefined : (code ?? 1)));
  });
}
