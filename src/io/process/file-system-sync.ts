/** Brings everything on one file system to disk, by the program of the system that does so. Knows no file. */

import { spawn } from 'node:child_process';

/** False where there is no such program, or it cannot do that for one file system. */
export function syncFileSystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('sync', ['-f', '--', folder], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
