/** Ends a git that speaks to another machine if its caller aborts or if it prints nothing for too long. */

/** The part of a child process that is used here. */
interface Running {
  readonly pid?: number | undefined;
  readonly stdout: NodeJS.EventEmitter;
  readonly stderr: NodeJS.EventEmitter;
  kill(signal: 'SIGKILL'): boolean;
}

export interface Away {
  readonly signal: AbortSignal;
  /** Milliseconds without any output after which git is taken for stuck. */
  readonly silenceMs: number;
}

/** Why git was ended before it was done. */
export type Stopped = 'aborted' | 'silent';

/** Also ends what git has started (ssh, a helper). `end` stops watching, and says why git was ended, if it was. */
export function guardAway(child: Running, { signal, silenceMs }: Away): { end(): Stopped | undefined } {
  let stopped: Stopped | undefined;
  let isOver = false;
  const stop = (why: Stopped) => {
    // The process may have ended long ago, and its number may be that of another one.
    if (isOver) return;
    stopped ??= why;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  };
  const onAbort = () => stop('aborted');
  let timer = setTimeout(() => stop('silent'), silenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop('silent'), silenceMs);
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stop('aborted');
  return {
    end() {
      isOver = true;
      clearTimeout(timer);
      child.stdout.off('data', heard);
      child.stderr.off('data', heard);
      signal.removeEventListener('abort', onAbort);
      return stopped;
    },
  };
}
