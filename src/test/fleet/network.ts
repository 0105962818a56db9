/**
 * A network of a test's own, in namespaces of the kernel: each party has an address in it, and the way between two of them
 * can be cut. Knows no party's program.
 */

import { execFileSync } from 'node:child_process';

/** Whether this user may make namespaces with `ip netns`. */
export function hasNamespaces(): boolean {
  const name = `conductor-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'exec', name, 'true');
    return true;
  } catch {
    return false;
  } finally {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was not made.
    }
  }
}

/** Where a program runs. */
export interface Party {
  readonly address: string;
  /** Stands in front of the program's own command line. */
  readonly command: readonly string[];
}

/** How a program is started at its place. */
export function startedAt(place: Party | undefined, program: string): [program: string, args: string[]] {
  const [first = program, ...rest] = place?.command ?? [];
  return first === program ? [program, []] : [first, [...rest, program]];
}

export class Network implements Disposable {
  private readonly prefix = `conductor-${process.pid}`;
  private readonly parties = new Map<string, Party>();

  constructor(names: readonly string[]) {
    const middle = this.space('middle');
    ip('netns', 'add', middle);
    try {
      ip('-n', middle, 'link', 'add', 'bridge', 'type', 'bridge');
      ip('-n', middle, 'link', 'set', 'bridge', 'up');
      for (const [at, name] of names.entries()) this.join(name, at + 1);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  party(name: string): Party {
    const party = this.parties.get(name);
    if (!party) throw new Error(`the network has no ${name}`);
    return party;
  }

  /** No packet goes from one to the other any more; both are told nothing. */
  cut(one: string, other: string): void {
    this.change('add', one, other);
  }

  heal(one: string, other: string): void {
    this.change('del', one, other);
  }

  [Symbol.dispose](): void {
    for (const name of ['middle', ...this.parties.keys()])
      try {
        ip('netns', 'del', this.space(name));
      } catch {
        // It is gone already.
      }
  }

  private change(what: 'add' | 'del', one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const)
      ip('-n', this.space(from), 'route', what, 'blackhole', `${this.party(to).address}/32`);
  }

  private join(name: string, number: number): void {
    const [space, middle] = [this.space(name), this.space('middle')];
    const address = `10.231.7.${number}`;
    this.parties.set(name, { address, command: ['ip', 'netns', 'exec', space] });
    ip('netns', 'add', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', `to${number}`, 'netns', middle);
    ip('-n', middle, 'link', 'set', `to${number}`, 'master', 'bridge', 'up');
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'out');
    ip('-n', space, 'link', 'set', 'out', 'up');
  }

  private space(name: string): string {
    return `${this.prefix}-${name}`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
