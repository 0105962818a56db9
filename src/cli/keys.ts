/**
 * Reads single keys from a terminal, and restores the terminal however this process ends. Does not know what the keys
 * mean.
 */

export interface Keys {
  stop(): void;
}

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';

/** Calls with every key, `\r` for enter; Ctrl-C and Ctrl-Z stay what they are everywhere. */
export function listenForKeys(stdin: NodeJS.ReadStream, onKey: (key: string) => void): Keys {
  const raw = (on: boolean) => {
    // The terminal may be gone.
    if (!stdin.destroyed) stdin.setRawMode(on);
  };
  const restore = () => raw(false);
  const onData = (text: string) => {
    // An arrow or another key of several characters is none of ours.
    if (text.startsWith('\u001b')) return;
    for (const key of text) {
      if (key === CTRL_C) process.kill(process.pid, 'SIGINT');
      else if (key === CTRL_Z) suspend();
      else onKey(key === '\n' ? '\r' : key);
    }
  };
  const suspend = () => {
    restore();
    process.once('SIGCONT', () => raw(true));
    process.kill(process.pid, 'SIGTSTP');
  };
  raw(true);
  stdin.setEncoding('utf8');
  stdin.on('data', onData);
  stdin.resume();
  process.on('exit', restore);
  return {
    stop() {
      process.off('exit', restore);
      stdin.off('data', onData);
      stdin.pause();
      restore();
    },
  };
}
