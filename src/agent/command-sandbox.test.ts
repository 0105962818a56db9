/** What an agent by command can read and write in a real sandbox, wherever the project and its repository lie. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findSandbox } from '../io/process/sandbox/sandbox.js';
import type { CommandAgentConfig } from '../model/config.js';
import { createCommandAgent } from './command.js';

const found = await findSandbox({ PATH: process.env.PATH });

let root: string;
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A home folder with a login, secrets and another project; a repository whose sub-folder is the project. */
function machine(place: string) {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-agent-')));
  const home = join(root, 'home');
  const repository = join(root, place);
  const project = join(repository, 'apps/web');
  const cache = join(home, '.cache/conductor');
  const workspace = join(cache, 'web-1/w0');
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  put(join(home, '.gitconfig'), 'person');
  put(join(home, '.bashrc'), 'person');
  put(join(home, '.ssh/id'), 'SECRET');
  put(join(home, '.claude/.credentials.json'), 'SECRET login');
  put(join(home, '.claude/settings.json'), 'person');
  put(join(home, '.claude.json'), 'person');
  mkdirSync(join(home, '.my-agent'));
  put(join(home, '.codex/auth.json'), 'SECRET other login');
  put(join(home, 'other/.env'), 'SECRET');
  put(join(project, '.env'), 'SECRET');
  put(join(project, 'node_modules/dep/index.js'), 'linked');
  put(join(repository, '.git/config'), 'SECRET');
  put(join(repository, 'README'), 'person');
  put(join(cache, 'web-1/w1/other.txt'), 'SECRET of another task');
  put(join(project, '.conductor/prompt.md'), 'prompt');
  mkdirSync(workspace, { recursive: true });
  mkdirSync(join(root, 'bin'));
  const before = execFileSync('find', [root, '-type', 'f', '-exec', 'cksum', '{}', '+'], {
    encoding: 'utf8',
  });
  return {
    home,
    project,
    workspace,
    /** Runs a shell script as the agent. Returns all that it printed. */
    async run(script: string, config: Omit<CommandAgentConfig, 'driver'> = {}): Promise<string> {
      const file = join(root, 'bin/agent');
      writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, HOME: home };
      const made = createCommandAgent(
        { driver: 'command', command: ['agent'], ...config },
        {
          env,
          project,
          stateDir: join(cache, 'agents'),
          ...('program' in found ? { sandbox: found.program } : {}),
        },
      );
      if (!made.ok) throw new Error(JSON.stringify(made.error));
      const logFile = join(root, 'agent.log');
      rmSync(logFile, { force: true });
      const exit = await made.value.run({
        label: 'f/T',
        attempt: 1,
        cwd: workspace,
        prompt: 'prompt',
        promptFile: join(project, '.conductor/prompt.md'),
        timeoutMs: 60_000,
        logFile,
        signal: new AbortController().signal,
        network: false,
        places: {
          readOnly: [join(project, 'node_modules')],
          hide: [repository, project, join(repository, '.git'), cache],
        },
        reset: async () => {},
        onEvent: () => {},
      });
      expect(exit.kind).toBe('finished');
      // An agent that printed nothing has none.
      return existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
    },
    /** Files outside of the workspace that are not as they were. */
    changed(): string[] {
      const now = execFileSync('find', [root, '-type', 'f', '-exec', 'cksum', '{}', '+'], {
        encoding: 'utf8',
      });
      const known = new Set(before.split('\n'));
      const others = [join(root, 'bin/'), join(root, 'agent.log'), `${workspace}/`, join(cache, 'agents/')];
      return now
        .split('\n')
        .filter((line) => !known.has(line))
        .map((line) => line.replace(/^\d+ \d+ /, ''))
        .filter((path) => path !== '' && !others.some((one) => path.startsWith(one)));
    },
  };
}

