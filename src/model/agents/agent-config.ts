/** The agents of the configuration as written: how conductor reaches each of them. */

/** The known coding agents; each means an argument vector and a way to pass the prompt. */
export type AgentPreset = 'claude' | 'codex' | 'gemini' | 'pi' | 'aider' | 'opencode-run';

export interface CommandAgentConfig {
  readonly driver: 'command';
  readonly preset?: AgentPreset;
  /** Argument vector instead of a preset. `{promptFile}` and `{model}` in an argument are replaced. */
  readonly command?: readonly string[];
  readonly model?: string;
  /** Names of environment variables that the agent needs (its API key); nothing else is passed on. */
  readonly env?: readonly string[];
  /**
   * Whether the program says what it costs (a wrapper writes it to CONDUCTOR_USAGE_FILE). Default: what is known of
   * the preset, and no for a command; a budget in money refuses an agent that does not.
   */
  readonly reportsCost?: boolean;
  /** Folders and files that the program keeps its state in: writable in the sandbox. Relative to the home folder, or absolute. */
  readonly state?: readonly string[];
  readonly limits?: {
    /** Minutes without any output. Default 10 with a preset; none with a command. */
    readonly silenceMinutes?: number;
    /** The same while a tool of a preset's agent runs. Default 30. */
    readonly toolSilenceMinutes?: number;
    /** The longest wait that a provider may ask for. Default 2. */
    readonly retryWaitMinutes?: number;
  };
}

/** A model of a provider that OpenCode's own catalogue does not know, or knows otherwise. */
export interface OpencodeModelConfig {
  /** Tokens that fit into its context. */
  readonly context?: number;
  /** Tokens of its longest answer. */
  readonly output?: number;
  /** Dollars for a million tokens; without it a budget in money refuses the model. */
  readonly cost?: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead?: number;
    readonly cacheWrite?: number;
  };
}

export interface OpencodeProviderConfig {
  /** Package of the provider; one that is bundled in OpenCode. Default for a provider with a `baseURL`: `@ai-sdk/openai-compatible`. */
  readonly npm?: string;
  readonly baseURL?: string;
  /** Name of the environment variable that holds the key; the key itself is never in a file of the project. */
  readonly keyEnv?: string;
  readonly models?: Readonly<Record<string, OpencodeModelConfig>>;
}

/** Agents of one OpenCode server, which conductor starts and ends itself. */
export interface OpencodeAgentConfig {
  readonly driver: 'opencode';
  /** `provider/model`. */
  readonly model: string;
  /** For titles and summaries; default: the model. */
  readonly smallModel?: string;
  readonly providers?: Readonly<Record<string, OpencodeProviderConfig>>;
  readonly limits?: {
    /** Model calls of one attempt, sub-agents included. Default 60. */
    readonly steps?: number;
    /** Minutes without any sign of life. Default 5. */
    readonly silenceMinutes?: number;
    /** The same while a tool runs. Default 30. */
    readonly toolSilenceMinutes?: number;
    /** The longest wait that a provider may ask for. Default 2. */
    readonly retryWaitMinutes?: number;
  };
  /** What becomes of a result when a file changes that its agent read without declaring it. Default `warn`. */
  readonly observed?: 'warn' | 'rebuild' | 'ignore';
}

/** For a first try without a key: the real OpenCode with a model that says what a script says. */
export interface ScriptedAgentConfig {
  readonly driver: 'scripted';
  /** JSON file of the project; `docs/scripted-model.md` says what it may hold. */
  readonly script: string;
}

/** Prompts as files in a folder, answered by a person or by any program; `docs/inbox.md` describes the files. */
export interface InboxAgentConfig {
  readonly driver: 'inbox';
  /** Absolute, below the home folder (`~/…`), or below the project's `.conductor/`. Default `.conductor/inbox`. */
  readonly folder?: string;
  /** Name of the model that answers, for the record. */
  readonly model?: string;
  /** Whether every answer says what it cost. Default no: a budget in money then refuses the agent. */
  readonly reportsCost?: boolean;
  readonly limits?: {
    /** Minutes until somebody begins. Default 1440. `timeouts.agent` counts from then on. */
    readonly waitMinutes?: number;
    /** Minutes after which a request is free again if its holder gives no sign of life. Default 30. */
    readonly leaseMinutes?: number;
  };
}

/** A program that speaks the Agent Client Protocol on its standard input and output. No budget in money holds for it. */
export interface AcpAgentConfig {
  readonly driver: 'acp';
  /** Argument vector: `['opencode', 'acp']`. */
  readonly command: readonly string[];
  /** One of the models that the agent offers, by its name there. */
  readonly model?: string;
  /** One of the modes that the agent offers. */
  readonly mode?: string;
  /** Way to log in, by its name there, for agents that want to be asked to. */
  readonly auth?: string;
  /** Names of environment variables that the agent needs (its API key); nothing else is passed on. */
  readonly env?: readonly string[];
  /** Folders and files that the program keeps its state in: writable in the sandbox. Relative to the home folder, or absolute. */
  readonly state?: readonly string[];
  readonly limits?: {
    /** Minutes without any message. Default 10. */
    readonly silenceMinutes?: number;
    /** The same while a tool runs. Default 30. */
    readonly toolSilenceMinutes?: number;
  };
  /** What becomes of a result when a file changes that its agent read without declaring it. Default `warn`. */
  readonly observed?: 'warn' | 'rebuild' | 'ignore';
}

export type AgentConfig =
  | CommandAgentConfig
  | OpencodeAgentConfig
  | ScriptedAgentConfig
  | InboxAgentConfig
  | AcpAgentConfig;
