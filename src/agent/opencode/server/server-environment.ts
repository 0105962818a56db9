/**
 * The environment of an OpenCode server: its own folders and switches, and almost nothing of conductor's environment.
 */

import { delimiter, join } from 'node:path';
import { ownValue } from '../../../base/records/own-value.js';
import type { Environment } from '../../../io/process/environment.js';
import { REACH } from '../../provider-reach.js';

/** Every folder of a server lies below one root, which goes when the server goes. */
export interface HomeFolders {
  readonly root: string;
  readonly home: string;
  readonly temporary: string;
  readonly xdg: {
    readonly data: string;
    readonly config: string;
    readonly state: string;
    readonly cache: string;
  };
  /** Conductor's agents and plugins. */
  readonly configDir: string;
  /** Stands for the system's `/etc/opencode`; stays empty. */
  readonly managed: string;
  readonly configFile: string;
  readonly keys: string;
  readonly shell: string;
}

export function homeFolders(root: string): HomeFolders {
  return {
    root,
    home: join(root, 'home'),
    temporary: join(root, 'tmp'),
    xdg: {
      data: join(root, 'data'),
      config: join(root, 'config'),
      state: join(root, 'state'),
      cache: join(root, 'cache'),
    },
    configDir: join(root, 'opencode'),
    managed: join(root, 'managed'),
    configFile: join(root, 'opencode.json'),
    keys: join(root, 'keys'),
    shell: join(root, 'shell'),
  };
}

const SWITCHES = [
  ...['AUTOUPDATE', 'MODELS_FETCH', 'LSP_DOWNLOAD', 'DEFAULT_PLUGINS', 'CLAUDE_CODE', 'EXTERNAL_SKILLS'],
  // Project config: a repository is not trusted to say what its agents may do.
  ...['EMBEDDED_WEB_UI', 'SHARE', 'PROJECT_CONFIG', 'TERMINAL_TITLE'],
];

/** Marks every process that a server starts, however far it runs from it. */
export const MARK = 'CONDUCTOR_SERVER';

/**
 * The variables of a server, made from nothing. The password is among them and a key never is: what OpenCode runs
 * for its agents is the generated shell, which starts from nothing again.
 */
export function serverEnvironment(
  folders: HomeFolders,
  options: {
    readonly env: Environment;
    readonly ripgrep?: string | undefined;
    readonly password: string;
    readonly mark: string;
  },
): Record<string, string> {
  const path = [options.ripgrep, options.env.PATH, '/usr/bin', '/bin'].filter((part) => part);
  const env: Record<string, string> = {
    PATH: path.join(delimiter),
    HOME: folders.home,
    TMPDIR: folders.temporary,
    LANG: 'C.UTF-8',
    XDG_DATA_HOME: folders.xdg.data,
    XDG_CONFIG_HOME: folders.xdg.config,
    XDG_STATE_HOME: folders.xdg.state,
    XDG_CACHE_HOME: folders.xdg.cache,
    OPENCODE_CONFIG: folders.configFile,
    OPENCODE_CONFIG_DIR: folders.configDir,
    OPENCODE_TEST_MANAGED_CONFIG_DIR: folders.managed,
    OPENCODE_SERVER_PASSWORD: options.password,
    // The config folders are made so that nothing is installed; should that ever change, nothing is fetched.
    npm_config_offline: 'true',
    [MARK]: options.mark,
  };
  for (const name of SWITCHES) env[`OPENCODE_DISABLE_${name}`] = '1';
  for (const name of REACH) {
    const value = ownValue(options.env, name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
