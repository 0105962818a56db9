/** The files of its workspace that an agent read, according to its tool calls. Reads none of them. */

import { isAbsolute, relative, resolve, sep } from 'node:path';
import { sortedByBytes } from '../../../base/order.js';
import type { ToolPart } from '../client.js';

/** How `read` answers when it was given a folder. */
const DIRECTORY = /^<path>[^\n]*<\/path>\n<type>directory<\/type>/;

/**
 * The files that the tools `read`, `grep` and `glob` showed to the model; a failed call showed nothing. What a shell
 * command read is not seen.
 */
export class ObservedFiles {
  private readonly cwd: string;
  private readonly paths = new Set<string>();

  constructor(cwd: string) {
    this.cwd = cwd;
  }

  tool(part: ToolPart): void {
    if (part.state.status !== 'completed') return;
    const { input, output } = part.state;
    switch (part.tool) {
      case 'read':
        if (typeof input.filePath === 'string' && !DIRECTORY.test(output)) this.add(input.filePath);
        break;
      // `grep` names each file on a line of its own, followed by a colon; `glob` one on each line.
      case 'grep':
        for (const line of output.split('\n'))
          if (isAbsolute(line) && line.endsWith(':')) this.add(line.slice(0, -1));
        break;
      case 'glob':
        for (const line of output.split('\n')) if (isAbsolute(line)) this.add(line);
        break;
    }
  }

  /** Relative to the workspace, sorted; what lies outside of it or belongs to git is left out. */
  get files(): readonly string[] {
    return sortedByBytes(this.paths);
  }

  private add(path: string): void {
    const inside = relative(this.cwd, resolve(this.cwd, path));
    const outside = inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
    if (outside || inside === '.git' || inside.startsWith(`.git${sep}`)) return;
    this.paths.add(inside.split(sep).join('/'));
  }
}