// The repository beside the home folder, in it, and the home folder itself being one.
describe.runIf('program' in found).each(['repository', 'home/work/repository', 'home'])(
  'with the repository at %s',
  (place) => {
    test('an agent reads its workspace, its login, its prompt and links, and nothing else', async () => {
      const one = machine(place);
      const text = await one.run(
        `grep -rs 'S[E]CRET' '${root}' /etc/shadow; cat "$CONDUCTOR_PROMPT_FILE" '${one.project}/node_modules/dep/index.js' ; cat ~/.claude/settings.json
       ln -s '${one.project}/.env' l; ln -s '${one.home}' h; cat l h/.ssh/id h/other/.env; ls -A '${dirname(one.workspace)}'; true`,
        { preset: 'claude' },
      );
      expect(text.match(/SECRET.*/g)).toEqual(['SECRET login']);
      expect(text).toContain('prompt');
      expect(text).toContain('linked');
      expect(text).not.toContain('person');
      expect(text).not.toContain('w1');
    });

    test('an agent writes to its workspace and its login, and what else it writes disappears', async () => {
      const one = machine(place);
      await one.run(
        `for f in ~/.gitconfig ~/.bashrc ~/.claude.json ~/.claude/settings.json ~/.claude/hook ~/.cache/conductor/web-1/w1/other.txt \
         '${one.project}/.env' '${one.project}/new' '${root}/${place}/README' '${root}/${place}/.git/config' \
         '${one.project}/node_modules/dep/index.js' '${root}/new' ~/.ssh/id ~/new; do
         mkdir -p "$(dirname "$f")" && echo hostile > "$f"; done 2>/dev/null
       echo renewed > ~/.claude/.credentials.json; echo made > out.txt`,
        { preset: 'claude' },
      );
      expect(one.changed()).toEqual([join(one.home, '.claude/.credentials.json')]);
      expect(readFileSync(join(one.workspace, 'out.txt'), 'utf8')).toBe('made\n');
    });

    test('what the config names as its state stays, and shows no workspace and no project that lies in it', async () => {
      const one = machine(place);
      const text = await one.run(
        `mkdir -p ~/.my-agent; echo kept > ~/.my-agent/state; grep -rs 'S[E]CRET' ~ ; cat ~/.codex/auth.json; echo x > ~/.cache/conductor/web-1/w1/other.txt; true`,
        { state: ['.my-agent', '.cache'] },
      );
      expect(text).not.toContain('SECRET');
      expect(one.changed()).toEqual([join(one.home, '.my-agent/state')]);
      expect(existsSync(join(one.home, '.my-agent'))).toBe(true);
    });
  },
);

test.runIf('program' in found)(
  'a script of the project that the workspace does not have runs from the project, which it does not see otherwise',
  async () => {
    const here = machine('repository');
    const put = (path: string, text: string, mode = 0o644) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode });
    };
    const look = `pwd; ls ${here.project}; cat ${here.project}/.env ${here.project}/code.ts 2>/dev/null; true`;
    put(join(here.project, 'code.ts'), 'SECRET of the project');
    put(join(here.project, 'tools/agent.sh'), `#!/bin/sh\n. "$(dirname "$0")/lib.sh"; ${look}\n`, 0o755);
    put(join(here.project, 'tools/lib.sh'), 'echo lib of the project\n');
    put(join(here.project, 'top.sh'), `echo from the top; ${look}\n`);
    const outside = await here.run('', { command: ['./tools/agent.sh'] });
    expect(outside).toContain(`lib of the project\n${here.workspace}\n`);
    const read = await here.run('', { command: ['sh', 'top.sh'] });
    expect(read).toContain(`from the top\n${here.workspace}\n`);
    expect(outside + read).not.toContain('SECRET');
    // What the workspace has comes first.
    put(join(here.workspace, 'tools/agent.sh'), '#!/bin/sh\necho of the workspace\n', 0o755);
    expect(await here.run('', { command: ['./tools/agent.sh'] })).toContain('of the workspace');
    expect(await here.run('', { command: ['sh', 'top.sh'] })).not.toContain('SECRET');
  },
);
